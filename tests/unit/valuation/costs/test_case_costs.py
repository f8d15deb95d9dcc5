"""What a case costs follows from its facts, in whatever order and however often they are told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.costs.cases import MOST_MARKS, CaseFact, CostCase, What
from services.valuation.domain.costs.errors import CostHoursCapWithoutHoursError, CostRateEmptyError
from services.valuation.domain.costs.rates import CaseCost, CostRate, CostRates, CostTotal

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CASE = UUID(int=1)
ANNA, BEN = UUID(int=2), UUID(int=3)


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def fact(sequence: int, what: What, hours: float, customer: UUID | None = None) -> CaseFact:
    return CaseFact("ticket", CASE, sequence, what, at(hours), customer)


def told(*facts: CaseFact) -> CostCase:
    case = CostCase("ticket", CASE)
    for one in facts:
        case = case.told(one)
    return case


def rate(
    per_hour: int | None = 6000,
    per_case: int | None = 500,
    most_hours: str | None = None,
    version: int = 1,
    since: float = -1000,
) -> CostRate:
    most = None if most_hours is None else Decimal(most_hours)
    return CostRate("ticket", version, per_hour, per_case, most, at(since))


OPENED = fact(1, "opened", 0, ANNA)
WORKED = (OPENED, fact(2, "started", 1), fact(3, "stopped", 2.5))
GROUND = st.lists(
    st.tuples(st.sampled_from(["owned", "started", "stopped", "stopped"]), st.floats(0, 100)), max_size=12
)


@pytest.mark.parametrize(
    ("facts", "rates", "cost"),
    [
        ((OPENED,), [rate()], CaseCost("case", 500, 0, 1)),
        ((OPENED,), [rate(per_case=None)], CaseCost("unpriced", 0, 0, 1)),
        ((OPENED,), [], CaseCost("unpriced", 0, 0, None)),
        (WORKED, [rate()], CaseCost("hours", 9000, 5400, 1)),
        (WORKED, [rate(most_hours="0.5")], CaseCost("hours", 3000, 5400, 1)),
        (WORKED, [rate(per_hour=None)], CaseCost("case", 500, 5400, 1)),
        ((*WORKED, fact(4, "cancelled", 3)), [rate()], CaseCost("hours", 9000, 5400, 1)),
        ((OPENED, fact(2, "cancelled", 3)), [rate()], CaseCost("none", 0, 0, None)),
        ((*WORKED, fact(4, "deleted", 3)), [rate()], CaseCost("none", 0, 0, None)),
        (WORKED[1:], [rate()], CaseCost("none", 0, 0, None)),
        ((OPENED, fact(2, "started", 1)), [rate()], CaseCost("case", 500, 0, 1)),
        (
            (OPENED, fact(2, "started", 1), fact(3, "cancelled", 2)),
            [rate()],
            CaseCost("hours", 6000, 3600, 1),
        ),
    ],
)
def test_hours_where_they_are_known_else_the_case(
    facts: tuple[CaseFact, ...], rates: list[CostRate], cost: CaseCost
) -> None:
    assert CostRates(rates).cost_of(told(*facts)) == cost


def test_waiting_is_not_work() -> None:
    marks = ((2, "started", 1), (3, "stopped", 2), (4, "stopped", 5), (5, "started", 8), (6, "stopped", 8.5))
    assert told(OPENED, *(fact(*mark) for mark in marks)).worked_seconds == 5400  # type: ignore[arg-type]


def test_a_case_keeps_the_rate_that_held_when_it_was_opened() -> None:
    rates = CostRates([rate(per_case=700, version=2, since=10), rate(per_case=500, version=1, since=-10)])
    early, late = told(OPENED), told(fact(1, "opened", 10, ANNA))
    assert rates.cost_of(early) == CaseCost("case", 500, 0, 1)
    assert rates.cost_of(late) == CaseCost("case", 700, 0, 2)
    assert rates.cost_of(told(fact(1, "opened", -11, ANNA))).basis == "unpriced"


def test_the_last_owner_told_by_the_producer_owns_the_case() -> None:
    assert told(fact(4, "owned", 2, BEN), OPENED).customer_id == BEN
    assert told(OPENED, fact(4, "owned", 2, BEN)).customer_id == BEN


@given(GROUND, st.randoms(use_true_random=False))
def test_order_and_repetition_of_facts_do_not_matter(steps: list[tuple[What, float]], random: object) -> None:
    hours = sorted(hour for _, hour in steps)
    facts = [OPENED] + [
        fact(place, what, hour, BEN if what == "owned" else None)
        for place, ((what, _), hour) in enumerate(zip(steps, hours, strict=True), 2)
    ]
    shuffled = [*facts, *facts]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    case = told(*shuffled)
    assert case == told(*facts)
    assert 0 <= case.worked_seconds <= hours[-1] * 3600 if hours else case.worked_seconds == 0


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(0, 10**6))
def test_cost_grows_with_work_and_stops_at_the_cap(worked: int, more: int, per_hour: int) -> None:
    capped = rate(per_hour=per_hour, most_hours="8")
    _, less = capped.price(worked, counts_as_case=True) if worked else ("none", 0)
    _, cost = capped.price(max(1, worked + more), counts_as_case=True)
    assert less <= cost <= 8 * per_hour


def test_marks_of_one_case_are_bounded_and_the_first_count_in_any_order() -> None:
    marks = [fact(n, "started" if n % 2 == 0 else "stopped", n) for n in range(2, MOST_MARKS + 50)]
    forth, back = told(OPENED, *marks), told(OPENED, *reversed(marks))
    assert len(forth.marks) == MOST_MARKS
    assert forth == back


@given(st.lists(st.sampled_from(["hours", "case", "unpriced", "none"]), max_size=10))
def test_totals_lose_nothing(kinds: list[str]) -> None:
    costs = [CaseCost(kind, 7, 60, 1) for kind in kinds]  # type: ignore[arg-type]
    total = sum((CostTotal.of(cost) for cost in costs), CostTotal())
    assert total.cases == total.by_hours + total.by_case + total.unpriced == len(kinds) - kinds.count("none")
    for cost in costs:
        total -= CostTotal.of(cost)
    assert total == CostTotal()


def test_a_rate_says_what_it_prices() -> None:
    with pytest.raises(CostRateEmptyError):
        rate(per_hour=None, per_case=None)
    with pytest.raises(CostHoursCapWithoutHoursError):
        rate(per_hour=None, most_hours="1")
