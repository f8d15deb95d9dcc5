"""What can be wrong with a referral or a saving: each condition has a name."""

from shared.kernel.errors import ConflictError, InvalidInputError


class SelfReferralError(InvalidInputError):
    """A customer cannot refer itself."""


class ReferralCycleError(ConflictError):
    """The referrer was itself brought, directly or through others, by the customer it is said to have referred."""


class AlreadyReferredError(ConflictError):
    """This customer has a referrer; each customer is brought by one."""


class ReferredAtOutOfRangeError(InvalidInputError):
    """A referral has happened: it is after 1970 and not in the future."""


class SavingOutOfRangeError(InvalidInputError):
    """A saving is a positive amount up to the ledger's maximum, and has happened: after 1970, not in the future."""


class SavingDiffersError(ConflictError):
    """This external id is already booked as another saving; give a new one."""
