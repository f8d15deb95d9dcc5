"""Calendars: a new one, or a new version, written or read from a calendar file.

Versions hold their resolved dates and never change.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.sla.domain.calendars import (
    FIRST_YEAR,
    LAST_YEAR,
    CalendarSpecification,
    ClosedDays,
    WholeDays,
    close_days,
    materialise,
)
from services.sla.domain.catalogue import CalendarVersion
from services.sla.domain.errors import OverlappingEffectiveDatesError
from services.sla.domain.policy_rules import check_calendar
from services.sla.persistence import calendar_store
from services.sla.persistence.catalogue_store import Catalogues, take_revision
from shared.db.work import Work
from shared.kernel.errors import FieldError
from shared.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class CreateCalendar:
    """`specification` as it is written; `effective_from` is now unless said."""

    name: str
    specification: Mapping[str, Any]
    effective_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class AddCalendarVersion:
    """`expected_version` is how many versions the caller saw."""

    calendar_id: UUID
    expected_version: int
    specification: Mapping[str, Any]
    effective_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportClosedDays:
    """`days` as a calendar file has them; `expected_version` is how many versions the caller saw."""

    calendar_id: UUID
    expected_version: int
    days: Sequence[WholeDays]
    effective_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class ResolvedYears:
    """Which years are resolved: so many before and after the one from which a version holds."""

    before: int
    after: int

    def around(self, effective_from: datetime) -> range:
        year = effective_from.year
        return range(max(FIRST_YEAR, year - self.before), min(LAST_YEAR, year + self.after) + 1)


async def create_calendar(command: CreateCalendar, work: Work, *, years: ResolvedYears) -> UUID:
    """The id of the new calendar. Raises `InvalidCalendarError`, `NameTakenError`."""
    specification = CalendarSpecification.parse(command.specification)
    calendar_id = new_id()
    await calendar_store.add(work, calendar_id, command.name)
    await _add(work, calendar_id, 1, specification, command.effective_from or work.now, years)
    return calendar_id


async def add_calendar_version(
    command: AddCalendarVersion, work: Work, *, years: ResolvedYears, catalogues: Catalogues
) -> UUID:
    """The calendar's id. Raises `InvalidCalendarError` (also where a policy's target would never be reached on it),
    `CalendarNotFoundError`, `CalendarChangedError`, `OverlappingEffectiveDatesError`."""
    specification = CalendarSpecification.parse(command.specification)
    latest = await _lock_latest(work, command.calendar_id, command.expected_version)
    await _add_after(work, latest, specification, command.effective_from, years, catalogues)
    return command.calendar_id


async def import_closed_days(
    command: ImportClosedDays, work: Work, *, years: ResolvedYears, catalogues: Catalogues
) -> ClosedDays:
    """Writes a version that is the newest one with the days of a file closed.

    Raises `CalendarNotFoundError`, `CalendarChangedError`, `OverlappingEffectiveDatesError`, `InvalidCalendarError`
    where a policy's target would never be reached any more, and
    `InvalidCalendarFileError` when the file closes no date that is not closed by exception already, or too many.
    """
    latest = await _lock_latest(work, command.calendar_id, command.expected_version)
    written = CalendarSpecification.parse(latest["resolved"]["specification"])
    resolved = years.around(command.effective_from or work.now)
    # A file of many rules takes a while: others go on meanwhile.
    specification, closed = await asyncio.to_thread(close_days, written, command.days, resolved)
    await _add_after(work, latest, specification, command.effective_from, years, catalogues)
    return closed


async def _lock_latest(work: Work, calendar_id: UUID, expected_version: int) -> Any:
    """The row of the newest version; nobody else adds one meanwhile."""
    calendar = await calendar_store.lock(work, calendar_id, expected_version)
    return await calendar_store.latest(work, calendar.id)


async def _add_after(
    work: Work,
    latest: Any,
    specification: CalendarSpecification,
    effective_from: datetime | None,
    years: ResolvedYears,
    catalogues: Catalogues,
) -> None:
    effective_from = effective_from or work.now
    if effective_from <= latest["effective_from"]:
        holds_from = latest["effective_from"].isoformat()
        message = f"Version {latest['number']} holds from {holds_from} on; a new one holds from later."
        fault = FieldError("effective_from", "overlaps", message)
        raise OverlappingEffectiveDatesError(message, field_errors=[fault])
    await calendar_store.bump(work, latest["calendar_id"])
    added = await _add(
        work, latest["calendar_id"], latest["number"] + 1, specification, effective_from, years
    )
    check_calendar(added, (await catalogues.at(work, added.revision - 1)).policy_versions())


async def _add(
    work: Work,
    calendar_id: UUID,
    number: int,
    specification: CalendarSpecification,
    effective_from: datetime,
    years: ResolvedYears,
) -> CalendarVersion:
    # Holidays of a country take up to half a second to work out the first time: others go on meanwhile.
    resolved = await asyncio.to_thread(materialise, specification, years.around(effective_from))
    version = CalendarVersion(
        id=new_id(),
        calendar_id=calendar_id,
        name="",
        number=number,
        effective_from=effective_from,
        revision=await take_revision(work),
        resolved=resolved,
    )
    await calendar_store.add_version(
        work,
        id=version.id,
        calendar_id=calendar_id,
        number=number,
        effective_from=effective_from,
        revision=version.revision,
        resolved=resolved.to_json(),
    )
    return version
