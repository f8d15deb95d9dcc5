"""Tiers: validation of rules, the decision, and what no history of values may bring about."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.errors import ThresholdsOutOfOrderError
from services.valuation.domain.ledger import DayValue
from services.valuation.domain.tiers import (
    Decision,
    Demote,
    DemotionWarning,
    Held,
    Keep,
    LiftWarning,
    Promote,
    Replace,
    Tier,
    TierRules,
    Warn,
    decide,
    next_change_on,
)
from shared.kernel.errors import InvalidInputError

CALENDAR = ReviewCalendar("UTC", 7)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = timedelta(days=7)


def rules(**changes: Any) -> TierRules:
    facts: dict[str, Any] = {
        "version": 1,
        "tiers": (Tier("standard", 0), Tier("silver", 1000), Tier("gold", 3000), Tier("platinum", 7500)),
        "window_days": 364,
        "band": Decimal("0.1"),
        "grace_days": 56,
        "tenure_days": 84,
        "effective_from": datetime(1970, 1, 1, tzinfo=UTC),
    }
    return TierRules(**{**facts, **changes})


@pytest.mark.parametrize(
    "tiers",
    [
        (),
        (Tier("standard", 1),),
        (Tier("standard", 0), Tier("silver", 0)),
        (Tier("standard", 0), Tier("gold", 30), Tier("silver", 10)),
    ],
)
def test_thresholds_start_at_zero_and_rise(tiers: tuple[Tier, ...]) -> None:
    with pytest.raises(ThresholdsOutOfOrderError) as refused:
        rules(tiers=tiers)
    assert refused.value.field_errors[0].field.startswith("tiers[")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tiers": (Tier("a", 0), Tier("a", 1))}, "tiers"),
        ({"band": Decimal(1)}, "band"),
        ({"window_days": 0}, "window_days"),
        ({"grace_days": -1}, "grace_days"),
    ],
)
def test_other_rules_are_refused_by_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        rules(**changes)
    assert refused.value.field_errors[0].field == field


OLD = MONDAY - timedelta(days=400)
WARNED = Held("gold", OLD, DemotionWarning(MONDAY - timedelta(days=56), MONDAY))


@pytest.mark.parametrize(
    ("held", "value", "expected"),
    [
        (Held("standard", MONDAY), 0, Keep()),
        (Held("standard", MONDAY), -50, Keep()),
        (Held("standard", MONDAY), 1000, Promote("silver")),
        (Held("standard", MONDAY), 9999, Promote("platinum")),
        (Held("gold", OLD), 3000, Keep()),
        (Held("gold", OLD), 2700, Keep()),
        (Held("gold", OLD), 2699, Warn("silver", 2700, MONDAY + timedelta(days=56))),
        (Held("gold", MONDAY), 0, Warn("silver", 2700, MONDAY + timedelta(days=84))),
        (Held("gold", MONDAY - timedelta(days=20)), 0, Warn("silver", 2700, MONDAY + timedelta(days=70))),
        (WARNED, 2700, LiftWarning()),
        (WARNED, 2699, Demote("silver")),
        (WARNED, 0, Demote("silver")),
        (WARNED, 7500, Promote("platinum")),
        (Held("gold", OLD, DemotionWarning(MONDAY, MONDAY + WEEK)), 0, Keep()),
        (Held("bronze", OLD), 3500, Replace("gold")),
    ],
)
def test_the_decision(held: Held, value: int, expected: Decision) -> None:
    assert decide(held, value, MONDAY, rules(), CALENDAR) == expected


def test_a_demotion_is_announced_for_a_review_instant() -> None:
    late = MONDAY + timedelta(days=2, hours=5)
    decision = decide(Held("gold", OLD), 0, late, rules(), CALENDAR)
    assert decision == Warn("silver", 2700, MONDAY + timedelta(days=63))


@given(st.lists(st.integers(-500, 12_000), min_size=1, max_size=120), st.integers(0, 70), st.integers(0, 100))
def test_no_history_demotes_unwarned_early_or_by_two_steps(
    values: list[int], grace_days: int, tenure_days: int
) -> None:
    policy = rules(grace_days=grace_days, tenure_days=tenure_days)
    held, at = Held("standard", MONDAY), MONDAY
    for value in values:
        decision = decide(held, value, at, policy, CALENDAR)
        match decision:
            case Promote(to):
                assert policy.rank(to) == policy.earned(value)
                held = Held(to, at)
            case Warn(next_tier, keeps_at, demotes_at):
                assert held.warning is None
                assert value < keeps_at
                assert (policy.rank(next_tier) or 0) + 1 == policy.rank(held.tier)
                assert demotes_at >= at + timedelta(days=grace_days)
                assert CALENDAR.review_from(demotes_at) == demotes_at
                held = Held(held.tier, held.since, DemotionWarning(at, demotes_at))
            case Demote(to):
                assert held.warning is not None
                assert held.warning.demotes_at <= at
                assert at - held.since >= timedelta(days=tenure_days)
                assert (policy.rank(to) or 0) + 1 == policy.rank(held.tier)
                held = Held(to, at)
            case LiftWarning():
                held = Held(held.tier, held.since)
        earned, rank = policy.earned(value), policy.rank(held.tier)
        assert rank is not None
        assert rank >= earned
        at += WEEK


@given(
    st.lists(st.tuples(st.integers(0, 363), st.integers(-2000, 4000)), max_size=30),
    st.sampled_from(["standard", "silver", "gold", "platinum"]),
)
def test_the_next_change_is_the_first_day_on_which_a_daily_look_would_decide(
    spread: list[tuple[int, int]], tier: str
) -> None:
    policy, today, held = rules(), date(2026, 3, 2), Held(tier, OLD)
    days = [
        DayValue(today - timedelta(days=age), 0, margin)
        for age, margin in sorted(dict(spread).items(), reverse=True)
    ]
    expected = None
    for ahead in range(1, 366):
        day = today + timedelta(days=ahead)
        value = sum(one.margin_minor for one in days if one.day > day - timedelta(days=364))
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        leaves = any(one.day == day - timedelta(days=364) for one in days)
        if leaves and decide(held, value, at, policy, CALENDAR) != Keep():
            expected = day
            break
    assert next_change_on(days, held, policy, today) == expected
