"""Cost to serve: a row a case, and sums a customer that are kept up by addition."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.costs.cases import CaseKind, CostCase, WorkMark
from services.valuation.domain.costs.rates import CaseCost, CostTotal
from services.valuation.persistence.cost_tables import case_costs, customer_costs
from services.valuation.persistence.rows import insert_rows, run_rows
from shared.db.statements import statement
from shared.db.work import Session, Work

CaseKey = tuple[CaseKind, UUID]
OwnerKey = tuple[UUID, CaseKind]

_CASE_NAMES = [column.name for column in case_costs.columns]
_SUM_NAMES = [column.name for column in customer_costs.columns]
_TOTALS = _SUM_NAMES[2:]
# Two statements: a row that another transaction adds meanwhile is seen by the second one only.
_ADD = statement(
    sa.text(
        "INSERT INTO case_costs (kind, case_id, owner_sequence, marks, basis, cost_minor, worked_seconds)"
        " SELECT kind, case_id, 0, CAST('[]' AS jsonb), 'none', 0, 0"
        " FROM unnest(CAST(:kinds AS text[]), CAST(:case_ids AS uuid[])) AS k (kind, case_id)"
        " ORDER BY kind, case_id ON CONFLICT DO NOTHING"
    )
)
_LOCK = statement(
    sa.text(
        "SELECT c.* FROM case_costs AS c JOIN unnest(CAST(:kinds AS text[]), CAST(:case_ids AS uuid[]))"
        " AS k (kind, case_id) USING (kind, case_id)"
        " ORDER BY c.kind, c.case_id FOR UPDATE OF c"
    )
)
_LOCK_AFTER = statement(
    sa.text(
        "SELECT * FROM case_costs WHERE CAST(:kind AS text) IS NULL"
        " OR (kind, case_id) > (CAST(:kind AS text), CAST(:case_id AS uuid))"
        " ORDER BY kind, case_id LIMIT CAST(:limit AS integer) FOR UPDATE"
    )
)
_SAVE = insert_rows(
    case_costs,
    suffix="ON CONFLICT (kind, case_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _CASE_NAMES[2:]),
)
_ADD_TOTALS = insert_rows(
    customer_costs,
    suffix="ORDER BY customer_id, kind ON CONFLICT (customer_id, kind) DO UPDATE SET "
    + ", ".join(f"{name} = customer_costs.{name} + excluded.{name}" for name in _TOTALS),
)
_PUT_TOTALS = insert_rows(
    customer_costs,
    suffix="ORDER BY customer_id, kind ON CONFLICT (customer_id, kind) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _TOTALS),
)
_OF_CUSTOMERS = statement(
    sa.text("SELECT * FROM customer_costs WHERE customer_id = ANY(CAST(:ids AS uuid[]))")
)
_OWNERS_AFTER = statement(
    sa.text(
        "SELECT customer_id FROM ("
        " (SELECT DISTINCT customer_id FROM case_costs WHERE customer_id IS NOT NULL"
        " AND (CAST(:after AS uuid) IS NULL OR customer_id > CAST(:after AS uuid))"
        " ORDER BY customer_id LIMIT CAST(:limit AS integer)) UNION"
        " (SELECT DISTINCT customer_id FROM customer_costs"
        " WHERE CAST(:after AS uuid) IS NULL OR customer_id > CAST(:after AS uuid)"
        " ORDER BY customer_id LIMIT CAST(:limit AS integer))) AS owners"
        " ORDER BY customer_id LIMIT CAST(:limit AS integer)"
    )
)
_LOCK_TOTALS = statement(
    sa.text(
        "SELECT * FROM customer_costs WHERE customer_id = ANY(CAST(:ids AS uuid[]))"
        " ORDER BY customer_id, kind FOR UPDATE"
    )
)
_SUMS = statement(
    sa.text(
        "SELECT customer_id, kind, count(*) AS cases, count(*) FILTER (WHERE basis = 'hours') AS by_hours,"
        " count(*) FILTER (WHERE basis = 'case') AS by_case,"
        " count(*) FILTER (WHERE basis = 'unpriced') AS unpriced,"
        " sum(worked_seconds)::bigint AS worked_seconds, sum(cost_minor)::bigint AS cost_minor"
        " FROM case_costs WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND basis <> 'none'"
        " AND (CAST(:since AS timestamptz) IS NULL OR opened_at >= CAST(:since AS timestamptz))"
        " GROUP BY customer_id, kind"
    )
)


@dataclass(frozen=True, slots=True)
class PricedCase:
    """A case and what it costs, as stored."""

    case: CostCase
    cost: CaseCost


async def lock_or_add(work: Work, keys: Iterable[CaseKey]) -> dict[CaseKey, PricedCase]:
    """The cases, new ones without facts, locked until the command ends."""
    wanted = sorted(set(keys))
    kinds, case_ids = [kind for kind, _ in wanted], [case_id for _, case_id in wanted]
    await work.execute(_ADD, kinds=kinds, case_ids=case_ids)
    rows = await work.fetch_all(_LOCK, kinds=kinds, case_ids=case_ids)
    return {(row["kind"], row["case_id"]): _priced(row) for row in rows}


async def lock_after(work: Work, after: CaseKey | None, limit: int) -> list[PricedCase]:
    """The next `limit` cases in the order of kind and id, locked."""
    kind, case_id = after or (None, None)
    return [
        _priced(row) for row in await work.fetch_all(_LOCK_AFTER, kind=kind, case_id=case_id, limit=limit)
    ]


async def save(work: Work, cases: Iterable[PricedCase]) -> None:
    """Write locked cases."""
    await run_rows(work, _SAVE, _CASE_NAMES, [_row(one) for one in cases])


async def add_totals(work: Work, changes: Mapping[OwnerKey, CostTotal]) -> None:
    """Add to the customers' sums, which are locked in the order of their ids."""
    await run_rows(work, _ADD_TOTALS, _SUM_NAMES, [(*key, *_values(total)) for key, total in changes.items()])


