"""What every table holds of customers, and what becomes of it when accounts are merged or a customer is erased.

One declaration a table drives merging, erasure and export; a test walks all tables and fails for one that is
not declared here, or has a column with words in it that is neither personal nor plain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from services.valuation.persistence import (
    cost_tables,
    indicator_tables,
    insight_tables,
    profile_tables,
    tables,
    tiering_tables,
)
from shared.db.statements import Statement, statement
from shared.db.work import Session, Work


@dataclass(frozen=True)
class Holding:
    """One table with rows of customers.

    by          the column with the customer's id
    on_merge    move: the rows become the survivor's, whose own row of the same key wins; add: figures are
                added to the survivor's; drop: they are deleted, for the survivor's are made anew; leave: they
                stay as they are, or a module of their own moves them
    on_erasure  delete the rows, blank their personal columns, or keep them as they are: pseudonymous
    personal    columns that say who somebody is, or that people wrote freely
    plain       the other columns with words: codes, references, staff who did it
    """

    table: sa.Table
    on_merge: Literal["move", "add", "drop", "leave"]
    on_erasure: Literal["delete", "blank", "keep"]
    why: str
    by: str = "customer_id"
    personal: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()


HOLDINGS = (
    Holding(
        tables.customers,
        "leave",
        "blank",
        "the entry stays with its number, so that ids lead somewhere and the ledger's sums have an owner",
        by="id",
        personal=("external_id", "display_name", "contacts"),
        plain=("kind", "changed_by"),
    ),
    Holding(
        tables.transactions,
        "move",
        "keep",
        "accounts are kept by law: amounts, days and order numbers, without a name",
        plain=(
            *("external_id", "kind", "currency", "product_kind", "margin_source", "corrects_external_id"),
            *("recorded_by", "net_margin_source"),
        ),
    ),
    Holding(tables.standings, "drop", "keep", "sums of the ledger, without a name", plain=("tier",)),
    Holding(
        tables.tier_changes,
        "leave",
        "keep",
        "how tiers came about, with figures only; an account's history ends where it was merged",
        plain=("tier", "previous_tier", "reason"),
    ),
    Holding(
        tiering_tables.tier_run_candidates,
        "drop",
        "keep",
        "who waits in a run of the rules, with figures only",
        plain=("tier", "falls_to"),
    ),
    Holding(
        tiering_tables.tier_overrides,
        "leave",
        "blank",
        "decisions on the account as it was; the hold of a merged account ends with it",
        personal=("reason", "end_reason"),
        plain=("tier", "previous_tier", "owner", "decided_by", "ended_how", "ended_by"),
    ),
    Holding(
        tiering_tables.tier_contests,
        "leave",
        "blank",
        "reviews of the account as it was, without what was written",
        personal=("grounds", "reason"),
        plain=("tier", "filed_by", "decided_before_by", "status", "reviewer"),
    ),
    Holding(
        tables.service_cases,
        "move",
        "keep",
        "counts and scores of cases, without their words",
        plain=("kind", "outcome"),
    ),
    Holding(
        cost_tables.case_costs,
        "move",
        "keep",
        "what cases cost, without their words",
        plain=("kind", "marks", "ended", "basis"),
    ),
    Holding(cost_tables.customer_costs, "add", "keep", "sums of case_costs", plain=("kind",)),
    Holding(
        indicator_tables.cost_savings,
        "move",
        "keep",
        "accounts, as transactions are",
        plain=("external_id", "kind", "recorded_by"),
    ),
    Holding(
        indicator_tables.referrals,
        "leave",
        "keep",
        "ids; `referrals.bring_together` moves them, so that nobody has referred themselves",
        by="referred_id",
        plain=("recorded_by",),
    ),
    Holding(
        profile_tables.important_dates,
        "move",
        "delete",
        "dates of people",
        personal=("label",),
        plain=("kind", "calendar", "leap_rule", "added_by"),
    ),
    Holding(
        profile_tables.account_people,
        "move",
        "delete",
        "people",
        personal=("name", "reach"),
        plain=("roles", "changed_by"),
    ),
    Holding(
        profile_tables.preferences,
        "move",
        "delete",
        "wishes of people",
        personal=("timezone", "interests"),
        plain=("language", "channel", "changed_by"),
    ),
    Holding(
        profile_tables.consents,
        "move",
        "delete",
        "decisions of people, with references to their proof",
        personal=("source", "evidence"),
        plain=("purpose", "channel", "decision", "recorded_by"),
    ),
    Holding(
        insight_tables.insights,
        "move",
        "delete",
        "suggestions about people, with notes and dates",
        personal=("facts", "cause", "note"),
        plain=("kind", "owner", "status", "taken_by", "ended_by", "outcome"),
    ),
    Holding(insight_tables.insight_watches, "drop", "delete", "nobody is watched any more"),
    Holding(
        profile_tables.customer_merges,
        "leave",
        "keep",
        "the proof of a merge: ids, counts and a code",
        by="merged_id",
        plain=("reason", "moved", "merged_by"),
    ),
    Holding(
        profile_tables.customer_erasures,
        "leave",
        "keep",
        "the proof of an erasure: ids, counts and a code",
        plain=("reason", "erased", "erased_by"),
    ),
)

# The others, and why nothing of them has to be moved or erased by a customer's id.
WITHOUT_CUSTOMERS = {
    "tier_rules": "configuration",
    "margin_rates": "configuration",
    "cost_rates": "configuration",
    "exchange_rates": "configuration",
    "indicator_systems": "configuration",
    "insight_rules": "configuration",
    "indicator_measurements": "counts of jobs",
    "source_distributions": "figures of the whole population",
    "transaction_imports": "counts of jobs",
    "segment_rules": "configuration",
    "tier_runs": "counts of jobs, with the reason for a release",
    "tier_contest_steps": "reasons are blanked with those of their contest",
    "import_rows": "a queue; rows that name the customer are pointed at the erased id, and refused when booked",
    "import_rejections": "messages that name the customer's external id are replaced",
    "idempotency_keys": "stored answers that name the customer are deleted",
    "outbox": "events carry references only: ids, the integrator's own id of a customer among them",
    "published_events": "as the outbox",
    "parked_events": "events of others carry references only, too",
    "dead_letters": "as parked events",
    "inbox": "ids of events",
    "held_keys": "keys of events",
    "consumer_progress": "positions",
}

_TOO_MANY = statement(
    sa.text(
        "SELECT count(*) > CAST(:most AS bigint) FROM (SELECT FROM transactions"
        " WHERE customer_id = CAST(:customer_id AS uuid) LIMIT CAST(:most AS bigint) + 1) AS found"
    )
)
_POINT_ROWS = statement(
    sa.text(
        "UPDATE import_rows SET customer_id = CAST(:customer_id AS uuid), customer_external_id = NULL"
        " WHERE customer_external_id = ANY(CAST(:names AS text[]))"
    )
)
_BLANK_STEPS = statement(
    sa.text(
        "UPDATE tier_contest_steps SET reason = NULL WHERE reason IS NOT NULL AND contest_id IN"
        " (SELECT id FROM tier_contests WHERE customer_id = ANY(CAST(:ids AS uuid[])))"
    )
)
_REPLACE_MESSAGES = statement(
    sa.text(
        "UPDATE import_rejections SET message = 'the customer was erased'"
        " WHERE message = ANY(SELECT 'there is no customer ' || name FROM unnest(CAST(:names AS text[])) AS name)"
    )
)


async def has_more_transactions(session: Session, customer_id: UUID, most: int) -> bool:
    """Whether the customer's ledger has more than `most` rows; reads no more than that."""
    return bool(await session.fetch_value(_TOO_MANY, customer_id=customer_id, most=most))


