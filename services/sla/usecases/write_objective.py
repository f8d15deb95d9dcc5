"""Availability objectives: a new one, or a new version of one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.sla.domain.availability.objective import (
    Objective,
    ObjectiveVersion,
    check_objective,
    check_version,
)
from services.sla.persistence import availability_store
from shared.db.work import Work
from shared.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class CreateObjective:
    """`first` is its first version; months are the calendar's in `timezone`."""

    name: str
    offering: str
    timezone: str
    first: ObjectiveVersion


@dataclass(frozen=True, slots=True)
class AddObjectiveVersion:
    """`expected_version` is how many versions the caller saw."""

    objective_id: UUID
    expected_version: int
    version: ObjectiveVersion


async def create_objective(command: CreateObjective, work: Work) -> Objective:
    """Raises `InvalidObjectiveError`, `NameTakenError`."""
    check_objective(command.name, command.offering, command.timezone)
    check_version(command.first, [], work.now)
    begins_at: datetime = command.first.effective_from
    objective = Objective(
        id=new_id(),
        name=command.name,
        offering=command.offering,
        timezone=command.timezone,
        created_at=work.now,
        # An objective for time gone by is judged on all of it.
        evaluated_until=min(begins_at, work.now),
        versions=[command.first],
    )
    await availability_store.add(work, objective)
    await availability_store.add_version(work, objective.id, command.first)
    return objective


async def add_objective_version(command: AddObjectiveVersion, work: Work) -> Objective:
    """Raises `InvalidObjectiveError`, `OverlappingEffectiveDatesError`, `ObjectiveNotFoundError`,
    `ObjectiveChangedError`."""
    objective = await availability_store.lock(work, command.objective_id, command.expected_version)
    check_version(command.version, objective.versions, work.now)
    await availability_store.bump(work, objective.id)
    await availability_store.add_version(work, objective.id, command.version)
    return await availability_store.get(work, objective.id)
