"""What can be wrong with a version of the value models or a refit: each condition has a name."""

from shared.kernel.errors import ConflictError, NotFoundError


class ValueModelNotFoundError(NotFoundError):
    """There is no such version of the value models."""


class RefitJobNotFoundError(NotFoundError):
    """There is no such refit job."""


class NoEarlierValueModelError(ConflictError):
    """No version was in force before this one; ask for a refit instead."""


class ValueModelRejectedError(ConflictError):
    """This version was refused by its checks and never scored; name one that was in force."""


class ValueModelInForceError(ConflictError):
    """This version is in force already."""


class RefitStepImpossibleError(ConflictError):
    """The refit job is not in a state that allows this."""
