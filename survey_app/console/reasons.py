"""Why a case or a sheet was not taken, in one sentence."""

from survey_app.text import translator


def why(reason: str, language: str) -> str:
    """The sentence for a reason of the submission service or the ending of a form; any other text as it is."""
    _ = translator(language)
    elsewhere = _("This case is not in your hands any more. Take the next one.")
    not_begun = _("The wave has not begun yet. Ask who runs the fieldwork.")
    return {
        "used": _("This case has answered meanwhile; nothing more was stored."),
        "unknown": elsewhere,
        "expired": elsewhere,
        "closed": _("The wave is closed; nothing more is taken. Ask who runs the fieldwork."),
        "not open": not_begun,
        "not_open": not_begun,
        "quota": _("Enough people like this one have answered; nothing was stored. Record the result 4.8."),
        "conflict": _("Other answers were stored for this case already; nothing was changed."),
    }.get(reason, reason)
