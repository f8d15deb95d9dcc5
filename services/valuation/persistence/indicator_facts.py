"""What the sources of indicators are in the tables: of one customer, or of all of them as a distribution."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.indicators.population import STEPS, Distribution
from services.valuation.domain.indicators.sources import SERVICE_DAYS
from shared.db.statements import Composed, Statement, statement
from shared.db.work import Session

_SCORE = "FROM customer_scores AS k WHERE k.customer_id = s.customer_id"
# Expected lifetime value of a customer in minor units, over `standings AS s`; NULL until the customer is scored.
POTENTIAL_SQL = f"(SELECT k.clv_minor {_SCORE})"

_PROBABILITIES = [step / STEPS for step in range(STEPS + 1)]
_CASES = "FROM service_cases AS k WHERE k.customer_id = s.customer_id AND k.opened_at > CAST(:since AS timestamptz)"
_REFERRED = "FROM referrals AS r WHERE r.referrer_id = s.customer_id"
_REFERRED_MARGIN = (
    "(SELECT coalesce(sum(o.margin_minor), 0) FROM referrals AS r JOIN standings AS o"
    " ON o.customer_id = r.referred_id WHERE r.referrer_id = s.customer_id"
)

# One expression a source, over `standings AS s`. Lifetime value and P(alive) are as last kept: NULL until scored.
_SQL = {
    "realised_margin": "s.margin_minor",
    "spend": "s.spend_minor",
    "cost_saved": "(SELECT coalesce(sum(v.amount_minor), 0) FROM cost_savings AS v"
    " WHERE v.customer_id = s.customer_id)",
    "potential_clv": POTENTIAL_SQL,
    "p_alive": f"(SELECT k.p_alive {_SCORE})",
    "recency": "CASE WHEN s.last_day IS NOT NULL THEN greatest(0, CAST(:today AS date) - s.last_day) END",
    "frequency": "s.purchase_days",
    "average_spend": "s.spend_minor / nullif(s.purchases, 0)::double precision",
    "tenure": "greatest(0, CAST(:today AS date) - least(s.first_day, (SELECT"
    " (c.registered_at AT TIME ZONE CAST(:timezone AS text))::date FROM customers AS c"
    " WHERE c.id = s.customer_id)))",
    "referrals": f"(SELECT count(*) {_REFERRED} AND NOT r.is_incentivised)",
    "incentivised_referrals": f"(SELECT count(*) {_REFERRED} AND r.is_incentivised)",
    "referred_margin": f"{_REFERRED_MARGIN} AND NOT r.is_incentivised)",
    "incentivised_referred_margin": f"{_REFERRED_MARGIN} AND r.is_incentivised)",
    "tickets": f"(SELECT count(*) {_CASES} AND k.kind = 'ticket')",
    "complaints": f"(SELECT count(*) {_CASES} AND k.kind = 'complaint')",
    "csat": f"(SELECT avg(k.csat) {_CASES})",
    "nps": f"(SELECT avg(k.nps) {_CASES})",
    # A case without a rate costs something that is not known, so the sum is not known either.
    "cost_to_serve": "(SELECT CASE WHEN coalesce(sum(t.unpriced), 0) = 0 THEN coalesce(sum(t.cost_minor), 0) END"
    " FROM customer_costs AS t WHERE t.customer_id = s.customer_id)",
}


def _of_one(sources: tuple[str, ...]) -> sa.TextClause:
    columns = ", ".join(f"({_SQL[name]})::double precision AS {name}" for name in sources)
    return sa.text(
        f"SELECT {columns} FROM standings AS s WHERE s.customer_id = CAST(:customer_id AS uuid)"  # noqa: S608
    )


def _of_page(sources: tuple[str, ...]) -> sa.TextClause:
    columns = ", ".join(f"({_SQL[name]})::double precision AS {name}" for name in sources)
    return sa.text(
        f"SELECT s.customer_id, {columns} FROM standings AS s"  # noqa: S608
        " JOIN customers AS a ON a.id = s.customer_id AND a.erased_at IS NULL"
        " WHERE CAST(:after AS uuid) IS NULL OR s.customer_id > CAST(:after AS uuid)"
        " ORDER BY s.customer_id LIMIT CAST(:limit AS integer)"
    )


def _of_all(source: str) -> Statement:
    return statement(
        sa.text(
            "SELECT count(value) AS known, percentile_disc(CAST(:probabilities AS double precision[]))"  # noqa: S608
            f" WITHIN GROUP (ORDER BY value) AS grid FROM (SELECT ({_SQL[source]})::double precision AS value"
            " FROM standings AS s) AS population"
        )
    )


_OF_ONE = Composed(_of_one)
_OF_PAGE = Composed(_of_page)
_OF_ALL = {source: _of_all(source) for source in _SQL}


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant that figures are taken at, with its local day."""

    at: datetime
    today: date
    timezone: str

    @classmethod
    def of(cls, at: datetime, calendar: ReviewCalendar) -> "Moment":
        return cls(at, calendar.day_of(at), calendar.timezone)

    @property
    def parameters(self) -> dict[str, object]:
        return {
            "today": self.today,
            "timezone": self.timezone,
            "since": self.at - timedelta(days=SERVICE_DAYS),
        }


async def of_customer(
    session: Session, customer_id: UUID, sources: Sequence[str], moment: Moment
) -> dict[str, float | None] | None:
    """The figures of one customer, each found by an index; None when there is no such customer."""
    wanted = _OF_ONE(tuple(sorted(sources)))
    row = await session.fetch_one(wanted, customer_id=customer_id, **_needed(wanted, moment))
    return None if row is None else dict(row)


async def of_customers_after(
    session: Session, after: UUID | None, limit: int, sources: Sequence[str], moment: Moment
) -> list[tuple[UUID, dict[str, float | None]]]:
    """The figures of the next `limit` customers in the order of their ids; erased ones are left out."""
    wanted = _OF_PAGE(tuple(sorted(sources)))
    rows = await session.fetch_all(wanted, after=after, limit=limit, **_needed(wanted, moment))
    return [(row["customer_id"], {name: row[name] for name in sources}) for row in rows]


async def distribution(session: Session, source: str, moment: Moment) -> Distribution:
    """The quantiles of a source over all customers: the database sorts them, only 101 come back."""
    wanted = _OF_ALL[source]
    row = await session.fetch_one(wanted, probabilities=_PROBABILITIES, **_needed(wanted, moment))
    assert row is not None
    return Distribution(source, row["known"], tuple(row["grid"]) if row["known"] else ())


def _needed(wanted: Statement, moment: Moment) -> dict[str, object]:
    return {name: value for name, value in moment.parameters.items() if name in wanted.required}
