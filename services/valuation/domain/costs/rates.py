"""What a case costs: by the hour where the time of work is known, else by the case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from services.valuation.domain.costs.cases import CaseKind, CostCase
from services.valuation.domain.costs.errors import CostHoursCapWithoutHoursError, CostRateEmptyError

CostBasis = Literal["hours", "case", "unpriced", "none"]

_HOUR_SECONDS = Decimal(3600)


@dataclass(frozen=True, slots=True)
class CostRate:
    """A version of what cases of one kind cost, in minor units of the ledger's currency.

    per_hour_minor  cost of an hour of work; None when hours are not counted
    per_case_minor  cost of a case whose hours are not known, or not counted
    most_hours      a case counts at most so many hours; None is no bound
    effective_from  it holds for cases opened from then on, until a later version does
    """

    case_kind: CaseKind
    version: int
    per_hour_minor: int | None
    per_case_minor: int | None
    most_hours: Decimal | None
    effective_from: datetime

    def __post_init__(self) -> None:
        if self.per_hour_minor is None and self.per_case_minor is None:
            raise CostRateEmptyError
        if self.most_hours is not None and self.per_hour_minor is None:
            raise CostHoursCapWithoutHoursError

    def price(self, worked_seconds: int, *, counts_as_case: bool) -> tuple[CostBasis, int]:
        """What a case costs and by what; half a minor unit goes to the even one."""
        if worked_seconds and self.per_hour_minor is not None:
            hours = worked_seconds / _HOUR_SECONDS
            if self.most_hours is not None:
                hours = min(hours, self.most_hours)
            return "hours", int((hours * self.per_hour_minor).to_integral_value(ROUND_HALF_EVEN))
        if not counts_as_case:
            return "none", 0
        return ("unpriced", 0) if self.per_case_minor is None else ("case", self.per_case_minor)


@dataclass(frozen=True, slots=True)
class CaseCost:
    """What one case costs in minor units, by which version of its rate, and by what.

    `unpriced` says that no rate holds for it, `none` that it costs nothing (deleted, or cancelled before anybody
    worked on it).
    """

    basis: CostBasis
    cost_minor: int
    worked_seconds: int
    rate_version: int | None


NO_COST = CaseCost("none", 0, 0, None)


class CostRates:
    """All versions of all rates; there are few."""

    def __init__(self, rates: Sequence[CostRate]) -> None:
        self._rates = sorted(rates, key=lambda one: (one.effective_from, one.version), reverse=True)

    def in_force(self, kind: CaseKind, at: datetime) -> CostRate | None:
        """The rate that holds for a case opened at `at`."""
        return next((one for one in self._rates if one.case_kind == kind and one.effective_from <= at), None)

    def cost_of(self, case: CostCase) -> CaseCost:
        """What the case costs by what is known of it."""
        if case.end == "deleted" or case.opened_at is None:
            return NO_COST
        worked = case.worked_seconds
        rate = self.in_force(case.kind, case.opened_at)
        counts_as_case = case.end is None
        if rate is None:
            return CaseCost("unpriced", 0, worked, None) if worked or counts_as_case else NO_COST
        basis, cost = rate.price(worked, counts_as_case=counts_as_case)
        return NO_COST if basis == "none" else CaseCost(basis, cost, worked, rate.version)


@dataclass(frozen=True, slots=True)
class CostTotal:
    """What a customer's cases of one kind come to; cases that cost nothing are not counted.

    cases           those that count: by_hours + by_case + unpriced
    worked_seconds  time of work on them, also where it did not decide the cost
    """

    cases: int = 0
    by_hours: int = 0
    by_case: int = 0
    unpriced: int = 0
    worked_seconds: int = 0
    cost_minor: int = 0

    @classmethod
    def of(cls, cost: CaseCost) -> "CostTotal":
        """The share of one case."""
        if cost.basis == "none":
            return cls()
        return cls(
            1,
            int(cost.basis == "hours"),
            int(cost.basis == "case"),
            int(cost.basis == "unpriced"),
            cost.worked_seconds,
            cost.cost_minor,
        )

    def __add__(self, other: "CostTotal") -> "CostTotal":
        return self._with(other, 1)

    def __sub__(self, other: "CostTotal") -> "CostTotal":
        return self._with(other, -1)

    def _with(self, other: "CostTotal", sign: int) -> "CostTotal":
        return CostTotal(
            self.cases + sign * other.cases,
            self.by_hours + sign * other.by_hours,
            self.by_case + sign * other.by_case,
            self.unpriced + sign * other.unpriced,
            self.worked_seconds + sign * other.worked_seconds,
            self.cost_minor + sign * other.cost_minor,
        )