async def merge(work: Work, merged_id: UUID, survivor_id: UUID) -> dict[str, int]:
    """Move, add or drop the rows of a merged account; how many of which table were moved or added."""
    moved = {}
    for holding in HOLDINGS:
        name = holding.table.name
        if name in _MOVE:
            count = await work.execute(_MOVE[name], merged=merged_id, survivor=survivor_id)
            if count:
                moved[name] = count
        if holding.on_merge != "leave":
            await work.execute(_DELETE[name], ids=[merged_id])
    return moved


async def erase(work: Work, customer_ids: Sequence[UUID], external_ids: Sequence[str]) -> dict[str, int]:
    """Delete or blank the rows of a customer and of the accounts merged into it; how many of which table.

    customer_ids   the customer's first
    external_ids   what imports may still call it
    """
    erased = {}
    for holding in HOLDINGS:
        name = holding.table.name
        if holding.on_erasure != "keep":
            wanted = _DELETE if holding.on_erasure == "delete" else _BLANK
            erased[name] = await work.execute(wanted[name], ids=list(customer_ids))
    erased["tier_contest_steps"] = await work.execute(_BLANK_STEPS, ids=list(customer_ids))
    erased["import_rows"] = await work.execute(
        _POINT_ROWS, customer_id=customer_ids[0], names=list(external_ids)
    )
    erased["import_rejections"] = await work.execute(_REPLACE_MESSAGES, names=list(external_ids))
    return {name: count for name, count in erased.items() if count}


