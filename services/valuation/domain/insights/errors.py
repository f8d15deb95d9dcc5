"""What can be wrong with an insight or with the rules that raise them."""

from shared.kernel.errors import ConflictError, InvalidInputError, NotFoundError


class InsightNotFoundError(NotFoundError):
    """There is no such insight."""


class InsightRulesNotFoundError(NotFoundError):
    """There is no such version of the insight rules."""


class InsightAlreadyTakenError(ConflictError):
    """Somebody has taken this insight already; they finish or dismiss it."""


class InsightNotTakenError(ConflictError):
    """Take the insight first; then tell what came of it."""


class InsightEndedError(ConflictError):
    """This insight was done, dismissed or has expired; it cannot change any more."""


class InsightRulesInvalidError(InvalidInputError):
    """Each kind of insight has one rule, and every figure lies in its range; the message names the field."""
