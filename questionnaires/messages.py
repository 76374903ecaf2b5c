"""Sentences to residents about one answer: kind, concrete, in Chinese and English."""

from collections.abc import Mapping

SENTENCES: Mapping[str, tuple[str, str]] = {
    "required": ("请先回答这一题，再往下走。", "Please answer this question before you go on."),
    "integer": ("请填一个整数，例如 3。", "Please give a whole number, for example 3."),
    "decimal": ("请填一个数字，例如 2.5。", "Please give a number, for example 2.5."),
    "digits alone": (
        "请只填数字，不写“{unit}”，例如 {number}。",
        "Please give the number alone, without “{unit}”, for example {number}.",
    ),
    "date": (
        "请按“年-月-日”填写，例如 2026-05-01。",
        "Please write the date as year-month-day, for example 2026-05-01.",
    ),
    "time": ("请填写几点几分，例如 08：30。", "Please write the time as hours:minutes, for example 08:30."),
    "dateTime": (
        "请填写日期和时间，例如 2026-05-01 08：30。",
        "Please give the date and the time, for example 2026-05-01 08:30.",
    ),
    "range": ("请填 {start} 到 {end} 之间的整数。", "Please give a whole number from {start} to {end}."),
    "steps": ("请从这些数里选一个来填：{values}。", "Please give one of these numbers: {values}."),
    "place twice": (
        "第 {place} 位给了不止一项，请给每一项排一个不同的名次。",
        "Place {place} is given to more than one; please give each its own place.",
    ),
    "rank incomplete": (
        "还有没排名次的，请给每一项都排上名次。",
        "Some have no place yet; please give a place to each.",
    ),
    "one": ("这一题只能选一个答案，请重新选择。", "Please choose just one answer here."),
    "not offered": (
        "您选的答案不在这一题的选项里，请从列出的选项中选择。",
        "That answer is not one of those offered here; please choose from the list.",
    ),
    "too long": (
        "文字太长了，请不要超过 {limit} 个字。",
        "That text is too long; please keep it to {limit} characters.",
    ),
    "unreadable": ("我们没能读懂这个答案，请重新填写。", "We could not read this answer; please give it again."),
    "constraint": (
        "这个答案好像不太对，请再核对一下。",
        "This answer does not look right; please check it once more.",
    ),
}


def sentence(kind: str, language: str, **details: object) -> str:
    """The sentence for one kind of problem; Chinese for zh, English for every other language."""
    chinese, english = SENTENCES[kind]
    return (chinese if language == "zh" else english).format(**details)
