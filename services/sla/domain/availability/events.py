"""What happens to an objective; the aggregate is the objective."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.sla.domain.availability.measurement import Burn, MonthlyAvailability
from services.sla.domain.availability.objective import Objective
from shared.kernel.aggregates import DomainEvent

MICROSECONDS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class AvailabilityObjectiveBreached(DomainEvent):
    """More than the month's error budget was spent."""

    offering: str
    version_number: int
    month: str
    target: Decimal
    downtime_seconds: float
    budget_seconds: float
    breached_at: datetime
    fired_at: datetime


@dataclass(frozen=True, kw_only=True)
class AvailabilityBudgetBurning(DomainEvent):
    """A burn alert began."""

    offering: str
    version_number: int
    severity: str
    burn_rate: Decimal
    long_seconds: int
    short_seconds: int
    long_burn_rate: float
    short_burn_rate: float
    fired_at: datetime


def say_breached(objective: Objective, found: MonthlyAvailability, now: datetime) -> None:
    """Append the event; `found` is breached."""
    objective.happened(
        AvailabilityObjectiveBreached,
        now,
        offering=objective.offering,
        version_number=found.version.number,
        month=str(found.month),
        target=found.version.target,
        downtime_seconds=found.down / MICROSECONDS,
        budget_seconds=float(found.budget) / MICROSECONDS,
        breached_at=found.breached_at,
        fired_at=now,
    )


def say_burning(objective: Objective, version_number: int, found: Burn, now: datetime) -> None:
    """Append the event of an alert that begins."""
    objective.happened(
        AvailabilityBudgetBurning,
        now,
        offering=objective.offering,
        version_number=version_number,
        severity=found.rule.severity,
        burn_rate=found.rule.burn_rate,
        long_seconds=found.rule.long_seconds,
        short_seconds=found.rule.short_seconds,
        long_burn_rate=round(float(found.long), 6),
        short_burn_rate=round(float(found.short), 6),
        fired_at=now,
    )
