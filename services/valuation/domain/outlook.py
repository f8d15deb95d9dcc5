"""What will become of a tier if nothing else is bought: shown to whoever asks, decided nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.ledger import DayValue
from services.valuation.domain.tiers import Held, TierRules, next_change_on

OutlookState = Literal["floor", "safe", "expected", "warned"]


@dataclass(frozen=True, slots=True)
class Outlook:
    """floor: cannot fall; safe: nothing in the window will take it; expected: a warning is coming; warned: given.

    keeps_at_value_minor  the value that keeps the tier
    shortfall_minor       what is missing to it today, 0 when nothing is
    expected_warning_at   the review that will warn, unless something is bought before
    """

    state: OutlookState
    value_minor: int
    next_tier: str | None = None
    keeps_at_value_minor: int | None = None
    shortfall_minor: int = 0
    expected_warning_at: datetime | None = None
    warned_at: datetime | None = None
    demotes_at: datetime | None = None


def outlook(
    days: Sequence[DayValue], held: Held, at: datetime, rules: TierRules, calendar: ReviewCalendar
) -> Outlook:
    """The outlook at `at`; `days` are the days with purchases in the window, oldest first."""
    value = sum(day.margin_minor for day in days)
    rank = rules.rank(held.tier)
    if rank is None or rank == 0:
        return Outlook("floor", value)
    keeps_at = rules.keeps_at(rank)
    state: OutlookState = "safe"
    warning_at = None
    if held.warning is not None:
        state = "warned"
    elif value < keeps_at:
        state, warning_at = "expected", calendar.review_from(at)
    elif (change := next_change_on(days, held, rules, calendar.day_of(at))) is not None:
        state, warning_at = "expected", calendar.review_from(calendar.start_of(change))
    return Outlook(
        state,
        value,
        next_tier=rules.tiers[rank - 1].name,
        keeps_at_value_minor=keeps_at,
        shortfall_minor=max(0, keeps_at - value),
        expected_warning_at=warning_at,
        warned_at=held.warning.warned_at if held.warning else None,
        demotes_at=held.warning.demotes_at if held.warning else None,
    )
