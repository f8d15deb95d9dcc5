"""What can be wrong with a calendar, or with a question put to it."""

from shared.kernel.errors import InvalidInputError


class InvalidCalendarError(InvalidInputError):
    """The calendar is not well formed."""


class CalendarYearOutOfRangeError(InvalidInputError):
    """The question, or its answer, lies outside the years that this calendar covers."""


class CalendarHasNoOpenTimeError(InvalidInputError):
    """The calendar has not enough open time in that direction."""


class InvalidQuestionError(InvalidInputError):
    """The question to a calendar is not well formed."""


class InvalidCalendarFileError(InvalidInputError):
    """The calendar file is not well formed, or says what cannot be taken from it."""
