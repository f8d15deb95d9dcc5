"""Make a new version of the indicator system; its weights are computed once, here."""

from services.valuation.domain.indicators.sources import SOURCES
from services.valuation.domain.indicators.system import IndicatorSystem, Provenance
from services.valuation.domain.indicators.weighing import SystemWeights, refuse_inconsistent, weigh
from services.valuation.persistence import indicator_systems, measurements
from services.valuation.persistence.indicator_systems import StoredSystem
from services.valuation.persistence.measurements import Measurement
from shared.db.work import Session, Work


async def create_indicator_system(system: IndicatorSystem, work: Work) -> StoredSystem:
    """Raises `JudgementsInconsistentError` and the errors of `preview_weights`. The new version is in force at once."""
    latest = await indicator_systems.lock_newest(work)
    weights, measurement = await preview_weights(system, work)
    refuse_inconsistent(system, weights)
    stored = StoredSystem(
        system,
        weights,
        Provenance(
            version=latest.provenance.version + 1,
            created_at=work.now,
            created_by=str(work.actor),
            measurement_id=None if measurement is None else measurement.id,
        ),
    )
    await indicator_systems.add(work, stored)
    return stored


async def preview_weights(
    system: IndicatorSystem, session: Session
) -> tuple[SystemWeights, Measurement | None]:
    """The weights as they would be, consistent or not, with the measurement used (None: judgements alone).

    Raises `PopulationNotMeasuredError` and the errors of `IndicatorSystem.check` and `ahp.checked`.
    """
    system.check()
    if not system.needs_population:
        return weigh(system, None), None
    measurement = await measurements.latest(session)
    if measurement is None:
        return weigh(system, None), None
    return weigh(
        system, await measurements.distributions(session, measurement.id, list(SOURCES))
    ), measurement
