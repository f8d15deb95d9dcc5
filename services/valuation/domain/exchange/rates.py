"""Rates of exchange by day, and what an amount comes to by one."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

# ISO 4217: currencies whose minor unit is not a hundredth.
_MINOR_DIGITS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"), 0
    ),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_digits(currency: str) -> int:
    """Decimal places of the currency's minor unit (ISO 4217): 0 for JPY, 2 for most, 3 for KWD."""
    return _MINOR_DIGITS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """Units of the ledger's currency for one unit of `currency`, from the day `effective_on` until the next rate.

    version  counts the rates set for this currency and day; the newest holds
    """

    currency: str
    effective_on: date
    version: int
    rate: Decimal
    set_at: datetime

    def converted(self, minor: int, ledger_currency: str) -> int:
        """`minor` minor units of `currency` in minor units of the ledger's; half a unit goes to the even one."""
        exact = (minor * self.rate).scaleb(minor_digits(ledger_currency) - minor_digits(self.currency))
        return int(exact.to_integral_value(ROUND_HALF_EVEN))


@dataclass(frozen=True, slots=True)
class Exchange:
    """How a transaction's amount was taken into the ledger's currency: `amount_minor`, and the rate used."""

    amount_minor: int
    rate: Decimal
    effective_on: date
    version: int
