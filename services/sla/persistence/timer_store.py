"""Pending timers: claimed in bounded batches above a low-water mark, deleted by whoever fired them.

Only the firing worker deletes timers. What changes a clock adds a new row with a higher generation and leaves the
old one to be found stale: consumers that deleted timers lost most of their time in deadlocks.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID
from zlib import crc32

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from services.sla.domain.errors import ParkedTimerNotFoundError
from services.sla.domain.thresholds import ThresholdKind
from services.sla.domain.timers import Timer
from services.sla.persistence.tables import firings, timer_marks, timers
from shared.db.statements import Composed, Statement, statement
from shared.db.work import Session, Work

AT = sa.DateTime(timezone=True)
_IDS = sa.bindparam("ids", type_=ARRAY(sa.BigInteger))
_ONE = sa.bindparam("timer_id", type_=sa.BigInteger)
_MARK = sa.select(timer_marks.c.low_water_at).scalar_subquery()
_PENDING = timers.c.parked_at.is_(None)
_KINDS = {kind.value: kind for kind in ThresholdKind}


def _claim(sweeps: bool) -> sa.Select[Any]:
    query = (
        sa.select(timers)
        .where(_PENDING, timers.c.due_at <= sa.bindparam("up_to", type_=AT))
        .order_by(timers.c.due_at, timers.c.id)
        .limit(sa.bindparam("limit", type_=sa.Integer))
        .with_for_update(skip_locked=True)
    )
    # Below the mark lie the index entries of timers long deleted; only a sweep walks over them.
    return query if sweeps else query.where(timers.c.due_at >= _MARK)


_CLAIM = Composed(_claim)
_CLAIM_ONE = statement(
    sa.select(timers).where(timers.c.id == _ONE, _PENDING).with_for_update(skip_locked=True)
)
_DUE_IDS = statement(
    sa.select(timers.c.id)
    .where(_PENDING, timers.c.due_at <= sa.bindparam("up_to", type_=AT))
    .order_by(timers.c.due_at, timers.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_NEXT = statement(sa.select(sa.func.min(timers.c.due_at)).where(_PENDING, timers.c.due_at >= _MARK))
_DELETE = statement(sa.delete(timers).where(timers.c.id == sa.any_(_IDS)))
_HOLD = statement(
    sa.update(timers).where(timers.c.id == sa.any_(_IDS)).values(due_at=sa.bindparam("until", type_=AT))
)
_RAISE_MARK = statement(
    sa.update(timer_marks)
    .where(timer_marks.c.low_water_at < sa.bindparam("mark", type_=AT))
    .values(low_water_at=sa.bindparam("mark", type_=AT))
)
_PARK = statement(
    sa.update(timers)
    .where(timers.c.id == _ONE)
    .values(parked_at=sa.bindparam("at", type_=AT), error=sa.bindparam("reason", type_=sa.Text))
)
_RETRY = statement(
    sa.update(timers)
    .where(timers.c.id == _ONE, timers.c.parked_at.is_not(None))
    .values(
        parked_at=sa.null(),
        error=sa.null(),
        due_at=sa.func.greatest(timers.c.due_at, _MARK),
    )
    .returning(timers)
)
# Who counts what a target got must see what others send it at the same time. Held until they have committed, taken
# in order by those who wait for nothing else.
_COUNT_ALONE = Statement(
    "SELECT pg_advisory_xact_lock($1, key) FROM unnest($2::integer[]) AS key", ("space", "keys"), {}
)
_TARGET_LOCKS = 7_021_997
_ESCALATED = (
    firings.c.kind == sa.literal_column("'escalation'"),
    ~firings.c.is_digest,
    firings.c.fired_at >= sa.bindparam("since", type_=AT),
)
_BY_SUBJECT = statement(
    sa.select(firings.c.subject_id, sa.func.count().label("sent"))
    .where(firings.c.subject_id == sa.any_(sa.bindparam("subject_ids", type_=ARRAY(sa.Uuid))), *_ESCALATED)
    .group_by(firings.c.subject_id)
)
_BY_TARGET = statement(
    sa.select(firings.c.target, sa.func.count().label("sent"))
    .where(firings.c.target == sa.any_(sa.bindparam("targets", type_=ARRAY(sa.Text))), *_ESCALATED)
    .group_by(firings.c.target)
)


def _parked_page(after: bool) -> sa.Select[Any]:
    query = sa.select(timers).where(timers.c.parked_at.is_not(None)).order_by(timers.c.id)
    query = query.limit(sa.bindparam("limit", type_=sa.Integer))
    return query.where(timers.c.id > sa.bindparam("after", type_=sa.BigInteger)) if after else query


_PARKED = Composed(_parked_page)


class ClaimedTimer(NamedTuple):
    """A pending timer that this transaction has locked."""

    id: int
    timer: Timer


async def claim(work: Work, up_to: datetime, *, limit: int, sweeps: bool) -> list[ClaimedTimer]:
    """Due timers that no other worker holds, in due order."""
    return [claimed_of(row) for row in await work.fetch_all(_CLAIM(sweeps), up_to=up_to, limit=limit)]


async def claim_one(work: Work, timer_id: int) -> list[ClaimedTimer]:
    """That timer, or nothing when it is gone or another worker's."""
    return [claimed_of(row) for row in await work.fetch_all(_CLAIM_ONE, timer_id=timer_id)]


