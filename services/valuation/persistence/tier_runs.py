"""Runs of the tier rules: their reports, and the customers that a cap makes wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.tiering.errors import TierRunNotFoundError
from services.valuation.domain.tiering.rule_change import Effect, Move
from services.valuation.persistence.rows import insert_rows, run_rows
from services.valuation.persistence.tiering_tables import tier_run_candidates, tier_runs
from shared.db.statements import insert, statement, update
from shared.db.work import Session, Work

RunKind = Literal["rule_change", "release"]
# surveying: every customer is looked at; admitting: those furthest short go first, up to the cap; superseded: a
# later version came into force before this run was done.
RunState = Literal["surveying", "admitting", "completed", "superseded"]

_NAMES = [column.name for column in tier_runs.columns]
_CANDIDATE_NAMES = [column.name for column in tier_run_candidates.columns]
_CHANGING = ("state", "customers", "allowed", "admitted", "held", "moves", "completed_at", "version")
_ADD = statement(insert(tier_runs))
_SAVE = statement(update(tier_runs, *_CHANGING).where(tier_runs.c.id == sa.bindparam("run_id")))
_BY_ID = statement(sa.select(tier_runs).where(tier_runs.c.id == sa.bindparam("run_id")))
_LOCKED = statement(sa.select(tier_runs).where(tier_runs.c.id == sa.bindparam("run_id")).with_for_update())
_OF_RULES = statement(
    sa.text(
        "SELECT * FROM tier_runs WHERE rule_version = CAST(:rule_version AS integer) AND kind = 'rule_change'"
        " ORDER BY id LIMIT 1 FOR UPDATE"
    )
)
_LOCK_OPEN = statement(
    sa.text(
        "SELECT * FROM tier_runs WHERE completed_at IS NULL AND kind = 'release'"
        " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
)
_IS_OPEN = statement(sa.text("SELECT min(started_at) FROM tier_runs WHERE completed_at IS NULL"))
_PAGE = statement(
    sa.text(
        "SELECT * FROM tier_runs WHERE CAST(:before AS uuid) IS NULL OR id < CAST(:before AS uuid)"
        " ORDER BY id DESC LIMIT CAST(:limit AS integer)"
    )
)
_ADD_CANDIDATES = insert_rows(
    tier_run_candidates, suffix="ON CONFLICT (rule_version, customer_id) DO NOTHING"
)
_SETTLE_OLDER = statement(
    sa.text(
        "UPDATE tier_run_candidates SET settled_at = CAST(:at AS timestamptz)"
        " WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND settled_at IS NULL"
        " AND rule_version < CAST(:rule_version AS integer)"
    )
)
_FURTHEST = statement(
    sa.text(
        "SELECT customer_id FROM tier_run_candidates WHERE rule_version = CAST(:rule_version AS integer)"
        " AND settled_at IS NULL ORDER BY shortfall DESC, customer_id LIMIT CAST(:limit AS integer)"
    )
)
_SETTLE = statement(
    sa.text(
        "UPDATE tier_run_candidates SET settled_at = CAST(:at AS timestamptz), run_id = CAST(:run_id AS uuid)"
        " WHERE rule_version = CAST(:rule_version AS integer) AND customer_id = ANY(CAST(:ids AS uuid[]))"
        " AND settled_at IS NULL"
    )
)
_WAITING = statement(
    sa.text(
        "SELECT count(*) FROM tier_run_candidates WHERE rule_version = CAST(:rule_version AS integer)"
        " AND settled_at IS NULL"
    )
)
_WAITING_PAGE = statement(
    sa.text(
        "SELECT * FROM tier_run_candidates WHERE rule_version = CAST(:rule_version AS integer)"
        " AND settled_at IS NULL AND (CAST(:last_id AS uuid) IS NULL OR shortfall < CAST(:last_shortfall AS numeric)"
        " OR (shortfall = CAST(:last_shortfall AS numeric) AND customer_id > CAST(:last_id AS uuid)))"
        " ORDER BY shortfall DESC, customer_id LIMIT CAST(:limit AS integer)"
    )
)
_WAITING_ONE = statement(
    sa.text(
        "SELECT * FROM tier_run_candidates WHERE customer_id = CAST(:customer_id AS uuid) AND settled_at IS NULL"
        " ORDER BY rule_version DESC LIMIT 1"
    )
)


@dataclass(frozen=True)
class TierRun:
    """One run and its report. Counts are of customers.

    cap        share of the customers that may be endangered (a release: the share it lets go on)
    customers  those looked at; a release counts those of the run that held them back
    allowed    how many the cap lets through, known once all were looked at
    held       endangered and not let through when the run ended
    moves      what the survey found, by kind, from and to
    """

    id: UUID
    kind: RunKind
    rule_version: int
    state: RunState
    cap: Decimal
    started_at: datetime
    started_by: str
    customers: int = 0
    allowed: int = 0
    admitted: int = 0
    held: int = 0
    moves: tuple[Move, ...] = ()
    reason: str | None = None
    completed_at: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer whose tier only this version questions, and who waits under the version before."""

    rule_version: int
    customer_id: UUID
    tier: str
    falls_to: str
    value_minor: int
    keeps_at_minor: int
    shortfall: Decimal


