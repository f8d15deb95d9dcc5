"""From what happened to clocks to what is published about them."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from services.sla.domain import events
from services.sla.domain.availability.events import (
    AvailabilityBudgetBurning,
    AvailabilityObjectiveBreached,
)
from shared.contracts import sla as contracts
from shared.contracts.base import Contract
from shared.kernel.aggregates import DomainEvent

_PUBLISHED: tuple[tuple[type[events.ClockEvent], type[Contract]], ...] = (
    (events.ClockStarted, contracts.ClockStartedV1),
    (events.ClockPaused, contracts.ClockPausedV1),
    (events.ClockResumed, contracts.ClockResumedV1),
    (events.ClockRetargeted, contracts.ClockRetargetedV1),
    (events.ClockRecommitted, contracts.ClockRecommittedV1),
    (events.CommitmentAtRisk, contracts.CommitmentAtRiskV1),
    (events.ClockWarned, contracts.ClockWarnedV1),
    (events.ClockBreached, contracts.ClockBreachedV1),
    (events.BreachRetracted, contracts.BreachRetractedV1),
    (events.ClockMet, contracts.ClockMetV1),
    (events.ClockMissed, contracts.ClockMissedV1),
    (events.ClockCancelled, contracts.ClockCancelledV1),
    (events.EscalationDue, contracts.EscalationDueV1),
)


def _same_fields(event: type[events.ClockEvent], contract: type[Contract]) -> Callable[[Any], Contract]:
    """Contracts of clocks have the events' fields; the aggregate is the subject."""
    names = [field.name for field in fields(event) if field.name in contract.model_fields]

    def publish(happened: events.ClockEvent) -> Contract:
        return contract(subject_id=happened.aggregate_id, **{name: getattr(happened, name) for name in names})

    return publish


def _digest(event: events.EscalationDigest) -> Contract:
    return contracts.EscalationDigestV1(
        target=event.target,
        window_start=event.window_start,
        part=event.part,
        fired_at=event.fired_at,
        items=[
            contracts.EscalationDigestV1.Item(
                subject_kind=line.subject_kind.value,
                subject_id=line.subject_id,
                clock_id=line.clock_id,
                cycle=line.cycle,
                metric=line.metric.value,
                kind=line.kind,
                level=line.level,
                threshold_at=line.threshold_at,
            )
            for line in event.items
        ],
    )


_AVAILABILITY: tuple[tuple[type[DomainEvent], type[Contract]], ...] = (
    (AvailabilityObjectiveBreached, contracts.AvailabilityObjectiveBreachedV1),
    (AvailabilityBudgetBurning, contracts.AvailabilityBudgetBurningV1),
)


def _of_objective(event: type[DomainEvent], contract: type[Contract]) -> Callable[[Any], Contract]:
    """The same fields; the aggregate is the objective."""
    names = [field.name for field in fields(event) if field.name in contract.model_fields]

    def publish(happened: DomainEvent) -> Contract:
        facts = {name: getattr(happened, name) for name in names}
        return contract(objective_id=happened.aggregate_id, **facts)

    return publish


OUTBOUND: Mapping[type[DomainEvent], Callable[[Any], Contract | None]] = {
    **{event: _same_fields(event, contract) for event, contract in _PUBLISHED},
    events.EscalationDigest: _digest,
    **{event: _of_objective(event, contract) for event, contract in _AVAILABILITY},
}
