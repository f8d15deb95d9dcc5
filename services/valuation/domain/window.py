"""The value a tier is judged on: margin brought within a rolling window of days ending today."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from services.valuation.domain.ledger import DayValue


class Window(NamedTuple):
    """Margin of the purchases on days from `opens_on` on, in minor units.

    `oldest` is the earliest of those days that has a purchase (None when there is none): until it leaves,
    the sum only changes by new entries, which is what makes an ordinary event O(1). `has_loss` says that
    one of the days lost money: when it leaves, the sum rises.
    """

    opens_on: date
    margin_minor: int = 0
    oldest: date | None = None
    has_loss: bool = False

    @classmethod
    def of(cls, days: Sequence[DayValue], opens_on: date) -> "Window":
        """The window rebuilt from days of the ledger, oldest first."""
        inside = [day for day in days if day.day >= opens_on]
        return cls(
            opens_on,
            sum(day.margin_minor for day in inside),
            inside[0].day if inside else None,
            any(day.margin_minor < 0 for day in inside),
        )

    def moved_to(self, opens_on: date) -> "Window | None":
        """The same window opening later; None when a purchase leaves it, or it opens earlier: read the ledger."""
        if opens_on == self.opens_on:
            return self
        if opens_on < self.opens_on or (self.oldest is not None and self.oldest < opens_on):
            return None
        return Window(opens_on, self.margin_minor, self.oldest, self.has_loss)

    def with_purchase(self, day: date, margin_minor: int) -> "Window":
        """The window after one more purchase; one before it opens leaves it as it is."""
        if day < self.opens_on:
            return self
        oldest = day if self.oldest is None else min(self.oldest, day)
        return Window(
            self.opens_on, self.margin_minor + margin_minor, oldest, self.has_loss or margin_minor < 0
        )


def opening_day(today: date, window_days: int) -> date:
    """The first day of a window of `window_days` days that ends with `today`."""
    return today - timedelta(days=window_days - 1)


def leaves_on(day: date, window_days: int) -> date:
    """The first day on which a purchase of `day` is no longer in the window."""
    return day + timedelta(days=window_days)
