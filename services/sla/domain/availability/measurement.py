"""What a month, or a window, looks like: availability, the error budget and how fast it burns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from services.sla.domain.availability.intervals import Interval, clip, subtract, total, union
from services.sla.domain.availability.months import Month
from services.sla.domain.availability.objective import BurnRule, ObjectiveVersion
from services.sla.domain.availability.outages import Outage


@dataclass(frozen=True, slots=True)
class Observations:
    """What is known of an offering: recorded outages, and those that probes saw."""

    outages: Sequence[Outage] = ()
    probed: Sequence[Interval] = ()

    def excluded(self, version: ObjectiveVersion) -> list[Interval]:
        """Planned maintenance that does not count."""
        return union(one for outage in self.outages for one in outage.excluded(version))

    def down(self, version: ObjectiveVersion, until: datetime) -> list[Interval]:
        """Downtime that counts, overlaps once; what lasts counts up to `until`."""
        recorded = [one for outage in self.outages for one in outage.down(until)]
        return subtract(union([*recorded, *self.probed]), self.excluded(version))


@dataclass(frozen=True, slots=True)
class MonthlyAvailability:
    """A month of an objective, as far as it has passed. All lengths in microseconds.

    measured   the part of the month for which the objective was in force
    agreed     its length without excluded maintenance: what the target is a share of
    passed     how much of that lies behind
    down       downtime that counted, `excluded` maintenance that did not
    budget     downtime that the target allows in the whole month
    breached_at  when the budget had been spent and the offering stayed down, or None
    """

    month: Month
    version: ObjectiveVersion
    measured: Interval
    agreed: int
    passed: int
    down: int
    excluded: int
    budget: Fraction
    breached_at: datetime | None

    @property
    def availability(self) -> Fraction | None:
        """Of what has passed; None where nothing has."""
        return 1 - Fraction(self.down, self.passed) if self.passed else None

    @property
    def budget_left(self) -> Fraction:
        """Below zero when more than the budget was spent."""
        return self.budget - self.down


def measure(
    month: Month,
    version: ObjectiveVersion,
    measured: Interval,
    seen: Observations,
    now: datetime,
) -> MonthlyAvailability:
    """Availability of a month up to `now`. Downtime equal to the budget keeps the objective; more breaks it."""
    excluded = clip(seen.excluded(version), measured)
    passed = Interval(measured.start, max(measured.start, min(measured.end, now)))
    down = clip(seen.down(version, min(now, measured.end)), passed)
    agreed = measured.microseconds - total(excluded)
    budget = agreed * version.allowance
    return MonthlyAvailability(
        month=month,
        version=version,
        measured=measured,
        agreed=agreed,
        passed=passed.microseconds - total(clip(excluded, passed)),
        down=total(down),
        excluded=total(excluded),
        budget=budget,
        breached_at=_spent_at(down, budget),
    )


def _spent_at(down: Sequence[Interval], budget: Fraction) -> datetime | None:
    spent = 0
    for one in down:
        if spent + one.microseconds > budget:
            return one.start + timedelta(microseconds=int(budget) - spent)
        spent += one.microseconds
    return None


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast the budget burned over a rule's windows: 1 spends it exactly in a month."""

    rule: BurnRule
    long: Fraction
    short: Fraction

    @property
    def is_alerting(self) -> bool:
        return min(self.long, self.short) >= Fraction(self.rule.burn_rate)


def burn(version: ObjectiveVersion, rule: BurnRule, seen: Observations, now: datetime) -> Burn:
    """Error rate ÷ allowed error rate over the windows that end now (workbook, "burn rate").

    Time before the objective was in force counts as good, so that a new one does not alert at its first second.
    """
    long, short = (
        _burn_rate(version, seen, Interval(now - timedelta(seconds=seconds), now))
        for seconds in (rule.long_seconds, rule.short_seconds)
    )
    return Burn(rule, long, short)


def _burn_rate(version: ObjectiveVersion, seen: Observations, window: Interval) -> Fraction:
    agreed = window.microseconds - total(clip(seen.excluded(version), window))
    if not agreed:
        return Fraction(0)
    since = Interval(max(window.start, version.effective_from), window.end)
    down = total(clip(seen.down(version, window.end), since)) if since.start < since.end else 0
    return Fraction(down, agreed) / version.allowance
