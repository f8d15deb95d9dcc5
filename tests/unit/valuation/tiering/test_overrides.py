"""A tier held by decision of a person: pinned until it ends, then judged by its value again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.events import TierChanged
from services.valuation.domain.ledger import DayValue, LedgerRules
from services.valuation.domain.standing import Standing
from services.valuation.domain.tiering.errors import (
    OverrideExpiryOutOfRangeError,
    TierOverrideEndedError,
    UnknownTierError,
)
from services.valuation.domain.tiering.overrides import (
    EndedOverride,
    OverrideHold,
    TierOverride,
    require_expiry,
)
from services.valuation.domain.tiers import Tier, TierRules
from services.valuation.domain.window import Window

LEDGER = LedgerRules("USD", ReviewCalendar("UTC", 7), Decimal(1))
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
UNTIL = MONDAY + timedelta(days=90)
RULES = TierRules(
    1, (Tier("standard", 0), Tier("silver", 1000), Tier("gold", 3000)), 364, Decimal("0.1"), 56, 84, MONDAY
)
OTHER = TierRules(2, (Tier("basic", 0), Tier("plus", 2000)), 364, Decimal("0.1"), 56, 84, MONDAY)


def standing(value: int = 0) -> Standing:
    made = Standing.open(UUID(int=1), None, at=MONDAY, tiers=RULES, ledger=LEDGER)
    made.window = Window(made.window.opens_on, value, date(2026, 3, 1))
    made.judge(MONDAY, RULES, LEDGER)
    made.take_changes()
    made.take_events()
    return made


def test_a_decision_holds_the_tier_and_says_so_in_events_and_history() -> None:
    one = standing()
    one.hold(OverrideHold(UUID(int=7), UNTIL), "gold", MONDAY, RULES)
    (event,) = one.take_events()
    (change,) = one.take_changes()
    assert isinstance(event, TierChanged)
    assert (event.tier, event.reason, event.is_raise, event.override_id) == (
        "gold",
        "override",
        True,
        UUID(int=7),
    )
    assert (change.reason, change.override_id, change.value_minor) == ("override", UUID(int=7), 0)
    assert one.next_review_at == UNTIL


def test_at_its_end_the_tier_is_judged_anew_with_a_warning_first() -> None:
    one = standing()
    one.hold(OverrideHold(UUID(int=7), UNTIL), "gold", MONDAY, RULES)
    one.judge(UNTIL - timedelta(seconds=1), RULES, LEDGER, [])
    assert (one.held.tier, one.held.warning) == ("gold", None)
    one.judge(UNTIL, RULES, LEDGER, [])
    assert one.override is None
    assert one.take_ended_overrides() == [EndedOverride(UUID(int=7), UNTIL, "expired")]
    assert one.held.tier == "gold"
    assert one.held.warning is not None
    assert one.next_review_at == one.held.warning.demotes_at >= UNTIL + timedelta(days=56)


def test_a_decision_downwards_is_kept_and_ends_in_a_promotion() -> None:
    one = standing(3500)
    one.hold(OverrideHold(UUID(int=7), UNTIL), "standard", MONDAY, RULES)
    days = [DayValue(date(2026, 3, 1), 3500, 3500)]
    one.judge(MONDAY + timedelta(days=1), RULES, LEDGER, days)
    assert one.held.tier == "standard"
    (event,) = one.take_events()
    assert isinstance(event, TierChanged)
    assert not event.is_raise
    one.judge(UNTIL, RULES, LEDGER, days)
    assert one.held.tier == "gold"


def test_the_tier_held_already_stays_without_an_event_and_loses_its_warning() -> None:
    one = standing(3500)
    one.window = Window(one.window.opens_on, 0)
    one.judge(MONDAY + timedelta(days=7), RULES, LEDGER, [])
    one.take_events()
    assert one.held.warning is not None
    one.hold(OverrideHold(UUID(int=7), UNTIL), "gold", MONDAY + timedelta(days=8), RULES)
    assert one.held.warning is None
    assert one.take_events() == []


def test_a_later_decision_replaces_the_first_and_a_withdrawal_ends_it() -> None:
    one = standing()
    one.hold(OverrideHold(UUID(int=7), UNTIL), "gold", MONDAY, RULES)
    one.hold(OverrideHold(UUID(int=8), UNTIL), "silver", MONDAY + timedelta(days=1), RULES)
    one.withdraw_override(MONDAY + timedelta(days=2))
    one.withdraw_override(MONDAY + timedelta(days=3))
    assert [(end.id.int, end.how) for end in one.take_ended_overrides()] == [
        (7, "replaced"),
        (8, "withdrawn"),
    ]
    one.judge(MONDAY + timedelta(days=2), RULES, LEDGER, [])
    assert one.held.tier == "silver"
    assert one.held.warning is not None


def test_an_unknown_tier_changes_nothing() -> None:
    one = standing()
    with pytest.raises(UnknownTierError) as refused:
        one.hold(OverrideHold(UUID(int=7), UNTIL), "diamond", MONDAY, RULES)
    assert refused.value.field_errors[0].field == "tier"
    assert (one.override, one.take_events(), one.next_review_at) == (None, [], None)


def test_new_rules_keep_a_decision_on_the_tier_that_succeeds_it() -> None:
    one = standing(3500)
    one.hold(OverrideHold(UUID(int=7), UNTIL), "silver", MONDAY, RULES)
    one.adopt(RULES, OTHER, MONDAY + timedelta(days=1))
    one.judge(MONDAY + timedelta(days=1), OTHER, LEDGER, [])
    assert (one.held.tier, one.rule_version) == ("basic", 2)
    assert one.override is not None


@pytest.mark.parametrize(
    ("after", "is_fine"),
    [
        (timedelta(0), False),
        (timedelta(seconds=-1), False),
        (timedelta(seconds=1), True),
        (timedelta(days=366), True),
        (timedelta(days=366, seconds=1), False),
    ],
)
def test_the_end_is_to_come_and_not_too_far(after: timedelta, is_fine: bool) -> None:
    if is_fine:
        require_expiry(MONDAY + after, MONDAY, 366)
        return
    with pytest.raises(OverrideExpiryOutOfRangeError) as refused:
        require_expiry(MONDAY + after, MONDAY, 366)
    assert refused.value.field_errors[0].field == "expires_at"


def test_what_has_ended_cannot_be_withdrawn() -> None:
    recorded = TierOverride(
        UUID(int=7), UUID(int=1), "gold", "standard", 1, "k", "because", MONDAY, "supervisor:k", UNTIL
    )
    withdrawn = recorded.withdrawn(MONDAY + timedelta(days=1), "supervisor:m", "a mistake")
    assert (withdrawn.ended_how, withdrawn.version) == ("withdrawn", 2)
    for ended, at in ((withdrawn, MONDAY + timedelta(days=2)), (replace(recorded), UNTIL)):
        with pytest.raises(TierOverrideEndedError):
            ended.withdrawn(at, "supervisor:m", "again")


@given(st.lists(st.integers(-500, 9000), max_size=12), st.sampled_from(["standard", "silver", "gold"]))
def test_no_value_moves_a_tier_while_a_decision_holds_it(values: list[int], tier: str) -> None:
    one = standing()
    one.hold(OverrideHold(UUID(int=7), UNTIL), tier, MONDAY, RULES)
    one.take_events()
    for week, value in enumerate(values):
        at = MONDAY + timedelta(weeks=week)
        one.window = Window(one.window.opens_on, value)
        one.judge(at, RULES, LEDGER, [])
        assert one.held.tier == tier
        assert one.next_review_at == UNTIL
    assert one.take_events() == []
