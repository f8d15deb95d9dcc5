"""What can be refused about availability."""

from shared.kernel.errors import FieldError, InvalidInputError, NotFoundError, PreconditionFailedError


class InvalidObjectiveError(InvalidInputError):
    """The availability objective breaks a rule."""


class ObjectiveNotFoundError(NotFoundError):
    """There is no such availability objective."""


class ObjectiveChangedError(PreconditionFailedError):
    """The objective has changed since you read it; read it again and retry with its new ETag."""


class MonthNotMeasuredError(NotFoundError):
    """The objective was not in force in that month, or the month is still to come."""


class InvalidOutageError(InvalidInputError):
    """The outage breaks a rule."""


class OutageNotFoundError(NotFoundError):
    """There is no such outage."""


class OutageChangedError(PreconditionFailedError):
    """The outage has changed since you read it; read it again and retry with its new ETag."""


class UnknownOfferingError(InvalidInputError):
    """No availability objective is for that offering."""

    @classmethod
    def named(cls, offering: str) -> "UnknownOfferingError":
        message = f"No availability objective is for the offering {offering}."
        return cls(message, field_errors=[FieldError("offering", "known_offering", message)])


class InvalidProbeResultsError(InvalidInputError):
    """The probe results break a rule."""
