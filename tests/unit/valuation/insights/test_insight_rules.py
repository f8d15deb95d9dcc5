"""Insights: what is found, for whom it is held back, how it moves, and what the report may say."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.insights import words
from services.valuation.domain.insights.control_group import is_held_back
from services.valuation.domain.insights.errors import (
    InsightAlreadyTakenError,
    InsightEndedError,
    InsightNotTakenError,
    InsightRulesInvalidError,
)
from services.valuation.domain.insights.findings import (
    Finding,
    churn_risk_rose,
    complaint_on_top_tier,
    date_near,
    low_satisfaction,
    next_look_on,
    overdue_on,
    purchase_overdue,
)
from services.valuation.domain.insights.insight import Insight
from services.valuation.domain.insights.insight_status import (
    TRANSITIONS,
    InsightCommand,
    InsightStatus,
    after,
)
from services.valuation.domain.insights.rules import KINDS, RECOVERY, InsightRules, KindRule, rules_of
from services.valuation.domain.insights.usefulness import Group, compare
from services.valuation.domain.profile.important_dates import ImportantDate, YearlyDate
from services.valuation.domain.rfm import Rfm
from services.valuation.domain.tiers import Tier, TierRules
from shared.kernel.errors import CareloopError
from shared.kernel.ids import new_id

AT = datetime(2026, 3, 2, tzinfo=UTC)
RULES = InsightRules(1)
WHO = UUID(int=7)
# Four purchase days, ten days apart: 1, 11, 21 and 31 January.
REGULAR = Rfm(date(2026, 1, 1), date(2026, 1, 31), 4, 5, 100, 10, 30)


@pytest.mark.parametrize(
    ("before", "now", "is_found"),
    [
        (0.9, 0.4, True),
        (0.7, 0.5, False),
        (0.45, 0.3, False),
        (0.5, 0.3, True),
        (0.3, 0.9, False),
        (None, 0.1, False),
        (0.9, None, False),
    ],
)
def test_churn_risk_rises_when_a_probability_falls_far_enough_and_low_enough(
    before: float | None, now: float | None, is_found: bool
) -> None:
    assert (churn_risk_rose(WHO, before, now, date(2026, 3, 2), RULES) is not None) is is_found


def test_a_purchase_is_overdue_after_twice_the_usual_interval() -> None:
    assert overdue_on(REGULAR, RULES) == date(2026, 2, 20)
    assert purchase_overdue(WHO, REGULAR, date(2026, 2, 19), RULES) is None
    found = purchase_overdue(WHO, REGULAR, date(2026, 2, 20), RULES)
    assert found is not None
    assert found.facts == {"last_purchase_on": "2026-01-31", "silent_days": 20, "usual_days": 10.0}
    later = purchase_overdue(WHO, REGULAR, date(2026, 4, 1), RULES)
    assert later is not None
    assert later.cause == found.cause


def test_who_bought_too_seldom_has_no_interval_unless_a_model_expects_something() -> None:
    once = Rfm(date(2026, 1, 1), date(2026, 1, 1), 1, 1, 10, 10, 3)
    assert overdue_on(once, RULES) is None
    assert overdue_on(Rfm(), RULES) is None
    assert overdue_on(once, RULES, expected_on=date(2026, 1, 16)) == date(2026, 1, 31)
    # What was expected before the last purchase has come true.
    assert overdue_on(REGULAR, RULES, expected_on=date(2026, 1, 20)) == date(2026, 2, 20)


@given(st.integers(0, 2000), st.integers(0, 60))
def test_looks_come_soon_rarely_and_never_after_the_day_that_is_overdue(silent: int, interval: int) -> None:
    last = date(2026, 1, 31)
    rfm = Rfm(last - timedelta(days=3 * interval), last, 4, 4, 10, 1, 3)
    today = last + timedelta(days=silent)
    look = next_look_on(rfm, last, today, RULES)
    assert timedelta(days=1) <= look - today <= timedelta(days=30)
    due = overdue_on(rfm, RULES)
    assert due is not None
    assert look <= due or due <= today


def test_dates_are_told_of_until_they_have_passed() -> None:
    one = ImportantDate(
        new_id(), WHO, None, "birthday", "secret", YearlyDate("lunar", 8, 15), date(2026, 9, 18), AT
    )
    found = date_near(one, date(2026, 9, 18))
    assert found is not None
    assert found.facts["occurs_on"] == "2026-09-25"
    assert "secret" not in str(found)
    assert date_near(one, date(2026, 9, 26)) is None


@pytest.mark.parametrize(
    ("answer", "is_found"),
    [
        ({"csat": 2}, True),
        ({"csat": 3}, False),
        ({"nps": 6}, True),
        ({"nps": 7}, False),
        ({"csat": 5, "nps": 0}, True),
        ({"satisfied": False}, True),
        ({"satisfied": True}, False),
        ({}, False),
    ],
)
def test_low_satisfaction_is_a_bad_score_or_a_plain_no(answer: dict[str, Any], is_found: bool) -> None:
    assert (low_satisfaction("ticket", WHO, WHO, RULES, **answer) is not None) is is_found


@pytest.mark.parametrize(
    ("tier", "top", "is_found"),
    [
        ("gold", 1, True),
        ("silver", 1, False),
        ("silver", 2, True),
        ("floor", 20, False),
        ("gone", 1, False),
        ("gold", 0, False),
    ],
)
def test_top_tiers_are_counted_from_above_and_never_reach_the_floor(
    tier: str, top: int, is_found: bool
) -> None:
    tiers = TierRules(
        1, (Tier("floor", 0), Tier("silver", 1), Tier("gold", 2)), 364, Decimal("0.1"), 56, 84, AT
    )
    rules = InsightRules(1, top_tiers=top)
    assert (complaint_on_top_tier(WHO, WHO, tier, tiers, rules) is not None) is is_found


def findings() -> Iterable[Finding]:
    tiers = TierRules(1, (Tier("floor", 0), Tier("gold", 2)), 364, Decimal("0.1"), 56, 84, AT)
    one = ImportantDate(
        new_id(), WHO, None, "festival", None, YearlyDate("gregorian", 5, 1), date(2026, 4, 24), AT
    )
    found = [
        churn_risk_rose(WHO, 0.9, 0.2, date(2026, 3, 2), RULES),
        purchase_overdue(WHO, REGULAR, date(2026, 3, 2), RULES),
        purchase_overdue(WHO, REGULAR, date(2026, 3, 2), RULES, date(2026, 2, 5)),
        date_near(one, date(2026, 4, 24)),
        low_satisfaction("ticket", WHO, WHO, RULES, csat=1, nps=3),
        low_satisfaction("complaint", WHO, WHO, RULES, satisfied=False),
        complaint_on_top_tier(WHO, WHO, "gold", tiers, RULES),
    ]
    return [finding for finding in found if finding is not None]


def test_every_finding_has_a_reason_and_an_action_in_both_languages() -> None:
    found = list(findings())
    assert {one.kind for one in found} == set(KINDS)
    for one in found:
        english, chinese = words.reason(one.kind, one.facts)
        assert english.endswith(".")
        assert english.isascii()
        assert chinese.endswith("。")
        assert all(words.action(one.kind))
    said = [words.reason(one.kind, one.facts)[0] for one in found]
    assert said[0] == "The probability that they are still a customer fell from 90% to 20%."
    assert said[1] == "They buy every 10 days as a rule; the last purchase was 30 days ago, on 2026-01-31."
    assert said[4] == "They answered CSAT 1/5 and NPS 3/10 after a request."


def test_the_control_group_is_its_share_of_customers_stable_and_independent_between_kinds() -> None:
    customers = [UUID(int=number) for number in range(5000)]
    rules = InsightRules(1, control_share=0.1)
    held = {kind: {one for one in customers if is_held_back(one, kind, rules)} for kind in KINDS}
    for kind in set(KINDS) - RECOVERY:
        assert 400 < len(held[kind]) < 600
        assert held[kind] == {one for one in customers if is_held_back(one, kind, rules)}
    both = held["purchase_overdue"] & held["important_date_near"]
    assert 20 < len(both) < 90
    assert held["purchase_overdue"] != {
        one for one in customers if is_held_back(one, "purchase_overdue", InsightRules(1, control_seed="2"))
    }


@pytest.mark.parametrize("kind", sorted(RECOVERY))
def test_nobody_is_held_back_from_recovery(kind: Any) -> None:
    rules = InsightRules(1, control_share=0.5)
    assert not any(is_held_back(UUID(int=number), kind, rules) for number in range(200))


def insight(kind: Any = "low_satisfaction") -> Insight:
    return Insight.of(Finding(kind, WHO, "cause"), new_id(), AT, RULES)


def test_an_insight_is_due_before_it_expires_and_is_done_by_who_took_it() -> None:
    one = insight()
    assert (one.due_at, one.expires_at) == (AT + timedelta(days=7), AT + timedelta(days=30))
    with pytest.raises(InsightNotTakenError):
        one.complete("reconciled", None, "agent:a", AT)
    one.take("agent:a", AT)
    with pytest.raises(InsightAlreadyTakenError):
        one.take("agent:b", AT)
    one.complete("reconciled", "called", "agent:a", AT)
    assert (one.status, one.outcome, one.taken_by, one.version) == ("done", "reconciled", "agent:a", 3)
    for refused in (lambda: one.take("x", AT), lambda: one.dismiss("other", None, "x", AT)):
        with pytest.raises(InsightEndedError):
            refused()


def test_every_command_in_every_state_leads_where_the_table_says_or_is_refused_by_name() -> None:
    allowed = {(row.command, source): row.target for row in TRANSITIONS for source in row.sources}
    for command in InsightCommand:
        for status in InsightStatus:
            if (command, status) in allowed:
                assert after(command, status) is allowed[command, status]
            else:
                with pytest.raises(CareloopError):
                    after(command, status)
    assert not {source for _, source in allowed} & {
        InsightStatus.DONE,
        InsightStatus.DISMISSED,
        InsightStatus.EXPIRED,
    }


def test_rules_survive_being_stored_and_refuse_what_is_out_of_range() -> None:
    kinds = {kind: KindRule(owner=kind, due_days=place) for place, kind in enumerate(KINDS)}
    rules = InsightRules(3, control_share=0.25, control_seed="x", kinds=kinds)
    assert rules_of(3, rules.document()) == rules
    for broken in (
        {"control_share": 0.6},
        {"overdue_factor": 0.5},
        {"kinds": {}},
        {"kinds": dict.fromkeys(KINDS, KindRule(due_days=9, expires_days=8))},
    ):
        with pytest.raises(InsightRulesInvalidError):
            InsightRules(1, **broken)  # type: ignore[arg-type]


def test_wilson_and_newcombe_give_the_published_intervals() -> None:
    # Newcombe (1998), Statistics in Medicine 17, 857-872 and 873-890: 81/263 alone; 56/70 against 48/80.
    rate = Group(263, 81).rate()
    assert rate is not None
    assert rate.low == pytest.approx(0.2553, abs=1e-4)
    assert rate.high == pytest.approx(0.3662, abs=1e-4)
    found = compare("purchase_overdue", Group(70, 56), Group(80, 48))
    assert found.difference is not None
    assert found.difference.estimate == pytest.approx(0.2)
    assert found.difference.low == pytest.approx(0.0524, abs=1e-4)
    assert found.difference.high == pytest.approx(0.3339, abs=1e-4)
    assert found.verdict == "helped"


@pytest.mark.parametrize(
    ("treated", "control", "verdict"),
    [
        (Group(100, 10), Group(100, 40), "harmed"),
        (Group(100, 30), Group(100, 28), "not_shown"),
        (Group(100, 90), Group(29, 0), "too_few"),
        (Group(0, 0), Group(0, 0), "too_few"),
    ],
)
def test_what_may_be_said(treated: Group, control: Group, verdict: str) -> None:
    assert compare("purchase_overdue", treated, control).verdict == verdict
    assert compare("low_satisfaction", treated, control).verdict == "no_control_group"
