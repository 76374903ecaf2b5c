"""Who asks: the header block that a statistical form carries (form number, issuing body, approval, validity)."""

from datetime import date

from questionnaires.choices import text_in
from questionnaires.instrument import Instrument
from survey_app.text import translator


def sender(instrument: Instrument, language: str) -> list[tuple[str, str]]:
    """Name and value of each line of the header block, in the reader's language; empty ones are left out."""
    _ = translator(language)
    settings = instrument.settings
    lines = [
        (_("Form number"), settings.form_number),
        (_("Issued by"), text_in(settings.issuing_body, language)),
        (_("Approval number"), text_in(settings.approval_number, language)),
        (_("Valid until"), day(settings.valid_until, language)),
    ]
    return [(name, value) for name, value in lines if value]


def form_line(instrument: Instrument, language: str) -> str:
    """Form number and validity in one line, for the foot of the later pages."""
    _ = translator(language)
    settings = instrument.settings
    lines = [(_("Form number"), settings.form_number), (_("Valid until"), day(settings.valid_until, language))]
    return " · ".join(name + _(": ") + value for name, value in lines if value)


def day(text: str, language: str) -> str:
    """A date as people write it; anything else as it stands."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{found.year}年{found.month}月{found.day}日" if language == "zh" else f"{found.day} {found:%B %Y}"
