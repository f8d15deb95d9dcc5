"""What the report on insights reads: who was acted for, who was held back, and who of them bought."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from services.valuation.domain.insights.rules import InsightKind
from services.valuation.domain.insights.usefulness import Group
from shared.db.statements import statement
from shared.db.work import Session

# A customer counts once a kind, by the first insight of the period: later ones are not independent of it.
_OBSERVED = statement(
    sa.text(
        "SELECT kind, is_control, count(*) AS customers,"
        " count(*) FILTER (WHERE EXISTS (SELECT FROM transactions AS t WHERE t.customer_id = f.customer_id"
        " AND t.net_day IS NOT NULL AND t.net_occurred_at > f.raised_at"
        " AND t.net_occurred_at <= f.raised_at + make_interval(days => CAST(:days AS integer)))) AS bought"
        " FROM (SELECT DISTINCT ON (kind, customer_id) kind, customer_id, is_control, raised_at FROM insights"
        " WHERE raised_at >= CAST(:since AS timestamptz) AND raised_at < CAST(:until AS timestamptz)"
        " ORDER BY kind, customer_id, raised_at) AS f GROUP BY kind, is_control"
    )
)
_BY_STATUS = statement(
    sa.text(
        "SELECT kind, status, count(*) AS insights FROM insights WHERE NOT is_control"
        " AND raised_at >= CAST(:since AS timestamptz) AND raised_at < CAST(:until AS timestamptz)"
        " GROUP BY kind, status"
    )
)


@dataclass(frozen=True, slots=True)
class Observed:
    """One kind: customers acted for and held back, and what became of the insights shown, by status."""

    treated: Group
    control: Group
    by_status: dict[str, int]


async def observed(
    session: Session, since: datetime, until: datetime, days: int
) -> dict[InsightKind, Observed]:
    """Insights raised from `since` to before `until`, and purchases within `days` of each."""
    groups = {
        (row["kind"], row["is_control"]): Group(row["customers"], row["bought"])
        for row in await session.fetch_all(_OBSERVED, since=since, until=until, days=days)
    }
    statuses: dict[InsightKind, dict[str, int]] = {}
    for row in await session.fetch_all(_BY_STATUS, since=since, until=until):
        statuses.setdefault(row["kind"], {})[row["status"]] = row["insights"]
    none = Group(0, 0)
    return {
        kind: Observed(
            groups.get((kind, False), none), groups.get((kind, True), none), statuses.get(kind, {})
        )
        for kind in dict.fromkeys([*(kind for kind, _ in groups), *statuses])
    }
