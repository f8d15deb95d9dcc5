"""What the reports on segments read: each is one grouped query over all customers."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from services.valuation.domain.segments.concentration import Concentration, Measure, RankedSum, curve_of
from services.valuation.domain.segments.matrix import Level, PotentialLevel
from services.valuation.domain.segments.rules import SegmentRules
from services.valuation.persistence.indicator_facts import POTENTIAL_SQL
from shared.db.statements import Statement, statement
from shared.db.work import Session

_COLUMNS: dict[Measure, str] = {"realised_value": "margin_minor", "spend": "spend_minor"}


def _curve(column: str) -> Statement:
    """The whole and the places that a curve needs, read at one instant."""
    return statement(
        sa.text(
            f"WITH ranked AS (SELECT {column} AS value_minor,"  # noqa: S608 - a column of our own table
            f" row_number() OVER by_value AS place, sum({column}) OVER by_value AS sum_minor"
            " FROM standings WHERE purchases > 0"
            f" WINDOW by_value AS (ORDER BY {column} DESC, customer_id ROWS UNBOUNDED PRECEDING)),"
            " whole AS (SELECT count(*) AS customers, coalesce(sum(value_minor), 0)::bigint AS total_minor,"
            " coalesce(sum(value_minor::numeric * place), 0) AS rank_sum FROM ranked),"
            " wanted AS (SELECT DISTINCT customers * step / CAST(:points AS bigint) + beyond AS place"
            " FROM whole, generate_series(1, CAST(:points AS bigint)) AS step, generate_series(0, 1) AS beyond)"
            " SELECT w.customers, w.total_minor, w.rank_sum, r.place, r.value_minor, r.sum_minor::bigint AS sum_minor"
            " FROM whole AS w LEFT JOIN ranked AS r ON r.place IN (SELECT place FROM wanted)"
        )
    )


_CURVE = {measure: _curve(column) for measure, column in _COLUMNS.items()}
_RFM = statement(
    sa.text(
        "SELECT last_day IS NOT NULL AS has_bought,"
        " coalesce(CAST(:today AS date) - last_day <= CAST(:recent_days AS integer), false) AS is_recent,"
        " purchase_days >= CAST(:frequent_days AS integer) AS is_frequent,"
        " spend_minor >= CAST(:large_spend_minor AS bigint) AS is_large,"
        " count(*) AS customers, sum(spend_minor)::bigint AS spend_minor, sum(margin_minor)::bigint AS margin_minor"
        " FROM standings GROUP BY 1, 2, 3, 4"
    )
)
_MATRIX = statement(
    sa.text(
        "SELECT current, potential, count(*) AS customers, sum(margin_minor)::bigint AS margin_minor,"  # noqa: S608
        " count(*) FILTER (WHERE referrals > 0) AS bring_unprompted,"
        " count(*) FILTER (WHERE incentivised > 0) AS bring_for_reward FROM ("
        " SELECT s.margin_minor,"
        " CASE WHEN s.margin_minor < CAST(:current_low AS bigint) THEN 'low'"
        " WHEN s.margin_minor < CAST(:current_high AS bigint) THEN 'medium' ELSE 'high' END AS current,"
        " CASE WHEN p.clv IS NULL THEN 'not_scored' WHEN p.clv < CAST(:potential_low AS bigint) THEN 'low'"
        " WHEN p.clv < CAST(:potential_high AS bigint) THEN 'medium' ELSE 'high' END AS potential,"
        " coalesce(r.referrals, 0) AS referrals, coalesce(r.incentivised, 0) AS incentivised"
        " FROM standings AS s"
        f" CROSS JOIN LATERAL (SELECT ({POTENTIAL_SQL})::double precision AS clv) AS p"
        " LEFT JOIN (SELECT referrer_id, count(*) FILTER (WHERE NOT is_incentivised) AS referrals,"
        " count(*) FILTER (WHERE is_incentivised) AS incentivised FROM referrals GROUP BY referrer_id) AS r"
        " ON r.referrer_id = s.customer_id) AS placed GROUP BY current, potential"
    )
)


@dataclass(frozen=True, slots=True)
class CellCount:
    """One cell of the matrix, counted. Customers who bring others are counted apart by whether for a reward."""

    current: Level
    potential: PotentialLevel
    customers: int
    margin_minor: int
    bring_unprompted: int
    bring_for_reward: int


async def concentration(session: Session, measure: Measure, points: int) -> Concentration:
    """The curve over customers that have bought, at `points` equal steps."""
    rows = await session.fetch_all(_CURVE[measure], points=points)
    ranked = {
        row["place"]: RankedSum(row["value_minor"], row["sum_minor"])
        for row in rows
        if row["place"] is not None
    }
    whole = rows[0]
    return curve_of(whole["customers"], whole["total_minor"], int(whole["rank_sum"]), ranked, points)


async def rfm_counts(session: Session, rules: SegmentRules, today: date) -> list[Any]:
    """Counts and sums of customers by has_bought, is_recent, is_frequent and is_large."""
    return await session.fetch_all(
        _RFM,
        today=today,
        recent_days=rules.recent_days,
        frequent_days=rules.frequent_days,
        large_spend_minor=rules.large_spend_minor,
    )


async def matrix_counts(session: Session, rules: SegmentRules) -> list[CellCount]:
    """The cells that hold customers."""
    rows = await session.fetch_all(
        _MATRIX,
        current_low=rules.current_minor[0],
        current_high=rules.current_minor[1],
        potential_low=rules.potential_minor[0],
        potential_high=rules.potential_minor[1],
    )
    return [CellCount(**dict(row)) for row in rows]
