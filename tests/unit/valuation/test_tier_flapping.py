"""CDNOW, re-scored each week of weeks 40 to 78: tiers that rarely turn back and are still the right ones.

score      the margin of the last 364 days at a rate of 1, in cents: what the service judges tiers on
cuts       the 50th, 80th and 95th percentile of all 2,357 scores at the end of week 39, fixed from then on
raw tier   the highest tier whose cut the week's score reaches
band       share of a cut by which the score may fall short before a warning
reversal   a change of tier in the direction opposite to the same customer's change before it; `within` says
           how many weeks may lie between the two (39: however long ago)
agreement  share of the 39 × 2,357 weekly tiers held that equal the raw tier of their week
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.tiers import (
    Demote,
    DemotionWarning,
    Held,
    LiftWarning,
    Promote,
    Tier,
    TierRules,
    Warn,
    decide,
)
from services.valuation.domain.window import opening_day

SAMPLE = Path(__file__).parents[3] / "careloop" / "sample" / "data" / "cdnow_sample.txt"
CALENDAR = ReviewCalendar("UTC", 7)
FIRST_DAY = date(1997, 1, 1)
SETTLED, WEEKS = 39, 39
WINDOW_DAYS = 364
NAMES = ("standard", "silver", "gold", "platinum")

Tiers = list[list[int]]


@dataclass(frozen=True)
class Figures:
    """Changes and reversals of all customers over the 39 weeks, and the agreement with the raw tiers."""

    changes: int
    reversals: int
    agreement: float


@pytest.fixture(scope="module")
def scores() -> list[list[int]]:
    """For each customer the score at the end of weeks 39 to 78."""
    days: dict[str, dict[date, int]] = {}
    for line in SAMPLE.read_text().splitlines():
        _, customer, day, _, amount = line.split()
        on = datetime.strptime(day, "%Y%m%d").date()
        spent = days.setdefault(customer, {})
        spent[on] = spent.get(on, 0) + int(Decimal(amount) * 100)
    ends = [FIRST_DAY + timedelta(weeks=SETTLED + week, days=-1) for week in range(WEEKS + 1)]
    return [
        [
            sum(cents for on, cents in spent.items() if opening_day(end, WINDOW_DAYS) <= on <= end)
            for end in ends
        ]
        for spent in days.values()
    ]


def rules_of(scores: list[list[int]], band: str, grace_weeks: int, tenure_weeks: int) -> TierRules:
    cuts = np.percentile([score[0] for score in scores], [50, 80, 95])
    return TierRules(
        version=1,
        tiers=tuple(Tier(name, int(cut)) for name, cut in zip(NAMES, [0, *cuts], strict=True)),
        window_days=WINDOW_DAYS,
        band=Decimal(band),
        grace_days=7 * grace_weeks,
        tenure_days=7 * tenure_weeks,
        effective_from=datetime(1997, 1, 1, tzinfo=UTC),
    )


def held_by(score: list[int], rules: TierRules) -> list[int]:
    """The tiers held week by week; at the start the raw one, held for longer than any tenure."""
    at = CALENDAR.review_from(CALENDAR.start_of(FIRST_DAY + timedelta(weeks=SETTLED)))
    held = Held(rules.tiers[rules.earned(score[0])].name, at - timedelta(days=WINDOW_DAYS))
    ranks = [rules.earned(score[0])]
    for value in score[1:]:
        at += timedelta(weeks=1)
        # As the service does: a demotion starts the grace period of the next tier at once.
        for _ in range(2):
            decision = decide(held, value, at, rules, CALENDAR)
            match decision:
                case Promote(to) | Demote(to):
                    held = Held(to, at)
                case Warn(_, _, demotes_at):
                    held = Held(held.tier, held.since, DemotionWarning(at, demotes_at))
                case LiftWarning():
                    held = Held(held.tier, held.since)
            if not isinstance(decision, Demote):
                break
        rank = rules.rank(held.tier)
        assert rank is not None
        ranks.append(rank)
    return ranks


def counted(tiers: Iterable[list[int]], within: int) -> tuple[int, int]:
    changes = reversals = 0
    for ranks in tiers:
        went, went_in = 0, 0
        for week, (before, after) in enumerate(pairwise(ranks), start=1):
            step = after - before
            if step:
                changes += 1
                reversals += step * went < 0 and week - went_in <= within
                went, went_in = step, week
    return changes, reversals


def figures(scores: list[list[int]], rules: TierRules, within: int) -> tuple[Figures, Figures]:
    """Those of the raw tiers and those of the tiers held."""
    raw: Tiers = [[rules.earned(value) for value in score] for score in scores]
    held: Tiers = [held_by(score, rules) for score in scores]
    equal = sum(
        a == b for one, other in zip(raw, held, strict=True) for a, b in zip(one[1:], other[1:], strict=True)
    )
    assert all(a >= b for one, other in zip(held, raw, strict=True) for a, b in zip(one, other, strict=True))
    return (
        Figures(*counted(raw, within), 1.0),
        Figures(*counted(held, within), equal / (len(scores) * WEEKS)),
    )


@pytest.mark.parametrize(
    ("band", "grace_weeks", "tenure_weeks", "within", "raw"),
    [
        pytest.param("0.6", 1, 12, 39, (1665, 315), id="any-opposite-change-is-a-reversal"),
        pytest.param("0.3", 4, 12, 12, (1665, 226), id="undone-within-twelve-weeks"),
    ],
)
def test_tiers_turn_back_at_most_46_times_and_nine_tenths_are_the_raw_ones(
    scores: list[list[int]],
    band: str,
    grace_weeks: int,
    tenure_weeks: int,
    within: int,
    raw: tuple[int, int],
) -> None:
    assert len(scores) == 2357
    unruly, ruly = figures(scores, rules_of(scores, band, grace_weeks, tenure_weeks), within)
    assert (unruly.changes, unruly.reversals) == raw
    assert ruly.reversals <= 46
    assert ruly.agreement >= 0.90
    # Never demoting would not turn back either.
    assert ruly.changes >= 1000


def test_the_band_grace_and_tenure_of_the_first_rules_trade_agreement_for_rest(
    scores: list[list[int]],
) -> None:
    unruly, ruly = figures(scores, rules_of(scores, "0.1", 8, 12), 39)
    assert ruly.reversals < unruly.reversals / 2
    assert ruly.agreement == pytest.approx(0.889, abs=0.001)


def test_never_demoting_does_not_pass(scores: list[list[int]]) -> None:
    _, frozen = figures(scores, rules_of(scores, "0.999999", 52, 0), 39)
    assert frozen.reversals == 0
    assert frozen.agreement < 0.85
