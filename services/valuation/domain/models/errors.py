"""What can be wrong with the data or the parameters of a model: each condition has a name."""

from shared.kernel.errors import InvalidInputError


class NoCustomersError(InvalidInputError):
    """A model needs at least one customer."""


class HistoryInvalidError(InvalidInputError):
    """A purchase history breaks a rule; the detail names the row, counted from 0, and the rule."""

    def __init__(self, row: int, rule: str) -> None:
        super().__init__(f"row {row}: {rule}", row=row)
        self.row = row
        self.rule = rule


class ModelUnknownError(InvalidInputError):
    """There is no such model."""


class ModelParametersInvalidError(InvalidInputError):
    """The parameters are not those of the model: each is a positive finite number."""


class HorizonInvalidError(InvalidInputError):
    """A horizon is a finite length of time above zero; for chances it is a whole number of periods."""


class DiscountRateInvalidError(InvalidInputError):
    """A discount rate is a finite share a year, not below zero."""
