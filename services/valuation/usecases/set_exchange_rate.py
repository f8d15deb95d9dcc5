"""Set a rate of exchange for a day."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.valuation.domain.exchange.errors import LedgerCurrencyHasNoRateError
from services.valuation.domain.exchange.rates import ExchangeRate
from services.valuation.persistence import exchange_rates
from services.valuation.usecases.context import Valuation
from shared.db.work import Work
from shared.kernel.errors import PreconditionFailedError, PreconditionRequiredError


@dataclass(frozen=True)
class SetExchangeRate:
    """Units of the ledger's currency for one unit of `currency`. A day's first rate expects no version."""

    currency: str
    effective_on: date
    rate: Decimal
    expected_version: int | None


async def set_exchange_rate(command: SetExchangeRate, work: Work, valuation: Valuation) -> ExchangeRate:
    """What was booked before keeps its rate.

    Raises `LedgerCurrencyHasNoRateError`, `PreconditionRequiredError`, `PreconditionFailedError`.
    """
    if command.currency == valuation.ledger.currency:
        raise LedgerCurrencyHasNoRateError
    present = await exchange_rates.of_day(work, command.currency, command.effective_on)
    if present is not None and command.expected_version is None:
        raise PreconditionRequiredError
    if command.expected_version != (None if present is None else present.version):
        raise PreconditionFailedError
    version = 1 if present is None else present.version + 1
    rate = ExchangeRate(command.currency, command.effective_on, version, command.rate, work.now)
    await exchange_rates.add(work, rate)
    return rate
