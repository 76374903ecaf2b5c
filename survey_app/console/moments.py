"""Local times of the field as people read them."""

from datetime import datetime

from survey_app.text import translator

WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")


def day(moment: datetime, language: str) -> str:
    """A day with its weekday."""
    if language == "zh":
        return f"{moment.month}月{moment.day}日 {WEEKDAYS[moment.weekday()]}"
    return f"{moment:%a} {moment.day} {moment:%b}"


def when(begin: int | None, end: int | None, language: str) -> str:
    """From when and until when (seconds since 1970): "not before ..." where only the first is known, "" for none."""
    _ = translator(language)
    if begin is None:
        return ""
    start = datetime.fromtimestamp(begin)
    text = f"{day(start, language)} {start:%H:%M}"
    if end is None:
        return _("not before {time}").format(time=text)
    stop = datetime.fromtimestamp(end)
    last = f"{stop:%H:%M}" if stop.date() == start.date() else f"{day(stop, language)} {stop:%H:%M}"
    return f"{text}–{last}"


def window_names(language: str) -> dict[str, str]:
    """What the time windows are called."""
    _ = translator(language)
    return {
        "weekday_day": _("weekday, day"),
        "weekday_evening": _("weekday, evening"),
        "weekend": _("weekend"),
    }
