"""Value less cost by tier and service level: one grouped query over all customers."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from services.valuation.domain.values.service_level import FEWEST_DAYS, YEAR_DAYS, LevelSums
from services.valuation.persistence.indicator_facts import Moment
from shared.db.statements import statement
from shared.db.work import Session

# Equal costs have one rank, so that they are never on two levels.
_LEVELS = statement(
    sa.text(
        "WITH costs AS (SELECT customer_id, sum(cost_minor) AS cost, sum(unpriced) AS unpriced"
        " FROM customer_costs GROUP BY customer_id),"
        " saved AS (SELECT customer_id, sum(amount_minor) AS saved FROM cost_savings GROUP BY customer_id),"
        " account AS (SELECT s.tier, s.margin_minor AS margin, coalesce(v.saved, 0) AS saved,"
        " coalesce(k.cost, 0) AS cost, coalesce(k.unpriced, 0) AS unpriced,"
        " greatest(1, CAST(:today AS date) - least(s.first_day,"
        " (c.registered_at AT TIME ZONE CAST(:timezone AS text))::date)) AS days"
        " FROM standings AS s JOIN customers AS c ON c.id = s.customer_id"
        " LEFT JOIN costs AS k ON k.customer_id = s.customer_id"
        " LEFT JOIN saved AS v ON v.customer_id = s.customer_id),"
        " figure AS (SELECT *, days / CAST(:year_days AS double precision) AS years,"
        " cost * CAST(:year_days AS double precision) / days AS rate,"
        " (margin + saved - cost)::double precision AS net,"
        " CASE WHEN unpriced > 0 THEN 'unpriced' WHEN days < CAST(:fewest_days AS integer) THEN 'new'"
        " WHEN cost = 0 THEN 'none' ELSE 'served' END AS sort FROM account),"
        " ranked AS (SELECT *, CASE WHEN sort <> 'served' THEN sort ELSE"
        " (ARRAY['low', 'middle', 'high'])[1 + least(2, floor(3 * percent_rank()"
        " OVER (PARTITION BY tier, sort ORDER BY rate)))::integer] END AS level FROM figure)"
        " SELECT tier, level, count(*) AS customers, sum(years) AS years, sum(margin)::bigint AS margin,"
        " sum(saved)::bigint AS saved, sum(cost)::bigint AS cost, sum(unpriced)::bigint AS unpriced_cases,"
        " min(rate) AS lowest, max(rate) AS highest, sum(net * net) AS net_net,"
        " sum(net * years) AS net_years, sum(years * years) AS years_years"
        " FROM ranked GROUP BY tier, level"
    )
)


async def level_sums(session: Session, moment: Moment) -> dict[str, list[LevelSums]]:
    """The sums of each level that occurs, by tier; read in O(customers), at most six rows a tier come back."""
    found: dict[str, list[LevelSums]] = {}
    rows = await session.fetch_all(
        _LEVELS,
        today=moment.today,
        timezone=moment.timezone,
        year_days=YEAR_DAYS,
        fewest_days=FEWEST_DAYS,
    )
    for row in rows:
        found.setdefault(row["tier"], []).append(_sums(row))
    return found


def _sums(row: Mapping[str, Any]) -> LevelSums:
    return LevelSums(
        tier=row["tier"],
        level=row["level"],
        customers=row["customers"],
        years=row["years"],
        margin=row["margin"],
        saved=row["saved"],
        cost=row["cost"],
        unpriced_cases=row["unpriced_cases"],
        lowest=row["lowest"],
        highest=row["highest"],
        squares=(row["net_net"], row["net_years"], row["years_years"]),
    )