async def read_all(session: Session, customer_ids: Sequence[UUID], most: int) -> dict[str, list[Any]]:
    """All rows of a customer by table, at most `most` of each; without who of the staff wrote them."""
    return {
        holding.table.name: await session.fetch_all(
            _READ[holding.table.name], ids=list(customer_ids), most=most
        )
        for holding in HOLDINGS
    }


def _move(holding: Holding) -> Statement:
    table, by = holding.table.name, holding.by
    keys = [column.name for column in holding.table.primary_key]
    taken = ""
    if by in keys:
        same = "".join(f" AND own.{key} = t.{key}" for key in keys if key != by)
        taken = f" AND NOT EXISTS (SELECT FROM {table} AS own WHERE own.{by} = CAST(:survivor AS uuid){same})"
    return statement(
        sa.text(
            f"UPDATE {table} AS t SET {by} = CAST(:survivor AS uuid)"  # noqa: S608 - names of our own tables
            f" WHERE t.{by} = CAST(:merged AS uuid){taken}"
        )
    )


def _add(holding: Holding) -> Statement:
    table, by = holding.table.name, holding.by
    keys = [column.name for column in holding.table.primary_key]
    others = [column.name for column in holding.table.columns if column.name != by]
    sums = ", ".join(f"{name} = t.{name} + excluded.{name}" for name in others if name not in keys)
    return statement(
        sa.text(
            f"INSERT INTO {table} AS t ({by}, {', '.join(others)})"  # noqa: S608 - names of our own tables
            f" SELECT CAST(:survivor AS uuid), {', '.join(others)} FROM {table} WHERE {by} = CAST(:merged AS uuid)"
            f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {sums}"
        )
    )


def _delete(holding: Holding) -> Statement:
    return statement(
        sa.text(
            f"DELETE FROM {holding.table.name} WHERE {holding.by} = ANY(CAST(:ids AS uuid[]))"  # noqa: S608
        )
    )


def _blank(holding: Holding) -> Statement:
    blanks = ", ".join(f"{name} = {_blank_value(holding.table.c[name])}" for name in holding.personal)
    return statement(
        sa.text(
            f"UPDATE {holding.table.name} SET {blanks}"  # noqa: S608 - names of our own tables
            f" WHERE {holding.by} = ANY(CAST(:ids AS uuid[]))"
        )
    )


def _blank_value(column: sa.Column[Any]) -> str:
    if column.nullable:
        return "NULL"
    return "'[]'::jsonb" if isinstance(column.type, JSONB) else "''"


def _read(holding: Holding) -> Statement:
    names = ", ".join(column.name for column in holding.table.columns if not column.name.endswith("_by"))
    key = ", ".join(column.name for column in holding.table.primary_key)
    return statement(
        sa.text(
            f"SELECT {names} FROM {holding.table.name}"  # noqa: S608 - names of our own tables
            f" WHERE {holding.by} = ANY(CAST(:ids AS uuid[])) ORDER BY {key} LIMIT CAST(:most AS bigint)"
        )
    )


_MOVE = {one.table.name: _move(one) for one in HOLDINGS if one.on_merge == "move"}
_MOVE |= {one.table.name: _add(one) for one in HOLDINGS if one.on_merge == "add"}
_DELETE = {one.table.name: _delete(one) for one in HOLDINGS}
_BLANK = {one.table.name: _blank(one) for one in HOLDINGS if one.on_erasure == "blank"}
_READ = {one.table.name: _read(one) for one in HOLDINGS}
