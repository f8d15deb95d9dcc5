"""Set the margin rate of a product kind."""

from dataclasses import dataclass
from decimal import Decimal

from services.valuation.persistence import margin_rates
from services.valuation.persistence.margin_rates import MarginRate
from shared.db.work import Work
from shared.kernel.errors import InvalidInputError, PreconditionFailedError, PreconditionRequiredError


@dataclass(frozen=True)
class SetMarginRate:
    """`rate` is the share of an amount that is margin, 0 to 1. A first rate expects no version."""

    product_kind: str
    rate: Decimal
    expected_version: int | None


async def set_margin_rate(command: SetMarginRate, work: Work) -> MarginRate:
    """Raises `PreconditionRequiredError`, `PreconditionFailedError`. What was booked before keeps its margin."""
    if not 0 <= command.rate <= 1:
        raise InvalidInputError.of("rate", "range", "A margin rate is a share from 0 to 1")
    present = await margin_rates.lock(work, command.product_kind)
    if present is not None and command.expected_version is None:
        raise PreconditionRequiredError
    if command.expected_version != (None if present is None else present.version):
        raise PreconditionFailedError
    version = 1 if present is None else present.version + 1
    rate = MarginRate(command.product_kind, command.rate, version, work.now)
    if not await margin_rates.put(work, rate):
        raise PreconditionFailedError
    return rate
