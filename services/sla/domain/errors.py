"""What can be refused in sla."""

from shared.kernel.errors import ConflictError, InvalidInputError, NotFoundError, PreconditionFailedError


class InvalidPolicyError(InvalidInputError):
    """The policy breaks a rule."""


class PolicyNotFoundError(NotFoundError):
    """There is no such policy."""


class PolicyVersionNotFoundError(NotFoundError):
    """The policy has no such version."""


class PolicyChangedError(PreconditionFailedError):
    """The policy has changed since you read it; read it again and retry with its new ETag."""


class NameTakenError(ConflictError):
    """There is one of that name already."""


class CalendarNotFoundError(NotFoundError):
    """There is no such calendar."""


class CalendarVersionNotFoundError(NotFoundError):
    """The calendar has no such version."""


class CalendarChangedError(PreconditionFailedError):
    """The calendar has changed since you read it; read it again and retry with its new ETag."""


class OverlappingEffectiveDatesError(InvalidInputError):
    """Two versions would be in force at the same time."""


class SubjectNotFoundError(NotFoundError):
    """Nothing has been heard of this subject."""


class ClockNotFoundError(NotFoundError):
    """There is no such clock."""


class LedgerEntryNotFoundError(NotFoundError):
    """The subject's ledger has no such line."""


class InvalidCorrectionError(InvalidInputError):
    """The correction breaks a rule."""


class ParkedTimerNotFoundError(NotFoundError):
    """There is no such parked timer."""


class SubjectKnownAlreadyError(ConflictError):
    """There is a subject of that id already."""


class SubjectChangedError(PreconditionFailedError):
    """The subject has changed since you read it; read it again and retry with its new ETag."""


class InvalidExternalInputError(InvalidInputError):
    """The input breaks a rule."""


class InputBeforeStartError(InvalidInputError):
    """The input lies before the start of its subject."""


class VersionNotInForceError(InvalidInputError):
    """The version is not in force."""


class JobNotFoundError(NotFoundError):
    """There is no such job."""


class JobNotFailedError(ConflictError):
    """The job has not failed; only a failed one is retried."""
