"""Service history (V1): one row a ticket or complaint, written by whichever event of it comes first."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.costs.cases import CaseKind
from shared.db.statements import statement
from shared.db.work import Session, Work

_TYPES = {
    "customer_id": "uuid",
    "opened_at": "timestamptz",
    "closed_at": "timestamptz",
    "csat": "smallint",
    "nps": "smallint",
    "satisfied": "boolean",
    "outcome": "text",
}


# What is told of a merged account is its survivor's. The lock waits for a merge that is under way.
_ACCOUNT = (
    "COALESCE((SELECT COALESCE(merged_into_id, id) FROM customers"
    " WHERE id = CAST(:customer_id AS uuid) FOR KEY SHARE), CAST(:customer_id AS uuid))"
)


def _note(*columns: str) -> sa.TextClause:
    names = ", ".join(columns)
    values = ", ".join(
        _ACCOUNT if name == "customer_id" else f"CAST(:{name} AS {_TYPES[name]})" for name in columns
    )
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
    return sa.text(
        f"INSERT INTO service_cases (kind, case_id, {names})"  # noqa: S608 - names of this module
        f" VALUES (CAST(:kind AS text), CAST(:case_id AS uuid), {values})"
        f" ON CONFLICT (kind, case_id) DO UPDATE SET {changes}"
    )


_OPENED = statement(_note("customer_id", "opened_at"))
_OWNED = statement(_note("customer_id"))
_CLOSED = statement(_note("closed_at", "outcome"))
_ANSWERED = statement(_note("customer_id", "csat", "nps"))
_SATISFACTION = statement(_note("satisfied"))
_REMOVED = statement(
    sa.text("DELETE FROM service_cases WHERE kind = CAST(:kind AS text) AND case_id = CAST(:case_id AS uuid)")
)
_CUSTOMER = statement(
    sa.text(
        "SELECT customer_id FROM service_cases"
        " WHERE kind = CAST(:kind AS text) AND case_id = CAST(:case_id AS uuid)"
    )
)
_HISTORY = statement(
    sa.text(
        "SELECT count(*) FILTER (WHERE kind = 'ticket') AS tickets,"
        " count(*) FILTER (WHERE kind = 'ticket' AND closed_at IS NOT NULL) AS tickets_closed,"
        " count(*) FILTER (WHERE kind = 'complaint') AS complaints,"
        " count(*) FILTER (WHERE kind = 'complaint' AND closed_at IS NOT NULL) AS complaints_closed,"
        " count(*) FILTER (WHERE outcome IN ('upheld', 'partly_upheld')) AS complaints_upheld,"
        " count(*) FILTER (WHERE csat IS NOT NULL OR nps IS NOT NULL) AS follow_ups,"
        " avg(csat)::double precision AS average_csat, avg(nps)::double precision AS average_nps"
        " FROM service_cases WHERE customer_id = CAST(:customer_id AS uuid)"
    )
)


@dataclass(frozen=True, slots=True)
class ServiceHistory:
    """Counts of a customer's cases, and the means of what follow-ups (回访) answered."""

    tickets: int
    tickets_closed: int
    complaints: int
    complaints_closed: int
    complaints_upheld: int
    follow_ups: int
    average_csat: float | None
    average_nps: float | None


async def note_opened(work: Work, kind: CaseKind, case_id: UUID, **facts: Any) -> None:
    """`customer_id` and `opened_at`."""
    await work.execute(_OPENED, kind=kind, case_id=case_id, **facts)


async def note_owned(work: Work, kind: CaseKind, case_id: UUID, customer_id: UUID) -> None:
    """The case belongs to another customer than first thought."""
    await work.execute(_OWNED, kind=kind, case_id=case_id, customer_id=customer_id)


async def note_closed(work: Work, kind: CaseKind, case_id: UUID, **facts: Any) -> None:
    """`closed_at` (None: open again) and `outcome`."""
    await work.execute(_CLOSED, kind=kind, case_id=case_id, **facts)


async def note_answered(work: Work, case_id: UUID, **facts: Any) -> None:
    """A follow-up's `customer_id`, `csat` and `nps`."""
    await work.execute(_ANSWERED, kind="ticket", case_id=case_id, **facts)


async def note_satisfaction(work: Work, case_id: UUID, satisfied: bool) -> None:
    """Whether the customer is satisfied with a complaint's outcome."""
    await work.execute(_SATISFACTION, kind="complaint", case_id=case_id, satisfied=satisfied)


async def remove(work: Work, kind: CaseKind, case_id: UUID) -> None:
    """The case was none (spam, or removed by law)."""
    await work.execute(_REMOVED, kind=kind, case_id=case_id)


async def customer_of(session: Session, kind: CaseKind, case_id: UUID) -> UUID | None:
    """Whose case it is, as far as anybody said."""
    customer_id: UUID | None = await session.fetch_value(_CUSTOMER, kind=kind, case_id=case_id)
    return customer_id


async def history_of(session: Session, customer_id: UUID) -> ServiceHistory:
    """The counts of one customer."""
    row = await session.fetch_one(_HISTORY, customer_id=customer_id)
    assert row is not None
    return ServiceHistory(**dict(row))
