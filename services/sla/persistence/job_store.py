"""Jobs and how far they have come."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.sla.domain.errors import JobNotFailedError, JobNotFoundError
from services.sla.domain.jobs import Application, JobKind, JobState
from services.sla.domain.metrics import SubjectKind
from services.sla.persistence.tables import jobs
from shared.db.statements import Composed, insert, statement
from shared.db.work import Session, Work

_AT = sa.DateTime(timezone=True)
_ID = sa.bindparam("job_id", type_=sa.Uuid)
_ADD = statement(insert(jobs))
_GET = statement(sa.select(jobs).where(jobs.c.id == _ID))
_UNFINISHED = jobs.c.finished_at.is_(None)
# One worker at a time has a job; a second one takes the next.
_CLAIM = statement(
    sa.select(jobs).where(_UNFINISHED).order_by(jobs.c.id).limit(1).with_for_update(skip_locked=True)
)
_ANY = statement(sa.select(sa.exists(sa.select(jobs.c.id).where(_UNFINISHED))))
_ADVANCE = statement(
    sa.update(jobs)
    .where(jobs.c.id == _ID)
    .values(
        state=sa.literal_column("'running'"),
        after_id=sa.bindparam("reached", type_=sa.Uuid),
        subjects_total=sa.bindparam("total", type_=sa.Integer),
        subjects_done=jobs.c.subjects_done + sa.bindparam("done", type_=sa.Integer),
        subjects_changed=jobs.c.subjects_changed + sa.bindparam("changed", type_=sa.Integer),
        version=jobs.c.version + 1,
    )
)
_FINISH = statement(
    sa.update(jobs)
    .where(jobs.c.id == _ID, _UNFINISHED)
    .values(
        state=sa.bindparam("ended", type_=sa.Text),
        error=sa.bindparam("why", type_=sa.Text),
        finished_at=sa.bindparam("at", type_=_AT),
        version=jobs.c.version + 1,
    )
)
_RETRY = statement(
    sa.update(jobs)
    .where(jobs.c.id == _ID, jobs.c.state == sa.literal_column("'failed'"))
    .values(
        state=sa.literal_column("'pending'"),
        error=sa.null(),
        finished_at=sa.null(),
        version=jobs.c.version + 1,
    )
    .returning(jobs)
)


def _page(after: bool) -> sa.Select[Any]:
    query = sa.select(jobs).order_by(jobs.c.id.desc()).limit(sa.bindparam("limit", type_=sa.Integer))
    return query.where(jobs.c.id < sa.bindparam("after", type_=sa.Uuid)) if after else query


_PAGE = Composed(_page)


async def add(work: Work, job_id: UUID, application: Application, total: int) -> Any:
    """Its row."""
    await work.execute(
        _ADD,
        id=job_id,
        kind=application.kind.value,
        version_id=application.version_id,
        revision=application.revision,
        effective_from=application.effective_from,
        subject_kinds=sorted(application.subject_kinds),
        applied_at=application.applied_at,
        state=JobState.PENDING.value,
        after_id=None,
        subjects_total=total,
        subjects_done=0,
        subjects_changed=0,
        error=None,
        created_at=work.now,
        created_by=str(work.actor),
        finished_at=None,
        version=1,
    )
    return await get(work, job_id)


async def get(session: Session, job_id: UUID) -> Any:
    """Its row. Raises `JobNotFoundError`."""
    row = await session.fetch_one(_GET, job_id=job_id)
    if row is None:
        raise JobNotFoundError
    return row


async def page(session: Session, *, after: UUID | None, limit: int) -> list[Any]:
    """Rows, newest first."""
    given = {} if after is None else {"after": after}
    return await session.fetch_all(_PAGE(after is not None), limit=limit, **given)


async def is_any_unfinished(session: Session) -> bool:
    found: bool = await session.fetch_value(_ANY)
    return found


async def claim(work: Work) -> Any | None:
    """The oldest unfinished job that nobody else works on, locked until the commit."""
    return await work.fetch_one(_CLAIM)


async def advance(work: Work, job_id: UUID, *, reached: UUID, total: int, done: int, changed: int) -> None:
    await work.execute(_ADVANCE, job_id=job_id, reached=reached, total=total, done=done, changed=changed)


async def finish(work: Work, job_id: UUID, *, error: str | None = None) -> None:
    """Done, or failed with an error."""
    ended = JobState.DONE if error is None else JobState.FAILED
    await work.execute(_FINISH, job_id=job_id, ended=ended.value, why=error, at=work.now)


async def retry(work: Work, job_id: UUID) -> Any:
    """Pending again, from where it stopped; its row. Raises `JobNotFoundError`, `JobNotFailedError`."""
    row = await work.fetch_one(_RETRY, job_id=job_id)
    if row is None:
        await get(work, job_id)
        raise JobNotFailedError
    return row


def application_of(row: Any) -> Application:
    return Application(
        kind=JobKind(row["kind"]),
        version_id=row["version_id"],
        revision=row["revision"],
        effective_from=row["effective_from"],
        subject_kinds=frozenset(SubjectKind(kind) for kind in row["subject_kinds"]),
        applied_at=row["applied_at"],
    )
