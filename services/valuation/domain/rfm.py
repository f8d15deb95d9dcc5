"""Recency, frequency and spend of one customer, kept up to date purchase by purchase."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from services.valuation.domain.ledger import DayValue


class Rfm(NamedTuple):
    """What the models need of a customer's purchases, in minor units and whole days.

    Purchases of one day count once (`purchase_days`); `purchases` counts each. The first day's spend is
    kept apart because the spend average leaves it out (Fader, Hardie and Lee 2005; Gamma-Gamma note).
    """

    first_day: date | None = None
    last_day: date | None = None
    purchase_days: int = 0
    purchases: int = 0
    spend_minor: int = 0
    first_day_spend_minor: int = 0
    margin_minor: int = 0

    def with_purchase(self, day: date, amount_minor: int, margin_minor: int) -> "Rfm | None":
        """The state after one more purchase, in O(1); None when only the ledger can tell.

        Only a late purchase strictly between the first and the last day is such a case: whether its day
        already counts is not part of the state.
        """
        if self.first_day is None or self.last_day is None:
            return Rfm(day, day, 1, 1, amount_minor, amount_minor, margin_minor)
        is_new_day = day > self.last_day or day < self.first_day
        if not is_new_day and day not in (self.first_day, self.last_day):
            return None
        if day < self.first_day:
            first_day_spend = amount_minor
        elif day == self.first_day:
            first_day_spend = self.first_day_spend_minor + amount_minor
        else:
            first_day_spend = self.first_day_spend_minor
        return Rfm(
            first_day=min(self.first_day, day),
            last_day=max(self.last_day, day),
            purchase_days=self.purchase_days + is_new_day,
            purchases=self.purchases + 1,
            spend_minor=self.spend_minor + amount_minor,
            first_day_spend_minor=first_day_spend,
            margin_minor=self.margin_minor + margin_minor,
        )

    @classmethod
    def of(cls, days: Iterable[DayValue]) -> "Rfm":
        """The state rebuilt from all days of the ledger, oldest first."""
        days = list(days)
        if not days:
            return cls()
        return cls(
            first_day=days[0].day,
            last_day=days[-1].day,
            purchase_days=len(days),
            purchases=sum(day.purchases for day in days),
            spend_minor=sum(day.amount_minor for day in days),
            first_day_spend_minor=days[0].amount_minor,
            margin_minor=sum(day.margin_minor for day in days),
        )

    @property
    def repeat_count(self) -> int:
        """x of the models: days with a purchase after the first one."""
        return max(0, self.purchase_days - 1)

    @property
    def recency_days(self) -> int:
        """t_x of the models: days from the first to the last purchase."""
        return 0 if self.first_day is None or self.last_day is None else (self.last_day - self.first_day).days

    def age_days(self, today: date) -> int:
        """T of the models: days from the first purchase until `today`."""
        return 0 if self.first_day is None else max(0, (today - self.first_day).days)

    @property
    def average_repeat_spend_minor(self) -> float | None:
        """Mean spend a repeat day in minor units, without the first day; None before the first repeat."""
        if self.repeat_count == 0:
            return None
        return (self.spend_minor - self.first_day_spend_minor) / self.repeat_count
