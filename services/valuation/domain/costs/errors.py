"""What can be wrong with a cost rate."""

from shared.kernel.errors import InvalidInputError, NotFoundError


class CostRateNotFoundError(NotFoundError):
    """No cost was set for this kind of case; its cases are counted as unpriced."""


class CostRateEmptyError(InvalidInputError):
    """A cost rate says what an hour costs, what a case costs, or both."""


class CostHoursCapWithoutHoursError(InvalidInputError):
    """The most hours a case may count need a cost an hour."""
