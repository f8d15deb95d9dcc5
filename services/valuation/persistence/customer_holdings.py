"""What every table holds of customers, and what becomes of it when accounts are merged or a customer is erased.

One declaration a table drives merging, erasure and export (`customer_data.py`); a test walks all tables and fails for
one that is not declared here, or has a column with words in it that is neither personal nor plain.
"""

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from services.valuation.persistence import (
    cost_tables,
    indicator_tables,
    insight_tables,
    profile_tables,
    serving_tables,
    tables,
    tiering_tables,
)


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
        serving_tables.customer_scores,
        "drop",
        "delete",
        "what models expect of the customer; the survivor is scored anew",
    ),
    Holding(serving_tables.score_requests, "drop", "delete", "nobody is scored any more"),
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
    "refit_jobs": "counts of jobs",
    "model_versions": "parameters of the whole population",
    "model_promotions": "which parameters were put in force, by whom of the staff and why",
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
