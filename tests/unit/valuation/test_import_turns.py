"""Turns: one customer's purchases stand together, what amends them comes later, and lanes share no customer."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.import_turns import LANES, LAST_TURN, PURCHASE_TURNS, turn_of, turns_of

NAMES = st.text(min_size=1, max_size=20)


@given(NAMES, st.sampled_from(["refund", "correction"]))
def test_what_amends_has_its_turn_after_every_purchase(name: str, kind: object) -> None:
    purchase = turn_of("purchase", None, name)
    amendment = turn_of(kind, None, name)  # type: ignore[arg-type]
    assert 0 <= purchase < PURCHASE_TURNS <= amendment <= LAST_TURN
    assert amendment - purchase == PURCHASE_TURNS


@given(st.uuids(), NAMES)
def test_the_id_decides_where_there_is_one(customer_id: UUID, name: str) -> None:
    assert turn_of("purchase", customer_id, None) == turn_of("purchase", customer_id, name)


def test_lanes_share_the_purchases_and_leave_none_out() -> None:
    taken = [turn for lane in range(LANES) for turn in range(turns_of(lane)[0], turns_of(lane)[1] + 1)]
    assert taken == list(range(PURCHASE_TURNS))
    assert turns_of(None) == (0, LAST_TURN)


def test_customers_spread_over_all_turns() -> None:
    assert {turn_of("purchase", None, f"c-{n}") for n in range(5_000)} == set(range(PURCHASE_TURNS))
