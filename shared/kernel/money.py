"""Money: whole minor units (cents, fen) in a `Decimal`, always with its currency."""

from dataclasses import dataclass
from decimal import Decimal

from shared.kernel.errors import ConflictError


class CurrencyMismatchError(ConflictError):
    """Amounts of different currencies cannot be added without a rate."""


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` minor units of `currency` (ISO 4217), e.g. Money(Decimal(2933), "USD") is $29.33."""

    minor: Decimal
    currency: str

    def __post_init__(self) -> None:
        if self.minor != self.minor.to_integral_value():
            raise ValueError(f"{self.minor} is not a whole number of minor units")
        if len(self.currency) != 3 or not self.currency.isupper():
            raise ValueError(f"{self.currency!r} is not an ISO 4217 code")

    def __add__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def _same_currency(self, other: "Money") -> None:
        if other.currency != self.currency:
            raise CurrencyMismatchError(f"{self.currency} and {other.currency}")
