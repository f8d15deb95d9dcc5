"""Read one customer's score as of today: from the standing's row, by parameters that are kept by version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.valuation.domain.errors import CustomerNotFoundError
from services.valuation.domain.serving import notes
from services.valuation.domain.serving.notes import Note
from services.valuation.domain.serving.scoring import Bought, ValueModel, score
from services.valuation.persistence import customer_scores, model_versions
from services.valuation.persistence.model_versions import ModelVersion
from services.valuation.usecases.context import Valuation
from shared.db.work import Session

# Versions never change, so that a kept one is never stale; more than one is in use only around a promotion.
MOST_KEPT = 8


@dataclass(frozen=True, slots=True)
class CustomerScore:
    """What is expected of one customer in twelve months; money in minor units.

    Without figures (`p_alive` is None) the notes say why there are none.
    """

    customer_id: UUID
    as_of: date
    version: ModelVersion | None
    notes: tuple[Note, ...]
    p_alive: float | None = None
    expected_purchases: float | None = None
    expected_average_spend_minor: float | None = None
    margin_rate: float | None = None
    clv_minor: float | None = None


class ScoreReader:
    """Scores at read, in O(1): nothing but one row is asked of the database once a version is known."""

    def __init__(self, valuation: Valuation) -> None:
        self._valuation = valuation
        self._known: dict[int, tuple[ModelVersion, ValueModel]] = {}

    async def read(self, session: Session, customer_id: UUID) -> CustomerScore:
        """Raises `CustomerNotFoundError`."""
        row = await customer_scores.bought_by(session, customer_id)
        if row is None:
            raise CustomerNotFoundError
        today = self._valuation.ledger.calendar.day_of(self._valuation.clock.now())
        known = await self._model(session, row["model_version"])
        if known is None:
            return CustomerScore(customer_id, today, None, (notes.NO_MODEL,))
        version, model = known
        if not row["purchase_days"]:
            return CustomerScore(customer_id, today, version, (notes.NEVER_BOUGHT,))
        found = score(model, _bought(row, today), self._valuation.serving.scores)
        return CustomerScore(
            customer_id,
            today,
            version,
            tuple(
                notes.of_score(
                    version.buying.model,
                    version.buying.method,
                    purchase_days=row["purchase_days"],
                    has_spend_model=model.spend is not None,
                    has_spent=row["spend_minor"] > 0,
                )
            ),
            p_alive=float(found.p_alive),
            expected_purchases=float(found.expected_purchases),
            expected_average_spend_minor=float(found.expected_average_spend_minor),
            margin_rate=float(found.margin_rate),
            clv_minor=float(found.clv_minor),
        )

    async def _model(self, session: Session, number: int | None) -> tuple[ModelVersion, ValueModel] | None:
        if number is None:
            return None
        known = self._known.get(number)
        if known is None:
            version = await model_versions.require(session, number)
            model = version.model()
            if model is None:
                return None
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            known = self._known[number] = version, model
        return known


def _bought(row: Mapping[str, Any], today: date) -> Bought:
    first, last = row["first_day"], row["last_day"]
    return Bought(
        days=row["purchase_days"],
        recency=(last - first).days,
        age=(max(last, today) - first).days,
        spend=row["spend_minor"],
        first_spend=row["first_day_spend_minor"],
        margin=row["margin_minor"],
    )
