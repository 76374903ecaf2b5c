# Makes weighting_by_hand.csv: Rscript tests/analysis/data/weighting_by_hand.R, at the root of the repository.
# What R's survey has no function for, from its parts: the residuals of weighting-class nonresponse (f (z - b) for who
# responded, and b for everybody drawn), alone and before a calibration, summed by svytotal under the design as drawn;
# beside them R's own calibrate() and trimWeights().
library(survey)
options(survey.lonely.psu = "fail", warn = 1)
d <- read.csv("tests/reference/apistrat.csv")
d$responded <- as.numeric((seq_len(nrow(d)) * 7) %% 10 < 7)
design <- svydesign(ids = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = d)
totals <- c("(Intercept)" = 6194, stypeH = 755, stypeM = 1018, api99 = 3914069)
rows <- list()
add <- function(case, variable, estimate, se) rows[[length(rows) + 1]] <<- data.frame(case, variable, estimate, se)

class <- interaction(d$sch.wide, d$awards)
w <- d$pw
f <- ave(w, class, FUN = sum) / ave(w * d$responded, class, FUN = sum)
g <- f * d$responded
back <- function(u) { # the derivative by the drawn weights, from u, that by the weights after nonresponse
  b <- ave(w * d$responded * u, class, FUN = sum) / ave(w * d$responded, class, FUN = sum)
  g * (u - b) + b
}
se_of <- function(u) { design$variables$u <- u; as.numeric(SE(svytotal(~u, design))) }
score <- function(y, weight) (y - sum(weight * y) / sum(weight)) / sum(weight)
for (y in c("api00", "enroll")) {
  add("nonresponse", paste("mean", y), weighted.mean(d[[y]], w * g), se_of(back(score(d[[y]], w * g))))
  add("nonresponse", paste("total", y), sum(w * g * d[[y]]), se_of(back(d[[y]])))
}
x <- model.matrix(~ stype + api99, d)
adjusted <- w * g
lambda <- solve(crossprod(x * adjusted, x), totals - colSums(x * adjusted))
k <- drop(1 + x %*% lambda)
for (y in c("api00", "enroll")) {
  u <- score(d[[y]], adjusted * k)
  residual <- k * (u - drop(x %*% solve(crossprod(x * adjusted, x), crossprod(x * adjusted, u))))
  add("nonresponse, calibrate", paste("mean", y), weighted.mean(d[[y]], adjusted * k), se_of(back(residual)))
}
means <- function(case, design) for (y in c("api00", "enroll")) {
  m <- svymean(reformulate(y), design)
  add(case, paste("mean", y), coef(m), as.numeric(SE(m)))
}
linear <- function(design) calibrate(design, ~ stype + api99, totals)
means("linear", linear(design))
means("raking", calibrate(design, ~ stype + api99, totals, calfun = "raking", epsilon = 1e-13, maxit = 200))
means("logit", calibrate(design, ~ stype + api99, totals, calfun = "logit", bounds = c(0.9, 1.2), epsilon = 1e-13, maxit = 200))
means("linear within 0.97 and 1.04", calibrate(design, ~ stype + api99, totals, bounds = c(0.97, 1.04), epsilon = 1e-13, maxit = 200))
means("raking within 0.97 and 1.04", calibrate(design, ~ stype + api99, totals, calfun = "raking", bounds = c(0.97, 1.04), epsilon = 1e-13, maxit = 200))
crossed <- c("(Intercept)" = 6194, stypeH = 755, stypeM = 1018, sch.wideYes = 5122, "stypeH:sch.wideYes" = 420, "stypeM:sch.wideYes" = 700)
means("interaction", calibrate(design, ~ stype * sch.wide, crossed))
means("trim", trimWeights(design, lower = 16, upper = 40))
means("trim strict", trimWeights(design, upper = 32, strict = TRUE))
means("linear, trim", trimWeights(linear(design), lower = 16, upper = 44))
means("trim, linear", linear(trimWeights(design, lower = 16, upper = 40)))
partial <- suppressWarnings(postStratify(design, ~stype, data.frame(stype = c("E", "H", "M", "X"), Freq = c(4421, 755, 1018, 9)), partial = TRUE))
means("partial", partial)
result <- do.call(rbind, rows)
result$estimate <- sprintf("%.12g", result$estimate)
result$se <- sprintf("%.12g", result$se)
write.csv(result, "tests/analysis/data/weighting_by_hand.csv", row.names = FALSE, quote = TRUE)
