"""What the summary of tiers reads: counts, value, and how concentrated it is."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from shared.db.statements import statement
from shared.db.work import Session

_BY_TIER = statement(
    sa.text(
        "SELECT tier, count(*) AS customers, count(*) FILTER (WHERE purchases > 0) AS buyers,"
        " count(*) FILTER (WHERE warned_at IS NOT NULL) AS warned,"
        " sum(margin_minor)::bigint AS margin_minor, sum(spend_minor)::bigint AS spend_minor"
        " FROM standings GROUP BY tier"
    )
)
_TOP_SUM = statement(
    sa.text(
        "SELECT sum(margin_minor)::bigint AS whole, min(margin_minor) AS marginal FROM ("
        " SELECT margin_minor FROM standings WHERE purchases > 0 ORDER BY margin_minor DESC, customer_id"
        " LIMIT CAST(:limit AS bigint)) AS top"
    )
)


@dataclass(frozen=True, slots=True)
class Concentration:
    """Of `buyers` customers, the top `top_share` bring `value_share` of all realised value (None without value)."""

    buyers: int
    top_share: float
    value_share: float | None


async def by_tier(session: Session) -> dict[str, Any]:
    """Counts and sums of each tier that is held."""
    return {row["tier"]: row for row in await session.fetch_all(_BY_TIER)}


async def concentration(session: Session, buyers: int, total_minor: int, top_share: float) -> Concentration:
    """The point of the concentration curve at `top_share`; a customer that the cut divides counts in part."""
    if buyers == 0 or total_minor <= 0:
        return Concentration(buyers, top_share, None)
    exact = buyers * top_share
    whole = int(exact)
    row = await session.fetch_one(_TOP_SUM, limit=whole + 1)
    assert row is not None
    if whole == buyers:
        return Concentration(buyers, top_share, row["whole"] / total_minor)
    above = row["whole"] - row["marginal"]
    return Concentration(buyers, top_share, (above + (exact - whole) * row["marginal"]) / total_minor)
