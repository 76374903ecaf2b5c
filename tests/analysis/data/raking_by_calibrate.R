# Makes raking_by_calibrate.csv: Rscript tests/analysis/data/raking_by_calibrate.R, at the root of the repository.
# R's calibrate() with the raking distance takes the residuals of a weighted fit on the margins, as credit = "design".
library(survey)
data <- read.csv("tests/reference/apistrat.csv")
design <- svydesign(ids = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = data)
totals <- c("(Intercept)" = 6194, stypeH = 755, stypeM = 1018, sch.wideYes = 5122)
raked <- calibrate(design, ~stype + sch.wide, population = totals, calfun = "raking", epsilon = 1e-12, maxit = 200)
rows <- function(result, column, domain) data.frame(column, domain, estimate = coef(result), se = as.numeric(SE(result)))
result <- do.call(rbind, lapply(c("api00", "enroll"), function(column) {
  whole <- rows(svymean(reformulate(column), raked), column, "whole")
  rbind(rows(svyby(reformulate(column), ~awards, raked, svymean), column, c("No", "Yes")), whole)
}))
result$estimate <- sprintf("%.12g", result$estimate)
result$se <- sprintf("%.12g", result$se)
write.csv(result, "tests/analysis/data/raking_by_calibrate.csv", row.names = FALSE, quote = FALSE)
