"""The words of every page that ends a visit, for both doors."""

from collections.abc import Callable
from dataclasses import dataclass

from survey_app.pages.visit import Ending


@dataclass(frozen=True)
class Words:
    """A heading, some sentences, the label of a link to a new form ("" = none), the HTTP status, good or not."""

    heading: str
    sentences: tuple[str, ...]
    again: str = ""
    status: int = 200
    good: bool = False


def words(ending: Ending, _: Callable[[str], str]) -> Words:
    """What a resident reads at this ending, in the translator's language."""
    receipt_gone = _("Your receipt code was shown on the page after you sent the form; it is not shown a second time.")
    open_link = ending.wave is not None and ending.wave.open_link
    another = _("Start a new form") if open_link else ""
    kinds = {
        "complete": Words(
            _("Thank you! Your answers have arrived."),
            (
                _("That is all; nothing more is needed from you."),
                _("They are only reported in totals, together with those of many others."),
                *(() if ending.receipt else (receipt_gone,)),
            ),
            good=True,
        ),
        "refused": Words(
            _("Thank you for telling us."),
            (_("You have chosen not to take part. That is perfectly all right; nothing more is needed from you."),),
            good=True,
        ),
        "not_eligible": Words(
            _("Thank you for your time."),
            (_("This survey is for another group of residents, so there is nothing more to answer."),),
            good=True,
        ),
        "used": Words(
            _("This invitation has already been answered."),
            (_("Thank you! Each invitation counts once, so nothing more is needed."),),
            status=410,
            good=True,
        ),
        "expired": Words(
            _("This invitation has expired."),
            (_("Please ask the person or office that invited you for a new one."),),
            status=410,
        ),
        "unknown": Words(
            _("We do not know this invitation."),
            (_("Please check the link letter by letter, or scan the code on the invitation again."),),
            status=404,
        ),
        "unknown_wave": Words(
            _("There is no survey at this address."),
            (_("Please check the link letter by letter, or scan the code on the invitation again."),),
            status=404,
        ),
        "needs_invitation": Words(
            _("This survey is answered by invitation."),
            (_("Please open the link or scan the code on your own invitation."),),
            status=403,
        ),
        "closed": Words(
            _("This survey has ended."),
            (
                _("No more answers are taken. Thank you for your interest."),
                _("A form that was begun and not sent does not count."),
            ),
            status=410,
        ),
        "not_open": Words(
            _("This survey has not begun yet."),
            (_("Please come back on the day named in your invitation."),),
            status=403,
        ),
        "quota": Words(
            _("Enough people like you have already answered."),
            (_("Thank you for your readiness; nothing was stored."),),
            status=410,
        ),
        "conflict": Words(
            _("A form has already been sent from this address."),
            (
                _("If it was yours, all is well: those answers are kept, and nothing was changed."),
                _("If somebody else wants to answer, please start a new form.")
                if another
                else _("Somebody else can answer with an invitation of their own."),
            ),
            again=another,
            status=409,
        ),
    }
    return kinds[ending.kind]
