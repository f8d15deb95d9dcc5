"""The base of everything that comes in or goes out as JSON."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

T = TypeVar("T")

_EDGE = timedelta(days=1)
_EARLIEST = datetime.min.replace(tzinfo=UTC) + _EDGE
_LATEST = datetime.max.replace(tzinfo=UTC) - _EDGE


class ApiModel(BaseModel):
    """Input or output of an API: snake_case, unknown fields refused, no NaN or infinity.

    Output models are filled from domain objects by a class method `of`.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, from_attributes=True)


class Page(ApiModel, Generic[T]):
    """One page of a list. Without `next_cursor` it is the last one."""

    items: list[T]
    next_cursor: str | None = Field(
        default=None, description="Send it as `cursor` with the same filters to get the next page."
    )


def _in_utc(value: datetime) -> datetime:
    if not _EARLIEST <= value <= _LATEST:
        raise ValueError("an instant between year 1 and year 9999 is needed")
    return value.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""An instant with its offset (RFC 3339), kept as UTC."""
