"""What may come of a contact attempt: the AAPOR codes (Standard Definitions), declared once.

A final code takes the case off the call list; a temporary one brings it back after a wait. Each belongs to one group of
the response rates: I complete, P partial, R refused or broken off, NC not reached though eligible, O other eligible,
UH not known whether there is a household, UO otherwise not known whether eligible, NE not eligible.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

GROUPS = ("I", "P", "R", "NC", "O", "UH", "UO", "NE")
PHONE, FACE_TO_FACE = "phone", "face_to_face"
MODES = (PHONE, FACE_TO_FACE)
WINDOWS = ("weekday_day", "weekday_evening", "weekend")
EVENING = 17  # from this hour on, local time
DECLARED = """
1.1   | I  | final | both  |    | 完成访问 | Complete interview
1.2   | P  | final | both  |    | 部分完成 | Partial interview
2.11  | R  | final | both  | hand | 拒访 | Refusal
2.12  | R  | final | both  | hand | 中途终止，不再继续 | Broken off and not to be continued
2.2   | NC | final | both  | hand | 整个调查期都不在 | Away for the whole of the fieldwork
2.21  | NC | 24    | phone | hand | 本人不在或不便，已约或可再打 | Not available now; call again
2.22  | NC | 4     | phone | hand | 本人的语音信箱 | The person's own answering machine
2.23  | NC | 24    | face_to_face | hand | 进不了楼或小区 | No entry to the building or compound
2.24  | NC | 4     | face_to_face | hand | 家里没有人 | Nobody at home
2.25  | NC | 24    | face_to_face | hand | 本人不在或不便，已约或可再访 | Not available now; come again
2.31  | O  | final | both  | hand | 已去世 | Died
2.32  | O  | final | both  | hand | 因身体或精神原因不能受访 | Unable for reasons of health
2.33  | O  | final | both  | hand | 语言不通 | No common language
2.34  | O  | 4     | phone | hand | 通话听不清 | Line too poor to talk
2.36  | O  | final | both  | hand | 其他原因（合格而未访） | Other reason, eligible
3.11  | UH | open  | both  |    | 尚未联系 | Not yet tried
3.12  | UH | 1     | phone | hand | 占线 | Busy
3.13  | UH | 4     | phone | hand | 无人接听 | No answer
3.14  | UH | 4     | phone | hand | 语音信箱，不知是谁的 | Answering machine, not clear whose
3.15  | UH | 24    | phone | hand | 被拦截或标记为骚扰电话 | Blocked, or marked as a nuisance call
3.16  | UH | 1     | phone | hand | 线路故障 | Fault on the line
3.17  | UH | final | face_to_face | hand | 无法安全到达 | Could not be reached safely
3.18  | UH | final | face_to_face | hand | 找不到这个地址 | Address not found
3.21  | UO | 24    | both  | hand | 有人应答，不知受访者是否在此 | Somebody answered; not clear if the person lives here
3.9   | UO | final | both  | hand | 不知是否合格，或名单号码是空号 | Eligibility not clear, or a listed number is dead
4.1   | NE | final | both  | hand | 已搬出本区 | Moved out of the area
4.3   | NE | final | phone | hand | 空号或停机（限随机抽号） | Number not in service (random numbers)
4.5   | NE | final | both  | hand | 是单位，不是住家 | A business, not a home
4.6   | NE | final | face_to_face | hand | 空置住房 | Vacant dwelling
4.7   | NE | final | both  | hand | 没有合格的受访者 | Nobody eligible
4.8   | NE | final | both  | hand | 配额已满 | Quota full
"""
"""code | group | final, open, or the wait in hours until the case comes back | modes | recorded by hand? | zh | en"""


@dataclass(frozen=True)
class Disposition:
    """One code. wait: hours until the case comes back at the earliest, None for a final code.

    by_hand: an interviewer may record it; the others follow from what happened.
    """

    code: str
    group: str
    final: bool
    wait: int | None
    modes: frozenset[str]
    by_hand: bool
    zh: str
    en: str

    def text(self, language: str) -> str:
        """The code in words."""
        return self.zh if language == "zh" else self.en


def _declared(line: str) -> Disposition:
    code, group, ending, modes, hand, zh, en = (part.strip() for part in line.split("|"))
    return Disposition(
        code=code,
        group=group,
        final=ending == "final",
        wait=int(ending) if ending.isdecimal() else None,
        modes=frozenset(MODES if modes == "both" else (modes,)),
        by_hand=hand == "hand",
        zh=zh,
        en=en,
    )


ALL = {each.code: each for each in map(_declared, DECLARED.strip().splitlines())}
COMPLETE, PARTIAL, REFUSED, BROKEN_OFF, NOT_ELIGIBLE, UNTRIED = "1.1", "1.2", "2.11", "2.12", "4.7", "3.11"
OTHER = "2.36"
# What an instrument's own disposition item says of an interview that was handed in.
OUTCOMES = {"complete": COMPLETE, "partial": PARTIAL, "refused": REFUSED, "not_eligible": NOT_ELIGIBLE}


def code_of(disposition: str | None) -> str:
    """The AAPOR code of what is stored with a case: a code, an instrument's outcome, or None for nothing yet.

    Any other outcome of an instrument is an eligible person's, but no interview that counts: only "complete" does.
    """
    if disposition is None:
        return UNTRIED
    return disposition if disposition in ALL else OUTCOMES.get(disposition, OTHER)


def groups(codes: Iterable[str | None]) -> dict[str, int]:
    """How many cases each group of the response rates has (persons), every group named; codes as `code_of` takes."""
    counts = dict.fromkeys(GROUPS, 0)
    for each in codes:
        counts[ALL[code_of(each)].group] += 1
    return counts


def for_mode(mode: str) -> list[Disposition]:
    """What an interviewer may record in a mode, in the order of the codes."""
    return [each for each in ALL.values() if each.by_hand and mode in each.modes]


def window_of(moment: datetime) -> str:
    """The time window of a local moment: weekday by day, weekday evening (from 17:00), weekend."""
    if moment.weekday() >= 5:
        return "weekend"
    return "weekday_evening" if moment.hour >= EVENING else "weekday_day"
