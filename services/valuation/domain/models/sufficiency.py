"""Whether the data are enough to trust a model's forecast, and to grade it: a gate on counts, with reasons.

The counts needed were measured. On random parts of the CDNOW sample (39 weeks told, 39 held out, MBG/NBD, 30 parts of
each size), the forecast of all purchases to come strayed by one standard deviation of

    customers   with a repeat   purchases held out   parameters alone   forecast against what happened
          100              42                   84               21 %                             22 %
          200              80                  164               18 %                             21 %
          400             161                  318               11 %                             15 %
          800             319                  645                7 %                              6 %

From 400 customers on, chance alone moves the total by no more than the limit of grade A (`grading.TOTAL`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LEAST_CUSTOMERS: Final = 400
"""See above; also, the best fifth of fewer is under 80 customers, and one large order changes who leads."""
LEAST_REPEATERS: Final = 150
"""Only those who bought again tell how often people buy and when they stop."""
LEAST_HISTORY_DAYS: Final = 182
"""Half a year. Told 120 days of CDNOW, MBG/NBD misses all purchases to come by 25 % and Pareto/NBD by 51 %; told 180,
by 22 % and 9 %; told 272, by 16 % and 12 %; told 364, by 2 % and 3 %."""
LEAST_HELD_OUT_PURCHASES: Final = 300
"""A count of 300 strays by 6 % even if everybody buys at random: less could not tell grade A from grade B."""


class Shortage(StrEnum):
    """What there can be too little of."""

    CUSTOMERS = "too_few_customers"
    REPEATERS = "too_few_repeat_buyers"
    HISTORY = "history_too_short"
    HELD_OUT_PURCHASES = "too_few_purchases_held_out"
    MODEL = "no_model_fits"


_SENTENCES: Final = {
    Shortage.CUSTOMERS: (
        "{found} customers have bought; a forecast needs {needed}.",
        "有购买记录的客户 {found} 位；预测至少需要 {needed} 位。",
    ),
    Shortage.REPEATERS: (
        "{found} customers have bought again; a forecast needs {needed}.",
        "有复购的客户 {found} 位；预测至少需要 {needed} 位。",
    ),
    Shortage.HISTORY: (
        "The purchases told span {found} days; a forecast needs {needed}.",
        "购买历史共 {found} 天；预测至少需要 {needed} 天。",
    ),
    Shortage.HELD_OUT_PURCHASES: (
        "{found} purchases were held out; a grade needs {needed}.",
        "留出用于检验的购买 {found} 次；评级至少需要 {needed} 次。",
    ),
    Shortage.MODEL: (
        "No model could be fitted to these purchases.",
        "没有模型能够拟合这些购买记录。",
    ),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is short: how much of it was found, and how much is needed."""

    shortage: Shortage
    found: int
    needed: int

    @property
    def sentence(self) -> str:
        return _SENTENCES[self.shortage][0].format(found=f"{self.found:,}", needed=f"{self.needed:,}")

    @property
    def sentence_zh(self) -> str:
        return _SENTENCES[self.shortage][1].format(found=f"{self.found:,}", needed=f"{self.needed:,}")


@dataclass(frozen=True, slots=True)
class Counts:
    """What the gate looks at.

    customers           with at least one purchase in the time told
    repeaters           of these, with purchases on two days or more
    history_days        from the first purchase to the end of the time told
    held_out_purchases  days with a purchase after it, of these customers; None when nothing is held out, as for a
                        fit that is to be used and not graded
    """

    customers: int
    repeaters: int
    history_days: int
    held_out_purchases: int | None = None


def shortages(counts: Counts) -> tuple[Reason, ...]:
    """Why the data are not enough; empty when they are."""
    return tuple(_short(counts))


def _short(counts: Counts) -> Iterator[Reason]:
    needs = (
        (Shortage.CUSTOMERS, counts.customers, LEAST_CUSTOMERS),
        (Shortage.REPEATERS, counts.repeaters, LEAST_REPEATERS),
        (Shortage.HISTORY, counts.history_days, LEAST_HISTORY_DAYS),
        (Shortage.HELD_OUT_PURCHASES, counts.held_out_purchases, LEAST_HELD_OUT_PURCHASES),
    )
    for shortage, found, needed in needs:
        if found is not None and found < needed:
            yield Reason(shortage, found, needed)
