"""Read what a customer is worth: the three values side by side, and the score with its contributions."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.valuation.domain.errors import CustomerNotFoundError
from services.valuation.domain.indicators.errors import PopulationNotMeasuredError
from services.valuation.domain.indicators.population import Distribution
from services.valuation.domain.indicators.score import Score, score
from services.valuation.domain.values.referrals import Influence
from services.valuation.persistence import (
    customers,
    indicator_facts,
    indicator_systems,
    measurements,
    referrals,
    savings,
    standings,
)
from services.valuation.persistence.indicator_facts import Moment
from services.valuation.persistence.indicator_systems import StoredSystem
from services.valuation.persistence.measurements import Measurement
from services.valuation.usecases.context import Valuation
from shared.db.work import Session


@dataclass(frozen=True, slots=True)
class ThreeValues:
    """Realised, potential and influence of one customer, in minor units; never added up.

    potential_minor is None until the customer is scored.
    """

    margin_minor: int
    cost_saved_minor: int
    potential_minor: float | None
    influence: Influence


@dataclass(frozen=True, slots=True)
class ScoredCustomer:
    """A score with the version and the measurement it rests on."""

    score: Score
    stored: StoredSystem
    measurement: Measurement


async def read_three_values(session: Session, customer_id: UUID, valuation: Valuation) -> ThreeValues:
    """Raises what `customers.require` does."""
    await customers.require(session, customer_id)
    standing = await standings.find(session, customer_id)
    if standing is None:
        raise CustomerNotFoundError
    moment = Moment.of(valuation.clock.now(), valuation.ledger.calendar)
    facts = await indicator_facts.of_customer(session, customer_id, ["potential_clv"], moment)
    return ThreeValues(
        margin_minor=standing.rfm.margin_minor,
        cost_saved_minor=await savings.sum_of(session, customer_id),
        potential_minor=None if facts is None else facts["potential_clv"],
        influence=await referrals.influence_of(session, customer_id),
    )


async def read_score(
    session: Session, customer_id: UUID, version: int | None, valuation: Valuation
) -> ScoredCustomer:
    """The score by a version of the indicator system (None: the one in force), in O(indicators).

    Raises what `customers.require` does, `IndicatorSystemNotFoundError`, `PopulationNotMeasuredError`.
    """
    await customers.require(session, customer_id)
    stored = await _system(session, version)
    moment = Moment.of(valuation.clock.now(), valuation.ledger.calendar)
    facts = await indicator_facts.of_customer(session, customer_id, _sources(stored), moment)
    if facts is None:
        raise CustomerNotFoundError
    yardstick = await _yardstick(session, stored)
    return ScoredCustomer(yardstick.score(facts), stored, yardstick.measurement)


async def read_scores(
    session: Session, after: UUID | None, limit: int, version: int | None, valuation: Valuation
) -> list[tuple[UUID, Score]]:
    """The scores of the next `limit` customers in the order of their ids; raises as `read_score` does."""
    stored = await _system(session, version)
    yardstick = await _yardstick(session, stored)
    moment = Moment.of(valuation.clock.now(), valuation.ledger.calendar)
    page = await indicator_facts.of_customers_after(session, after, limit, _sources(stored), moment)
    return [(customer_id, yardstick.score(facts)) for customer_id, facts in page]


@dataclass(frozen=True, slots=True)
class _Yardstick:
    """What a customer's figures are held against: a version's weights and the last measurement."""

    stored: StoredSystem
    weights: Mapping[str, float]
    measurement: Measurement
    population: Mapping[str, Distribution]

    def score(self, facts: Mapping[str, float | None]) -> Score:
        return score(self.stored.system, self.weights, self.population, facts)


async def _yardstick(session: Session, stored: StoredSystem) -> _Yardstick:
    measurement = await measurements.latest(session)
    if measurement is None:
        raise PopulationNotMeasuredError
    population = await measurements.distributions(session, measurement.id, _sources(stored))
    return _Yardstick(stored, stored.weights.of_sources(stored.system), measurement, population)


async def _system(session: Session, version: int | None) -> StoredSystem:
    if version is None:
        return await indicator_systems.newest(session)
    return await indicator_systems.require(session, version)


def _sources(stored: StoredSystem) -> list[str]:
    return [indicator.source for _, indicator in stored.system.indicators()]
