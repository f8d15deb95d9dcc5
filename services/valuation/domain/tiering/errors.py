"""What can be wrong with a change of rules, an override or a contest: each condition has a name."""

from shared.kernel.errors import ConflictError, InvalidInputError, NotFoundError


class TierRunNotFoundError(NotFoundError):
    """There is no such run of the tier rules."""


class TierRunNotCompletedError(ConflictError):
    """This run is still going on; release what it holds back once it is completed."""


class TierRunSupersededError(ConflictError):
    """A later version of the rules is in force; what its run holds back is released there."""


class NothingHeldBackError(ConflictError):
    """This version of the rules holds nobody back."""


class ReleaseTooSmallError(InvalidInputError):
    """This share of the customers is less than one customer; release a greater one."""


class UnknownTierError(InvalidInputError):
    """The rules that this customer is judged by have no tier of this name."""


class TierOverrideNotFoundError(NotFoundError):
    """There is no such override of a tier."""


class OverrideExpiryOutOfRangeError(InvalidInputError):
    """An override ends at an instant after now, and not later than the longest override may last."""


class TierOverrideEndedError(ConflictError):
    """This override has ended already; the tier is judged by its value again."""


class TierContestNotFoundError(NotFoundError):
    """There is no such contest of a tier."""


class TierNotHeldError(ConflictError):
    """The customer does not hold this tier; contest the one that is held now."""


class NothingToContestError(ConflictError):
    """The customer holds the highest tier: there is none to be reviewed for."""


class TierContestAlreadyOpenError(ConflictError):
    """A contest of this customer's tier is open already; it is decided first."""


class TierContestNotOpenError(ConflictError):
    """The contest's state does not allow this step."""


class OwnContestError(ConflictError):
    """Who filed a contest, or decided on the tier before, may not review it; another person does."""


class ContestOverrideIncompleteError(InvalidInputError):
    """A contest that is granted names the tier to hold and the instant at which that ends."""