async def put_totals(work: Work, totals: Mapping[OwnerKey, CostTotal]) -> None:
    """Replace customers' sums."""
    await run_rows(work, _PUT_TOTALS, _SUM_NAMES, [(*key, *_values(total)) for key, total in totals.items()])


async def costs_of(session: Session, customer_ids: Sequence[UUID]) -> dict[UUID, dict[CaseKind, CostTotal]]:
    """What serving each customer has cost so far, by kind of case; O(1) a customer, none for who had no case."""
    return _by_customer(await session.fetch_all(_OF_CUSTOMERS, ids=list(customer_ids)))


async def costs_since(
    session: Session, customer_ids: Sequence[UUID], since: datetime
) -> dict[UUID, dict[CaseKind, CostTotal]]:
    """The same of cases opened from `since` on, read from the cases."""
    return _by_customer(await session.fetch_all(_SUMS, ids=list(customer_ids), since=since))


async def sums_of(session: Session, customer_ids: Sequence[UUID]) -> dict[OwnerKey, CostTotal]:
    """What the customers' cases add up to."""
    return _by_key(await session.fetch_all(_SUMS, ids=list(customer_ids), since=None))


async def lock_totals(work: Work, customer_ids: Sequence[UUID]) -> dict[OwnerKey, CostTotal]:
    """The customers' sums as they are kept, locked."""
    return _by_key(await work.fetch_all(_LOCK_TOTALS, ids=list(customer_ids)))


async def owners_after(session: Session, after: UUID | None, limit: int) -> list[UUID]:
    """The next `limit` customers that have cases or sums."""
    return [row["customer_id"] for row in await session.fetch_all(_OWNERS_AFTER, after=after, limit=limit)]


def _by_key(rows: Sequence[Mapping[str, Any]]) -> dict[OwnerKey, CostTotal]:
    return {(row["customer_id"], row["kind"]): _total(row) for row in rows}


def _by_customer(rows: Sequence[Mapping[str, Any]]) -> dict[UUID, dict[CaseKind, CostTotal]]:
    found: dict[UUID, dict[CaseKind, CostTotal]] = {}
    for row in rows:
        found.setdefault(row["customer_id"], {})[row["kind"]] = _total(row)
    return found


def _total(row: Mapping[str, Any]) -> CostTotal:
    return CostTotal(*(row[name] for name in _TOTALS))


def _values(total: CostTotal) -> tuple[int, ...]:
    return tuple(getattr(total, name) for name in _TOTALS)


def _priced(row: Mapping[str, Any]) -> PricedCase:
    case = CostCase(
        kind=row["kind"],
        case_id=row["case_id"],
        customer_id=row["customer_id"],
        owner_sequence=row["owner_sequence"],
        opened_at=row["opened_at"],
        marks=tuple(
            WorkMark(sequence, starts, datetime.fromisoformat(at)) for sequence, starts, at in row["marks"]
        ),
        end=row["ended"],
    )
    cost = CaseCost(row["basis"], row["cost_minor"], row["worked_seconds"], row["rate_version"])
    return PricedCase(case, cost)


def _row(priced: PricedCase) -> tuple[Any, ...]:
    case, cost = priced.case, priced.cost
    return (
        case.kind,
        case.case_id,
        case.customer_id,
        case.owner_sequence,
        case.opened_at,
        json.dumps([(mark.sequence, mark.starts, mark.at.isoformat()) for mark in case.marks]),
        case.end,
        cost.basis,
        cost.cost_minor,
        cost.worked_seconds,
        cost.rate_version,
    )