async def add(work: Work, run: TierRun) -> None:
    """Add a run."""
    await work.execute(_ADD, **_values(run, _NAMES))


async def save(work: Work, run: TierRun) -> None:
    """Write a locked run's progress."""
    await work.execute(_SAVE, run_id=run.id, **_values(run, _CHANGING))


async def require(session: Session, run_id: UUID) -> TierRun:
    """Raises `TierRunNotFoundError`."""
    row = await session.fetch_one(_BY_ID, run_id=run_id)
    if row is None:
        raise TierRunNotFoundError
    return _run(row)


async def lock(work: Work, run_id: UUID) -> TierRun:
    """The run, locked. Raises `TierRunNotFoundError`."""
    row = await work.fetch_one(_LOCKED, run_id=run_id)
    if row is None:
        raise TierRunNotFoundError
    return _run(row)


async def lock_of_rules(work: Work, rule_version: int) -> TierRun | None:
    """The run of a version, locked, or None before its first batch."""
    row = await work.fetch_one(_OF_RULES, rule_version=rule_version)
    return None if row is None else _run(row)


async def lock_release(work: Work) -> TierRun | None:
    """The oldest release with customers to let go on, unless another worker has it."""
    row = await work.fetch_one(_LOCK_OPEN)
    return None if row is None else _run(row)


async def open_since(session: Session) -> datetime | None:
    """When the oldest run that is not done began."""
    since: datetime | None = await session.fetch_value(_IS_OPEN)
    return since


async def page(session: Session, before: UUID | None, limit: int) -> list[TierRun]:
    """At most `limit` runs older than `before`, newest first."""
    return [_run(row) for row in await session.fetch_all(_PAGE, before=before, limit=limit)]


async def note_candidates(work: Work, rule_version: int, endangered: Mapping[UUID, Effect]) -> None:
    """Customers that wait."""
    rows = [
        (
            rule_version,
            customer_id,
            effect.tier,
            effect.falls_to,
            effect.value_minor,
            effect.keeps_at_minor,
            effect.shortfall,
            None,
            None,
        )
        for customer_id, effect in endangered.items()
    ]
    await run_rows(work, _ADD_CANDIDATES, _CANDIDATE_NAMES, rows)


async def settle_older(work: Work, rule_version: int, customer_ids: Sequence[UUID]) -> None:
    """What earlier versions made these customers wait for is void: they are judged anew by this one."""
    await work.execute(_SETTLE_OLDER, rule_version=rule_version, ids=list(customer_ids), at=work.now)


async def furthest(session: Session, rule_version: int, limit: int) -> list[UUID]:
    """The next customers to go on, those furthest short first."""
    rows = await session.fetch_all(_FURTHEST, rule_version=rule_version, limit=limit)
    return [row["customer_id"] for row in rows]


async def settle(work: Work, run: TierRun, customer_ids: Sequence[UUID]) -> int:
    """These customers, whose standings are locked, wait no more; how many still did."""
    return await work.execute(
        _SETTLE, rule_version=run.rule_version, run_id=run.id, ids=list(customer_ids), at=work.now
    )


async def count_waiting(session: Session, rule_version: int) -> int:
    """How many wait for this version."""
    count: int = await session.fetch_value(_WAITING, rule_version=rule_version)
    return count


async def waiting_page(
    session: Session, rule_version: int, after: tuple[Decimal, UUID] | None, limit: int
) -> list[Candidate]:
    """At most `limit` customers that wait, those furthest short first; `after` is (shortfall, customer)."""
    shortfall, last_id = after or (None, None)
    rows = await session.fetch_all(
        _WAITING_PAGE, rule_version=rule_version, last_shortfall=shortfall, last_id=last_id, limit=limit
    )
    return [_candidate(row) for row in rows]


async def waiting_of(session: Session, customer_id: UUID) -> Candidate | None:
    """What this customer waits for, or None."""
    row = await session.fetch_one(_WAITING_ONE, customer_id=customer_id)
    return None if row is None else _candidate(row)


def _values(run: TierRun, names: Sequence[str]) -> dict[str, Any]:
    values = {name: getattr(run, name) for name in names}
    moves = [
        {
            "kind": move.kind,
            "tier": move.tier,
            "to": move.to,
            "customers": move.customers,
            "examples": [str(one) for one in move.examples],
        }
        for move in run.moves
    ]
    return {**values, "moves": moves}


def _run(row: Mapping[str, Any]) -> TierRun:
    moves = tuple(
        Move(one["kind"], one["tier"], one["to"], one["customers"], tuple(UUID(id) for id in one["examples"]))
        for one in row["moves"]
    )
    return TierRun(**{**{name: row[name] for name in _NAMES}, "moves": moves})


def _candidate(row: Mapping[str, Any]) -> Candidate:
    return Candidate(
        row["rule_version"],
        row["customer_id"],
        row["tier"],
        row["falls_to"],
        row["value_minor"],
        row["keeps_at_minor"],
        row["shortfall"],
    )
