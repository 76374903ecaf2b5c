"""The two kinds of failure of this package; each message is one sentence: the offender, the place, the remedy."""


class InstrumentError(ValueError):
    """The instrument file is wrong: the message names sheet, row and the nearest right name."""


class AnswerError(ValueError):
    """A call named an item, page or answer that the instrument does not have."""
