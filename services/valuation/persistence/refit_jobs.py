"""Refit jobs: at most one is open, which the unique index sees to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.serving.errors import RefitJobNotFoundError
from services.valuation.domain.serving.refit_status import OPEN, RefitStatus
from services.valuation.persistence.rows import insert_rows, run_rows
from services.valuation.persistence.serving_tables import refit_jobs
from shared.db.statements import statement, update
from shared.db.work import Session, Work

RefitCause = Literal["nightly", "asked", "rollback"]

_NAMES = [column.name for column in refit_jobs.columns]
_CHANGING = (
    "status",
    "is_open",
    "attempts",
    "problem",
    "model_version",
    "customers",
    "scored",
    "scored_through",
    "told",
    "completed_at",
)
_ADD = insert_rows(refit_jobs, suffix="ON CONFLICT (is_open) WHERE is_open DO NOTHING")
_SAVE = statement(update(refit_jobs, *_CHANGING).where(refit_jobs.c.id == sa.bindparam("job_id")))
_BY_ID = statement(sa.select(refit_jobs).where(refit_jobs.c.id == sa.bindparam("job_id")))
_OPEN = statement(sa.text("SELECT * FROM refit_jobs WHERE is_open"))
_LOCK_OPEN = statement(sa.text("SELECT * FROM refit_jobs WHERE is_open FOR UPDATE"))
_LATEST_FIT = statement(
    sa.text("SELECT started_at FROM refit_jobs WHERE cause <> 'rollback' ORDER BY id DESC LIMIT 1")
)
_FIRST_BOOKED = statement(sa.text("SELECT recorded_at FROM transactions ORDER BY id LIMIT 1"))
_PAGE = statement(
    sa.text(
        "SELECT * FROM refit_jobs WHERE CAST(:before AS uuid) IS NULL OR id < CAST(:before AS uuid)"
        " ORDER BY id DESC LIMIT CAST(:limit AS integer)"
    )
)


@dataclass(frozen=True, slots=True)
class RefitJob:
    """A refit and how far it is.

    history_day     the last day that the fit takes into account, and that scores are as of
    attempts        processes that were started for the fit
    problem         why the last attempt, or the job, came to nothing
    model_version   the version that the fit became, promoted or refused
    customers       standings there were when it began; `scored` counts those that have bought
    scored_through  the last customer in the order of ids that the scoring has come to
    told            scores that were published because they had moved
    """

    id: UUID
    cause: RefitCause
    status: RefitStatus
    history_day: date
    customers: int
    started_at: datetime
    started_by: str
    attempts: int = 0
    problem: str | None = None
    model_version: int | None = None
    scored: int = 0
    scored_through: UUID | None = None
    told: int = 0
    completed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


async def add(work: Work, job: RefitJob) -> bool:
    """Add an open one; False when another one is open."""
    row = tuple(_value(job, name) for name in _NAMES)
    return await run_rows(work, _ADD, _NAMES, [row]) == 1


async def save(work: Work, job: RefitJob) -> None:
    """Write a locked one."""
    await work.execute(_SAVE, job_id=job.id, **{name: _value(job, name) for name in _CHANGING})


async def require(session: Session, job_id: UUID) -> RefitJob:
    """Raises `RefitJobNotFoundError`."""
    job = _job(await session.fetch_one(_BY_ID, job_id=job_id))
    if job is None:
        raise RefitJobNotFoundError
    return job


async def find_open(session: Session) -> RefitJob | None:
    """The one that is not done."""
    return _job(await session.fetch_one(_OPEN))


async def lock_open(work: Work) -> RefitJob | None:
    """The one that is not done, locked until the command ends."""
    return _job(await work.fetch_one(_LOCK_OPEN))


async def page(session: Session, before: UUID | None, limit: int) -> list[RefitJob]:
    """At most `limit` jobs, the newest first."""
    rows = await session.fetch_all(_PAGE, before=before, limit=limit)
    return [job for row in rows if (job := _job(row)) is not None]


async def last_fit_started_at(session: Session) -> datetime | None:
    """When the newest fit began."""
    at: datetime | None = await session.fetch_value(_LATEST_FIT)
    return at


async def first_booked_at(session: Session) -> datetime | None:
    """When the ledger got its first row."""
    at: datetime | None = await session.fetch_value(_FIRST_BOOKED)
    return at


def _value(job: RefitJob, name: str) -> Any:
    return job.status.value if name == "status" else getattr(job, name)


def _job(row: Mapping[str, Any] | None) -> RefitJob | None:
    if row is None:
        return None
    values = {name: row[name] for name in _NAMES if name != "is_open"}
    return RefitJob(**{**values, "status": RefitStatus(row["status"])})
