"""Interval arithmetic against a slow oracle that looks at every minute by itself."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sla.domain.availability.intervals import Interval, intersect, subtract, union, where_at_least
from services.sla.domain.availability.measurement import Observations, burn, measure
from services.sla.domain.availability.months import Month
from services.sla.domain.availability.objective import (
    BurnRule,
    ObjectiveVersion,
    PlannedRule,
)
from services.sla.domain.availability.outages import Outage, OutageFact

ID = UUID("0197a3c1-0000-7000-8000-000000000001")
MINUTE = timedelta(minutes=1)
SLOTS = 400
BASE = datetime(2026, 3, 28, 20, tzinfo=UTC)

slots = st.integers(0, SLOTS)
pairs = st.tuples(slots, slots).map(
    lambda pair: Interval(BASE + min(pair) * MINUTE, BASE + max(pair) * MINUTE)
)
lists = st.lists(pairs, max_size=8)


def covered(intervals: list[Interval]) -> set[int]:
    return {
        slot for slot in range(SLOTS) if any(one.start <= BASE + slot * MINUTE < one.end for one in intervals)
    }


@given(lists, lists)
def test_sets_of_intervals_are_sets_of_minutes(first: list[Interval], second: list[Interval]) -> None:
    a, b = union(first), union(second)
    assert covered(a) == covered(first)
    assert covered(intersect(a, b)) == covered(first) & covered(second)
    assert covered(subtract(a, b)) == covered(first) - covered(second)
    for made in (a, intersect(a, b), subtract(a, b)):
        assert all(one.start < one.end for one in made)
        assert all(one.end <= other.start for one, other in pairwise(made))


@given(st.lists(lists, max_size=4), st.integers(1, 3))
def test_quorum_is_counted_minute_by_minute(seen: list[list[Interval]], quorum: int) -> None:
    sets = [covered(one) for one in seen]
    expected = {slot for slot in range(SLOTS) if sum(slot in one for one in sets) >= quorum}
    assert covered(where_at_least(quorum, seen)) == expected


facts = st.tuples(pairs, st.booleans(), st.booleans(), st.integers(-200, SLOTS), st.booleans())


def an_outage(drawn: tuple[Interval, bool, bool, int, bool]) -> Outage:
    interval, is_planned, is_retracted, recorded, is_open = drawn
    end = None if is_open and not is_planned else interval.end
    recorded_at = BASE + recorded * MINUTE
    return Outage(ID, (OutageFact(interval.start, end, "x", is_planned, is_retracted, recorded_at),))


@settings(max_examples=200)
@given(
    st.lists(facts.map(an_outage), max_size=6),
    lists,
    st.sampled_from(list(PlannedRule)),
    slots,
    st.sampled_from(["Europe/Berlin", "UTC", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_months_agree_with_a_look_at_every_minute(
    outages: list[Outage], probed: list[Interval], rule: PlannedRule, now_slot: int, zone: str
) -> None:
    """The base is the night of Berlin's change to summer time, before the end of March."""
    now = BASE + now_slot * MINUTE
    version = ObjectiveVersion(1, Decimal("0.9"), BASE, BASE + SLOTS * MINUTE, rule)
    bounds = Month(2026, 3).bounds(ZoneInfo(zone))
    measured = Interval(max(bounds.start, BASE), min(bounds.end, BASE + SLOTS * MINUTE))
    found = measure(Month(2026, 3), version, measured, Observations(outages, union(probed)), now)
    down = excluded = passed = 0
    for slot in range(SLOTS):
        at = BASE + slot * MINUTE
        is_excluded = any(_is_excluded(outage, rule, at) for outage in outages)
        is_down = any(_is_down(outage, at) for outage in outages) or any(
            one.start <= at < one.end for one in probed
        )
        excluded += is_excluded
        if at < now:
            passed += not is_excluded
            down += is_down and not is_excluded
    minute = 60_000_000
    assert (found.down, found.excluded, found.passed) == (down * minute, excluded * minute, passed * minute)
    assert found.agreed == (SLOTS - excluded) * minute
    assert (found.breached_at is not None) == (down * 10 > SLOTS - excluded)


def _is_down(outage: Outage, at: datetime) -> bool:
    fact = outage.latest
    return not fact.is_retracted and fact.start_at <= at and (fact.end_at is None or at < fact.end_at)


def _is_excluded(outage: Outage, rule: PlannedRule, at: datetime) -> bool:
    fact = outage.latest
    if not fact.is_planned or rule is PlannedRule.COUNTED or not _is_down(outage, at):
        return False
    return rule is PlannedRule.EXCLUDED or fact.recorded_at <= fact.start_at


@given(lists, st.integers(120, SLOTS))
def test_burn_rate_is_the_share_of_bad_minutes_over_the_allowed_share(
    probed: list[Interval], now_slot: int
) -> None:
    rule = BurnRule("page", Decimal(2), 120 * 60, 10 * 60)
    version = ObjectiveVersion(1, Decimal("0.9"), BASE - timedelta(days=1))
    found = burn(version, rule, Observations(probed=union(probed)), BASE + now_slot * MINUTE)
    bad = covered(probed)
    for length, rate in ((120, found.long), (10, found.short)):
        minutes = sum(now_slot - length <= slot < now_slot for slot in bad)
        assert rate * length == minutes * 10


def test_burning_the_budget_of_an_hour_at_14_4_alerts_and_stops_with_the_short_window() -> None:
    """Workbook, chapter 5: at 99.9 % a burn rate of 14.4 is 1.44 % of an hour, 51.84 seconds."""
    rule = BurnRule("page", Decimal("14.4"), 3_600, 300)
    version = ObjectiveVersion(1, Decimal("0.999"), BASE - timedelta(days=1))
    seen = Observations(probed=[Interval(BASE, BASE + timedelta(seconds=51.84))])
    assert burn(version, rule, seen, BASE + timedelta(seconds=51.84)).long == Fraction("14.4")
    assert burn(version, rule, seen, BASE + timedelta(seconds=51.84)).is_alerting
    assert not burn(version, rule, seen, BASE + timedelta(minutes=7)).is_alerting


@pytest.mark.parametrize("seconds", [0, 30])
def test_a_new_objective_does_not_alert_on_time_before_it(seconds: int) -> None:
    rule = BurnRule("page", Decimal("14.4"), 3_600, 300)
    version = ObjectiveVersion(1, Decimal("0.999"), BASE)
    seen = Observations(probed=[Interval(BASE - timedelta(hours=1), BASE + timedelta(seconds=seconds))])
    found = burn(version, rule, seen, BASE + timedelta(seconds=seconds))
    assert float(found.long) == pytest.approx(seconds / 3_600 / 0.001)
    assert not found.is_alerting
