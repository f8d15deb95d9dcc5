"""Named conditions. An error is what a caller is told: its class names it, its docstring explains it.

The `code` is derived from the class name (`TicketAlreadyClosedError` → `ticket_already_closed`) and is
part of the published interface: renaming a class is a breaking change.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True)
class FieldError:
    """One field of the input and the rule that it breaks.

    `field` is a path as the caller wrote it (`targets[0].duration`), `rule` a stable word
    (`required`, `greater_than`), `message` a sentence.
    """

    field: str
    rule: str
    message: str


class CareloopError(Exception):
    """Something went wrong that has a name."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "careloop"
    title: ClassVar[str] = "Something went wrong that has a name"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.code = _CAMEL.sub("_", cls.__name__.removesuffix("Error")).lower()
        first_line = (cls.__doc__ or cls.__name__).strip().splitlines()[0]
        cls.title = first_line.rstrip(".")

    def __init__(
        self,
        detail: str | None = None,
        *,
        field_errors: Sequence[FieldError] = (),
        **members: Any,
    ) -> None:
        """`detail` says what is wrong this time; `members` become extension members of the problem."""
        self.detail = detail or self.title
        self.field_errors = tuple(field_errors)
        self.members = members
        super().__init__(self.detail)


class InvalidInputError(CareloopError):
    """The input breaks a rule."""

    status = 422

    @classmethod
    def of(cls, field: str, rule: str, message: str) -> "InvalidInputError":
        """The error of one field."""
        return cls(message, field_errors=[FieldError(field, rule, message)])


class UnauthenticatedError(CareloopError):
    """A valid bearer token is needed."""

    status = 401


class PermissionDeniedError(CareloopError):
    """Your role may not do this."""

    status = 403


class NotFoundError(CareloopError):
    """There is no such resource."""

    status = 404


class ConflictError(CareloopError):
    """The resource's state does not allow this."""

    status = 409


class PreconditionFailedError(CareloopError):
    """The resource has changed since you read it; read it again and retry with its new ETag."""

    status = 412


class PreconditionRequiredError(CareloopError):
    """Send If-Match with the ETag you last read."""

    status = 428


class RateLimitedError(CareloopError):
    """Too many requests; wait as long as Retry-After says."""

    status = 429


class UnavailableError(CareloopError):
    """A part this depends on is away for now; try again."""

    status = 503
