"""Calendars (营业日历) as JSON."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from services.sla.api.calendar_files import SkippedReason
from services.sla.domain.calendars import MOST_EXCEPTIONS
from services.sla.persistence.calendar_store import StoredCalendar
from shared.web.models import ApiModel, Instant

Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]
WEEK: dict[str, Any] = {
    day: [["09:00", "12:00"], ["13:30", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")
}
EXAMPLE: dict[str, Any] = {
    "timezone": "Asia/Shanghai",
    "weekly": WEEK,
    "holidays": {"country": "CN", "subdivision": None, "makeup_workdays": True},
    "exceptions": {"2026-02-28": [["09:00", "18:00"]], "2026-12-31": []},
}
Windows = list[tuple[str, str]]


class HolidaysIn(ApiModel):
    """Whose public holidays close the calendar."""

    country: str = Field(description="ISO 3166 alpha-2.")
    subdivision: str | None = None
    makeup_workdays: bool = Field(
        default=True, description="Work on make-up workdays (调休) where they are known."
    )


class SpecificationIn(ApiModel):
    """What a version of a calendar says. Windows are local and half-open; one may cross midnight."""

    timezone: str = Field(min_length=1, max_length=64, description="IANA zone.")
    weekly: dict[str, Windows] = Field(max_length=7, description="Windows by weekday, `mon` to `sun`.")
    holidays: HolidaysIn | None = None
    exceptions: dict[str, Windows] | None = Field(
        default=None,
        max_length=MOST_EXCEPTIONS,
        description="Dates with windows of their own; `[]` closes the day.",
    )
    effective_from: Instant | None = Field(default=None, description="Now unless said.")

    def specification(self) -> dict[str, Any]:
        """The pinned JSON form."""
        return self.model_dump(mode="json", include={"timezone", "weekly", "holidays", "exceptions"})


class CreateCalendarIn(SpecificationIn):
    """A new calendar with its first version."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Shanghai office", **EXAMPLE}]})

    name: Name


class AddCalendarVersionIn(SpecificationIn):
    """A new version of a calendar: for subjects that start once it is in force."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    application: Literal["future_only", "retroactive"] = Field(
        default="future_only",
        description="Clocks that run already keep the version they started with, or a job applies it to them.",
    )


class CalendarVersionOut(ApiModel):
    """A version as written, with the dates it was resolved to and the data that gave them."""

    id: UUID
    calendar_id: UUID
    number: int
    effective_from: datetime
    specification: dict[str, Any]
    first_year: int
    last_year: int
    holidays: dict[str, str]
    makeup_workdays: dict[str, str]
    data_versions: dict[str, str | None]
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, row: Any) -> "CalendarVersionOut":
        resolved = row["resolved"]
        names = ("specification", "first_year", "last_year", "holidays", "makeup_workdays", "data_versions")
        return cls(
            id=row["id"],
            calendar_id=row["calendar_id"],
            number=row["number"],
            effective_from=row["effective_from"],
            created_at=row["created_at"],
            created_by=row["created_by"],
            **{name: resolved[name] for name in names},
        )


class CalendarSummary(ApiModel):
    """A calendar in a list; `version` is how many versions it has."""

    id: UUID
    name: str
    version: int
    created_at: datetime

    @classmethod
    def of(cls, calendar: StoredCalendar) -> "CalendarSummary":
        return cls.model_validate(calendar)


class CalendarOut(CalendarSummary):
    """A calendar with its newest version."""

    latest: CalendarVersionOut
    job_id: UUID | None = Field(default=None, description="Of the job that applies it to what runs already.")

    @classmethod
    def beside(cls, calendar: StoredCalendar, latest: Any) -> "CalendarOut":
        return cls(**dict(CalendarSummary.of(calendar)), latest=CalendarVersionOut.of(latest))


class SkippedEventOut(ApiModel):
    """An event of the file that closes nothing."""

    event: int = Field(description="Counted from 0.")
    reason: SkippedReason = Field(description="timed: it does not take whole days; or cancelled.")


class ClosedDaysOut(CalendarOut):
    """The calendar with its new version, and what the file did."""

    closed: list[date] = Field(description="Dates that an exception closes now and none did before.")
    replaced: list[date] = Field(description="Those of them whose exception had windows.")
    skipped: list[SkippedEventOut]


class DueOut(ApiModel):
    """The earliest instant with that much business time elapsed."""

    due_at: datetime


class ElapsedOut(ApiModel):
    """Business seconds between two instants."""

    seconds: float
