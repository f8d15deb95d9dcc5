"""Measurements of the population: the job, and the distribution of each source that it found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.indicators.population import Distribution
from services.valuation.persistence.indicator_tables import indicator_measurements, source_distributions
from services.valuation.persistence.rows import insert_rows, run_rows
from shared.db.statements import insert, statement, update
from shared.db.work import Session, Work

MeasurementState = Literal["running", "completed"]

_NAMES = [column.name for column in indicator_measurements.columns]
_ADD = insert_rows(indicator_measurements, suffix="ON CONFLICT (state) WHERE state = 'running' DO NOTHING")
_CUSTOMERS = statement(sa.text("SELECT count(*) FROM standings"))
_FIRST_REGISTERED = statement(sa.text("SELECT registered_at FROM customers ORDER BY id LIMIT 1"))
_BY_ID = statement(
    sa.select(indicator_measurements).where(indicator_measurements.c.id == sa.bindparam("measurement_id"))
)
_RUNNING = statement(sa.text("SELECT * FROM indicator_measurements WHERE state = 'running'"))
_LOCK_RUNNING = statement(
    sa.text("SELECT * FROM indicator_measurements WHERE state = 'running' FOR UPDATE SKIP LOCKED")
)
_LATEST = statement(
    sa.text("SELECT * FROM indicator_measurements WHERE state = 'completed' ORDER BY id DESC LIMIT 1")
)
_PAGE = statement(
    sa.text(
        "SELECT * FROM indicator_measurements WHERE CAST(:before AS uuid) IS NULL OR id < CAST(:before AS uuid)"
        " ORDER BY id DESC LIMIT CAST(:limit AS integer)"
    )
)
_SAVE = statement(
    update(indicator_measurements, "state", "sources_done", "completed_at").where(
        indicator_measurements.c.id == sa.bindparam("measurement_id")
    )
)
_ADD_SOURCE = statement(insert(source_distributions))
_MEASURED = statement(
    sa.text("SELECT source FROM source_distributions WHERE measurement_id = CAST(:measurement_id AS uuid)")
)
_DISTRIBUTIONS = statement(
    sa.text(
        "SELECT source, known, grid FROM source_distributions"
        " WHERE measurement_id = CAST(:measurement_id AS uuid) AND source = ANY(CAST(:sources AS text[]))"
    )
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measurement of all customers as they were at `started_at`, and how far it is."""

    id: UUID
    state: MeasurementState
    customers: int
    sources_total: int
    sources_done: int
    started_at: datetime
    completed_at: datetime | None
    started_by: str


async def count_customers(session: Session) -> int:
    """How many there are now."""
    count: int = await session.fetch_value(_CUSTOMERS)
    return count


async def first_registered_at(session: Session) -> datetime | None:
    """When the first customer came."""
    at: datetime | None = await session.fetch_value(_FIRST_REGISTERED)
    return at


async def add(work: Work, measurement: Measurement) -> bool:
    """Add a running one; False when another one is running."""
    row = tuple(getattr(measurement, name) for name in _NAMES)
    return await run_rows(work, _ADD, _NAMES, [row]) == 1


async def save(work: Work, measurement: Measurement) -> None:
    """Write the progress of a locked one."""
    await work.execute(
        _SAVE,
        measurement_id=measurement.id,
        state=measurement.state,
        sources_done=measurement.sources_done,
        completed_at=measurement.completed_at,
    )


async def find(session: Session, measurement_id: UUID) -> Measurement | None:
    return _measurement(await session.fetch_one(_BY_ID, measurement_id=measurement_id))


async def running(session: Session) -> Measurement | None:
    """The one that is running."""
    return _measurement(await session.fetch_one(_RUNNING))


async def lock_running(work: Work) -> Measurement | None:
    """The one that is running; None also while another worker has it."""
    return _measurement(await work.fetch_one(_LOCK_RUNNING))


async def latest(session: Session) -> Measurement | None:
    """The last one that was completed."""
    return _measurement(await session.fetch_one(_LATEST))


async def page(session: Session, before: UUID | None, limit: int) -> list[Measurement]:
    """At most `limit` measurements, the newest first."""
    rows = await session.fetch_all(_PAGE, before=before, limit=limit)
    return [Measurement(**dict(row)) for row in rows]


async def measured_sources(session: Session, measurement_id: UUID) -> set[str]:
    """The sources that a running one has done."""
    return {row["source"] for row in await session.fetch_all(_MEASURED, measurement_id=measurement_id)}


async def add_distributions(work: Work, measurement_id: UUID, found: Sequence[Distribution]) -> None:
    """Keep what was measured."""
    await work.execute_many(
        _ADD_SOURCE,
        [
            {
                "measurement_id": measurement_id,
                "source": one.source,
                "known": one.known,
                "grid": list(one.grid),
            }
            for one in found
        ],
    )


async def distributions(
    session: Session, measurement_id: UUID, sources: Sequence[str]
) -> dict[str, Distribution]:
    """What was measured of these sources."""
    rows = await session.fetch_all(_DISTRIBUTIONS, measurement_id=measurement_id, sources=list(sources))
    return {row["source"]: Distribution(row["source"], row["known"], tuple(row["grid"])) for row in rows}


def _measurement(row: Mapping[str, Any] | None) -> Measurement | None:
    return None if row is None else Measurement(**dict(row))
