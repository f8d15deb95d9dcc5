"""Amounts in other currencies: what they come to, and what refunds and corrections leave of them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.errors import AmountOutOfRangeError
from services.valuation.domain.exchange.rates import ExchangeRate, minor_digits
from services.valuation.domain.ledger import Entry, LedgerRules, Margin, Net, Transaction, net_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEDGER = LedgerRules("USD", ReviewCalendar(), Decimal("0.30"), maximum_amount_minor=1_000_000)


def rate(currency: str = "EUR", units: str = "1.10") -> ExchangeRate:
    return ExchangeRate(currency, date(2026, 3, 1), 1, Decimal(units), NOW)


def booked(number: int, kind: Any, amount: int, units: str = "1.10", **more: Any) -> Transaction:
    entry = Entry(f"t{number}", kind, amount, "EUR", NOW + timedelta(hours=number), **more)
    by = rate(units=units)
    return Transaction(
        UUID(int=number),
        UUID(int=9),
        entry,
        LEDGER.margin_of(entry, {}, by),
        None if kind == "purchase" else UUID(int=1),
        NOW,
        LEDGER.exchanged(entry, by),
    )


@pytest.mark.parametrize(
    ("currency", "units", "ledger", "minor", "converted"),
    [
        ("EUR", "1.0834", "USD", 10_000, 10_834),
        ("JPY", "0.0067", "USD", 1_000, 670),
        ("USD", "149.25", "JPY", 1_000, 1_492),
        ("KWD", "3.25", "USD", 1_000, 325),
        ("EUR", "1.1", "USD", 5, 6),
        ("EUR", "1.1", "USD", 15, 16),
        ("EUR", "1.1", "USD", -15, -16),
    ],
)
def test_rates_are_quoted_a_unit_and_applied_to_minor_units(
    currency: str, units: str, ledger: str, minor: int, converted: int
) -> None:
    assert rate(currency, units).converted(minor, ledger) == converted


def test_minor_units_follow_iso_4217() -> None:
    assert [minor_digits(one) for one in ("USD", "CNY", "JPY", "KRW", "KWD", "XOF")] == [2, 2, 0, 0, 3, 0]


@given(st.integers(0, 10**11), st.decimals("0.0001", "9999", places=4))
def test_converting_there_loses_at_most_half_a_minor_unit(minor: int, units: Decimal) -> None:
    exact = minor * units
    assert abs(rate(units=str(units)).converted(minor, "USD") - exact) <= Decimal("0.5")


def test_a_given_margin_is_converted_as_the_amount_is() -> None:
    entry = Entry("t", "purchase", 1000, "EUR", NOW, margin_minor=-200)
    assert LEDGER.margin_of(entry, {}, rate()) == Margin(-220, "given", None)
    kind = Entry("t", "purchase", 1000, "EUR", NOW, product_kind="support")
    assert LEDGER.margin_of(kind, {"support": Decimal("0.5")}, rate()) == Margin(550, "rate", Decimal("0.5"))


def test_an_amount_beyond_the_ledger_is_refused_after_conversion_too() -> None:
    with pytest.raises(AmountOutOfRangeError):
        LEDGER.exchanged(Entry("t", "purchase", 999_999, "EUR", NOW), rate())


@pytest.mark.parametrize(
    ("amendments", "net"),
    [
        ([], Net(1100, 330, "default_rate", NOW + timedelta(hours=1))),
        ([(2, "refund", 250, "1.50")], Net(825, 248, "default_rate", NOW + timedelta(hours=1))),
        ([(2, "refund", 1000, "1.50")], Net(0, 0, "default_rate", NOW + timedelta(hours=1), counts=False)),
        ([(3, "correction", 500, "1.20")], Net(600, 180, "default_rate", NOW + timedelta(hours=3))),
        (
            [(3, "correction", 500, "1.20"), (2, "refund", 250, "1.50")],
            Net(300, 90, "default_rate", NOW + timedelta(hours=3)),
        ),
    ],
)
def test_refunds_count_in_the_purchases_currency_and_at_its_rate(
    amendments: list[tuple[int, str, int, str]], net: Net
) -> None:
    rows = [booked(number, kind, amount, units) for number, kind, amount, units in amendments]
    for order in permutations(rows):
        assert net_of(booked(1, "purchase", 1000), order) == net