async def due_ids(session: Session, up_to: datetime, limit: int) -> list[int]:
    return [row["id"] for row in await session.fetch_all(_DUE_IDS, up_to=up_to, limit=limit)]


async def next_due_at(session: Session) -> datetime | None:
    """When the next timer above the mark is due."""
    at: datetime | None = await session.fetch_value(_NEXT)
    return at


async def delete(work: Work, timer_ids: Iterable[int]) -> None:
    await work.execute(_DELETE, ids=list(timer_ids))


async def hold(work: Work, timer_ids: Iterable[int], until: datetime) -> None:
    """Look at them again later. When they were due stands in the clocks' plans."""
    await work.execute(_HOLD, ids=list(timer_ids), until=until)


async def raise_mark(work: Work, mark: datetime) -> None:
    """Claims begin at `mark` from now on; it never falls."""
    await work.execute(_RAISE_MARK, mark=mark)


async def escalations_since(
    work: Work, since: datetime, subject_ids: Iterable[UUID], targets: Iterable[str]
) -> tuple[Mapping[UUID, int], Mapping[str, int]]:
    """How many escalations subjects and targets have had since then, digests apart.

    Nobody else gets an answer about these targets before this transaction is over.
    """
    targets = sorted(set(targets))
    keys = sorted({crc32(target.encode()) >> 1 for target in targets})
    await work.execute(_COUNT_ALONE, space=_TARGET_LOCKS, keys=keys)
    by_subject = await work.fetch_all(_BY_SUBJECT, since=since, subject_ids=sorted(set(subject_ids)))
    by_target = await work.fetch_all(_BY_TARGET, since=since, targets=targets)
    return (
        {row["subject_id"]: row["sent"] for row in by_subject},
        {row["target"]: row["sent"] for row in by_target},
    )


async def park(work: Work, timer_id: int, reason: str) -> None:
    """Out of the way until somebody retries it."""
    await work.execute(_PARK, timer_id=timer_id, at=work.now, reason=reason)


async def parked_page(session: Session, *, after: int | None, limit: int) -> list[Any]:
    """Rows of parked timers, oldest first."""
    given = {} if after is None else {"after": after}
    return await session.fetch_all(_PARKED(after is not None), limit=limit, **given)


async def retry(work: Work, timer_id: int) -> Any:
    """Pending again; its row. Raises `ParkedTimerNotFoundError`."""
    row = await work.fetch_one(_RETRY, timer_id=timer_id)
    if row is None:
        raise ParkedTimerNotFoundError
    return row


def claimed_of(row: Any) -> ClaimedTimer:
    """Of a row of `timers`."""
    timer = Timer(
        row["clock_id"],
        row["cycle"],
        row["subject_id"],
        _KINDS[row["kind"]],
        row["level"],
        row["due_at"],
        row["generation"],
    )
    return ClaimedTimer(row["id"], timer)
