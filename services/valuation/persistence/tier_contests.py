"""Contests with their audit."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.tiering.contest import ContestStep, TierContest
from services.valuation.domain.tiering.contest_status import ContestStatus
from services.valuation.domain.tiering.errors import TierContestNotFoundError
from services.valuation.persistence.rows import insert_rows, run_rows
from services.valuation.persistence.tiering_tables import tier_contest_steps, tier_contests
from shared.db.statements import Composed, insert, statement, update
from shared.db.work import Session, Work

_NAMES = [column.name for column in tier_contests.columns]
_STEP_NAMES = [column.name for column in tier_contest_steps.columns]
_CHANGING = ("status", "reviewer", "reason", "override_id", "decided_at", "version")
_ADD = statement(insert(tier_contests))
_SAVE = statement(update(tier_contests, *_CHANGING).where(tier_contests.c.id == sa.bindparam("contest_id")))
_ADD_STEPS = insert_rows(tier_contest_steps)
_BY_ID = statement(sa.select(tier_contests).where(tier_contests.c.id == sa.bindparam("contest_id")))
_LOCKED = statement(
    sa.select(tier_contests).where(tier_contests.c.id == sa.bindparam("contest_id")).with_for_update()
)
_STEPS = statement(
    sa.select(tier_contest_steps)
    .where(tier_contest_steps.c.contest_id == sa.bindparam("contest"))
    .order_by(tier_contest_steps.c.place)
)
_OPEN = statement(
    sa.text(
        "SELECT id FROM tier_contests WHERE customer_id = CAST(:customer_id AS uuid)"
        " AND decided_at IS NULL AND status <> 'withdrawn'"
    )
)


def _page(key: tuple[bool, bool, bool]) -> sa.Select[Any]:
    by_customer, by_status, after = key
    query = sa.select(tier_contests).order_by(tier_contests.c.id.desc())
    if by_customer:
        query = query.where(tier_contests.c.customer_id == sa.bindparam("customer", type_=sa.Uuid))
    if by_status:
        query = query.where(tier_contests.c.status == sa.bindparam("wanted_status"))
    if after:
        query = query.where(tier_contests.c.id < sa.bindparam("last_id", type_=sa.Uuid))
    return query.limit(sa.bindparam("limit", type_=sa.Integer))


_PAGE = Composed(_page)


async def add(work: Work, contest: TierContest) -> None:
    """Add a contest with the first line of its audit."""
    await work.execute(_ADD, **_values(contest, _NAMES))
    await _append(work, contest)


async def save(work: Work, contest: TierContest) -> None:
    """Write what may change of a locked contest, and append to its audit."""
    await work.execute(_SAVE, contest_id=contest.id, **_values(contest, _CHANGING))
    await _append(work, contest)


async def lock(work: Work, contest_id: UUID) -> TierContest:
    """The contest, locked until the command ends. Raises `TierContestNotFoundError`."""
    row = await work.fetch_one(_LOCKED, contest_id=contest_id)
    if row is None:
        raise TierContestNotFoundError
    return _contest(row)


async def require(session: Session, contest_id: UUID) -> TierContest:
    """The contest with its audit. Raises `TierContestNotFoundError`."""
    row = await session.fetch_one(_BY_ID, contest_id=contest_id)
    if row is None:
        raise TierContestNotFoundError
    contest = _contest(row)
    contest.steps += await steps_of(session, contest_id)
    return contest


async def steps_of(session: Session, contest_id: UUID) -> list[ContestStep]:
    """The lines of a contest's audit, oldest first."""
    return [
        ContestStep(
            row["place"], row["command"], ContestStatus(row["status"]), row["at"], row["by"], row["reason"]
        )
        for row in await session.fetch_all(_STEPS, contest=contest_id)
    ]


async def find_open(session: Session, customer_id: UUID) -> UUID | None:
    """The id of the customer's contest that is not decided, or None."""
    found: UUID | None = await session.fetch_value(_OPEN, customer_id=customer_id)
    return found


async def page(
    session: Session,
    customer_id: UUID | None,
    status: ContestStatus | None,
    before: UUID | None,
    limit: int,
) -> list[TierContest]:
    """At most `limit` contests older than `before`, newest first, without their audits."""
    params: dict[str, Any] = {"limit": limit}
    if customer_id is not None:
        params["customer"] = customer_id
    if status is not None:
        params["wanted_status"] = status.value
    if before is not None:
        params["last_id"] = before
    key = (customer_id is not None, status is not None, before is not None)
    return [_contest(row) for row in await session.fetch_all(_PAGE(key), **params)]


async def _append(work: Work, contest: TierContest) -> None:
    rows = [
        (contest.id, step.place, step.command, step.status.value, step.at, step.by, step.reason)
        for step in contest.take_steps()
    ]
    await run_rows(work, _ADD_STEPS, _STEP_NAMES, rows)


def _values(contest: TierContest, names: Any) -> dict[str, Any]:
    values = {name: getattr(contest, name) for name in names}
    return {**values, "status": contest.status.value}


def _contest(row: Mapping[str, Any]) -> TierContest:
    facts = {name: row[name] for name in _NAMES}
    return TierContest(**{**facts, "status": ContestStatus(row["status"])})
