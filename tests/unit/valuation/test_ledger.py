"""What the ledger accepts, and what amendments leave of a purchase."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.ledger import Entry, LedgerRules, Margin, Net, Transaction, net_of
from shared.kernel.errors import CareloopError

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEDGER = LedgerRules("USD", ReviewCalendar(), Decimal("0.30"), maximum_amount_minor=1_000_000)


def entry(**changes: Any) -> Entry:
    facts: dict[str, Any] = {
        "external_id": "t",
        "kind": "purchase",
        "amount_minor": 1000,
        "currency": "USD",
        "occurred_at": NOW - timedelta(days=1),
    }
    return Entry(**{**facts, **changes})


def booked(number: int, **changes: Any) -> Transaction:
    one = entry(**changes)
    margin = LEDGER.margin_of(one, {})
    corrects = None if one.kind == "purchase" else UUID(int=1)
    return Transaction(UUID(int=number), UUID(int=9), one, margin, corrects, NOW)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"amount_minor": -1}, "amount_out_of_range", "amount_minor"),
        ({"amount_minor": 1_000_001}, "amount_out_of_range", "amount_minor"),
        ({"occurred_at": NOW + timedelta(seconds=301)}, "occurred_at_out_of_range", "occurred_at"),
        ({"occurred_at": datetime(1969, 12, 31, tzinfo=UTC)}, "occurred_at_out_of_range", "occurred_at"),
        ({"margin_minor": 1001}, "margin_out_of_range", "margin_minor"),
        ({"margin_minor": -1_000_001}, "margin_out_of_range", "margin_minor"),
        ({"kind": "refund"}, "corrected_transaction_missing", "corrects_external_id"),
        ({"corrects_external_id": "x"}, "corrected_transaction_missing", "corrects_external_id"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name_and_field(
    changes: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(CareloopError) as refused:
        LEDGER.check(entry(**changes), NOW)
    assert refused.value.code == code
    assert [error.field for error in refused.value.field_errors] == [field]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_minor": 0},
        {"amount_minor": 1_000_000},
        {"occurred_at": NOW + timedelta(seconds=300)},
        {"occurred_at": datetime(1970, 1, 1, tzinfo=UTC)},
        {"margin_minor": 1000},
        {"margin_minor": -5},
    ],
)
def test_the_bounds_themselves_are_accepted(changes: dict[str, Any]) -> None:
    LEDGER.check(entry(**changes), NOW)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"margin_minor": 7}, Margin(7, "given", None)),
        ({"product_kind": "support"}, Margin(450, "rate", Decimal("0.45"))),
        ({"product_kind": "unknown"}, Margin(300, "default_rate", Decimal("0.30"))),
        ({"amount_minor": 5}, Margin(2, "default_rate", Decimal("0.30"))),
    ],
)
def test_margin_is_given_or_by_the_rate_of_the_kind_or_by_the_default_rate(
    changes: dict[str, Any], expected: Margin
) -> None:
    assert LEDGER.margin_of(entry(**changes), {"support": Decimal("0.45")}) == expected


def refund(number: int, amount: int) -> Transaction:
    return booked(
        number, external_id=f"r{number}", kind="refund", amount_minor=amount, corrects_external_id="t"
    )


def correction(number: int, amount: int, days_ago: int) -> Transaction:
    return booked(
        number,
        external_id=f"c{number}",
        kind="correction",
        amount_minor=amount,
        occurred_at=NOW - timedelta(days=days_ago),
        corrects_external_id="t",
    )


PURCHASE = booked(1, margin_minor=333)


@pytest.mark.parametrize(
    ("amendments", "amount", "margin", "counts"),
    [
        ([], 1000, 333, True),
        ([refund(2, 400)], 600, 200, True),
        ([refund(2, 400), refund(3, 600)], 0, 0, False),
        ([correction(2, 500, 1)], 500, 150, True),
        ([correction(2, 500, 2), correction(3, 800, 1)], 800, 240, True),
        ([correction(2, 500, 1), refund(3, 250)], 250, 75, True),
        ([correction(2, 500, 1), refund(3, 500)], 0, 0, False),
    ],
)
def test_a_net_is_what_amendments_leave_in_any_order(
    amendments: list[Transaction], amount: int, margin: int, counts: bool
) -> None:
    for order in permutations(amendments):
        net = net_of(PURCHASE, order)
        assert (net.amount_minor, net.margin_minor, net.counts) == (amount, margin, counts)


def test_a_free_purchase_counts_until_it_is_refunded() -> None:
    free = booked(1, amount_minor=0)
    assert net_of(free, []) == Net(0, 0, "default_rate", free.entry.occurred_at)
    assert not net_of(free, [refund(2, 0)]).counts


def test_a_correction_moves_the_purchase_to_its_own_day() -> None:
    assert net_of(PURCHASE, [correction(2, 500, 4)]).occurred_at == NOW - timedelta(days=4)
