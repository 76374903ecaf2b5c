"""How invitations were taken up, for the Fieldwork view: by batch, by district, and answers by day. No person in it."""

from collections.abc import Iterable, Mapping

from analysis import format_number
from survey_app.console import markup
from survey_app.store.redemption import Day, Redeemed, Redemption
from survey_app.text import translator

UNNAMED = "-"


def sections(found: Redemption, names: Mapping[str, str], language: str) -> list[str]:
    """The three tables under their heading; nothing where no invitation was sent. names: units in official order."""
    if not found.whole.sent:
        return []
    _ = translator(language)
    places = {code: place for place, code in enumerate(names)}
    districts = sorted(found.districts, key=lambda one: places.get(one.name, len(places)))
    heading = markup.section(_("Invitations"), _("Links that were sent, and answers that came by them."))
    batches = [_row(one, one.name or UNNAMED) for one in found.batches]
    by_district = [_row(one, names.get(one.name, one.name)) for one in districts]
    whole = _row(found.whole, _("All"), whole=True)
    return [
        heading,
        markup.table(_columns(_("Batch"), language), [*batches, whole], caption=_("Invitations by batch (persons)")),
        markup.table(
            _columns(_("District"), language), [*by_district, whole], caption=_("Invitations by district (persons)")
        ),
        _days(found.days, language),
    ]


def _columns(what: str, language: str) -> list[markup.Column]:
    _ = translator(language)
    return [
        markup.Column("name", what, kind="name"),
        markup.Column("sent", _("sent")),
        markup.Column("answered", _("answered")),
        markup.Column("expired", _("expired")),
        markup.Column("rate", _("answered of sent"), "%", apart=True),
    ]


def _row(one: Redeemed, name: str, *, whole: bool = False) -> markup.Row:
    counts = {key: format_number(getattr(one, key), 0) for key in ("sent", "answered", "expired")}
    return markup.Row(
        "whole" if whole else one.name, {"name": name, **counts, "rate": format_number(one.rate)}, whole=whole
    )


def _days(days: Iterable[Day], language: str) -> str:
    _ = translator(language)
    columns = [
        markup.Column("day", _("Day"), kind="name"),
        markup.Column("answers", _("answers")),
        markup.Column("until_then", _("until then")),
        markup.Column("rate", _("answered of sent"), "%", apart=True),
    ]
    rows = [
        markup.Row(
            one.day.isoformat(),
            {
                "day": one.day.isoformat(),
                "answers": format_number(one.answers, 0),
                "until_then": format_number(one.until_then, 0),
                "rate": format_number(one.rate),
            },
        )
        for one in days
    ]
    return markup.table(columns, rows, caption=_("Answers by link, by day (persons)"))
