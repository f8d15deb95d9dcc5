"""What the benches of scores run on: a valuation database of many customers who bought, and a version in force."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.valuation.domain.models.beta_geometric import MbgNbd
from services.valuation.domain.models.gamma_gamma import GammaGamma
from services.valuation.domain.serving.scoring import ValueModel
from shared.kernel.ids import new_id

# The published parameters of the CDNOW sample: weeks turned into days, dollars into cents.
MODEL = ValueModel(1, MbgNbd(0.525, 6.183 * 7, 0.891, 1.614), GammaGamma(6.25, 3.74, 1544.0))

# Purchase days fall off as CDNOW's do: six of ten customers bought on one day only. Written by the database itself.
_CUSTOMERS = """
WITH made AS (
  INSERT INTO customers (id, number, kind, contacts, version, registered_at, changed_at, changed_by)
  SELECT uuidv7(), nextval('customer_numbers'), 'person', '[]', 1, now(), now(), 'bench'
  FROM generate_series(1, $1::integer) RETURNING id
), drawn AS (
  SELECT id, random() AS luck, 1 + (random() * 700)::integer AS age, random() AS part FROM made
), bought AS (
  SELECT id, age, CASE WHEN luck < 0.6 THEN 1 ELSE 2 + least(60, (-ln(random() + 1e-9) * 3)::integer) END AS days,
    part FROM drawn
)
INSERT INTO standings (customer_id, sequence, last_occurred_at, first_day, last_day, purchase_days, purchases,
  spend_minor, first_day_spend_minor, margin_minor, window_opens_on, window_margin_minor, window_has_loss, tier,
  tier_since)
SELECT id, 1, now(), current_date - age, current_date - age + CASE WHEN days > 1 THEN
    greatest(1, (part * age)::integer) ELSE 0 END, days, days, days * (1000 + (part * 4000)::integer),
  1000 + (part * 4000)::integer, days * (300 + (part * 1200)::integer), current_date - 363, 0, false, 'standard', now()
FROM bought
"""


async def add_customers(connection: Any, count: int) -> list[UUID]:
    """Customers with standings; the ids of at most 20,000 of them."""
    await connection.execute(_CUSTOMERS, count, timeout=1200)
    await connection.execute("VACUUM ANALYZE customers, standings", timeout=600)
    rows = await connection.fetch("SELECT customer_id FROM standings ORDER BY random() LIMIT 20000")
    return [row["customer_id"] for row in rows]


async def promote(connection: Any) -> None:
    """Put MODEL in force, as if a refit had found it; the job of that refit is done."""
    job, now = new_id(), datetime.now(UTC)
    assert MODEL.spend is not None
    await connection.execute(
        "INSERT INTO refit_jobs (id, cause, status, is_open, history_day, attempts, customers, scored, told,"
        " started_at, started_by, completed_at) VALUES ($1, 'asked', 'completed', false, $2, 1, 0, 0, 0, $3, 'b', $3)",
        job,
        now.date(),
        now,
    )
    await connection.execute(
        "INSERT INTO model_versions VALUES (1, $1, 'promoted', $2, $3, 'day', $4, 0, '[]', $5)",
        job,
        _report("mbg-nbd", MODEL.buying.as_dict()),
        _report("gamma-gamma", MODEL.spend.as_dict()),
        now.date(),
        now,
    )
    await connection.execute(
        "INSERT INTO model_promotions VALUES (1, 1, NULL, 'refit', NULL, $1, 'bench')", now
    )


def _report(model: str, parameters: dict[str, float]) -> str:
    return json.dumps(
        {
            "model": model,
            "asked": model,
            "parameters": parameters,
            "log_likelihood": -1.0,
            "customers": 1.0,
            "converged": True,
            "method": "weak prior",
            "evaluations": 1,
            "warnings": [],
        }
    )
