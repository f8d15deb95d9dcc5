"""Set what cases of a kind cost."""

from dataclasses import dataclass
from decimal import Decimal

from services.valuation.domain.costs.cases import CaseKind
from services.valuation.domain.costs.rates import CostRate
from services.valuation.persistence import cost_rates
from shared.db.work import Work
from shared.kernel.errors import PreconditionFailedError, PreconditionRequiredError


@dataclass(frozen=True)
class SetCostRate:
    """Minor units an hour, a case, or both. A first rate expects no version."""

    case_kind: CaseKind
    per_hour_minor: int | None
    per_case_minor: int | None
    most_hours: Decimal | None
    expected_version: int | None


async def set_cost_rate(command: SetCostRate, work: Work) -> CostRate:
    """A new version for cases opened from now on; earlier ones keep what they cost.

    Raises `CostRateEmptyError`, `CostHoursCapWithoutHoursError`, `PreconditionRequiredError`,
    `PreconditionFailedError`.
    """
    present = await cost_rates.find(work, command.case_kind)
    if present is not None and command.expected_version is None:
        raise PreconditionRequiredError
    if command.expected_version != (None if present is None else present.version):
        raise PreconditionFailedError
    rate = CostRate(
        case_kind=command.case_kind,
        version=1 if present is None else present.version + 1,
        per_hour_minor=command.per_hour_minor,
        per_case_minor=command.per_case_minor,
        most_hours=command.most_hours,
        effective_from=work.now,
    )
    await cost_rates.add(work, rate)
    return rate
