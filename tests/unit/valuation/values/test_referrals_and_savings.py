"""Referrals and savings: what is refused by name."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.ledger import LedgerRules
from services.valuation.domain.values.errors import (
    AlreadyReferredError,
    ReferralCycleError,
    ReferredAtOutOfRangeError,
    SavingOutOfRangeError,
    SelfReferralError,
)
from services.valuation.domain.values.referrals import Referral, check_referral
from services.valuation.domain.values.savings import Saving, check_saving
from shared.kernel.errors import CareloopError

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LEDGER = LedgerRules("USD", ReviewCalendar("UTC", 7), Decimal("0.3"), maximum_amount_minor=1000)
ANN, BOB = UUID(int=1), UUID(int=2)


def checked(
    referrer: UUID = ANN,
    referred: UUID = BOB,
    at: datetime = NOW,
    *,
    present: UUID | None = None,
    ancestors: frozenset[UUID] = frozenset(),
) -> None:
    check_referral(
        Referral(referrer, referred, True, at),
        present_referrer=present,
        ancestors=ancestors,
        now=NOW,
        tolerance_seconds=300,
    )


def test_a_referral_by_somebody_else_that_has_happened_is_fine() -> None:
    checked()
    checked(at=NOW + timedelta(seconds=300), ancestors=frozenset({uuid4()}))


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"referred": ANN}, SelfReferralError),
        ({"at": NOW + timedelta(seconds=301)}, ReferredAtOutOfRangeError),
        ({"at": datetime(1969, 12, 31, tzinfo=UTC)}, ReferredAtOutOfRangeError),
        ({"present": uuid4()}, AlreadyReferredError),
        ({"present": ANN}, AlreadyReferredError),
        ({"ancestors": frozenset({BOB})}, ReferralCycleError),
    ],
)
def test_a_referral_that_cannot_be_is_refused(wanted: dict[str, Any], error: type[CareloopError]) -> None:
    with pytest.raises(error):
        checked(**wanted)


def saving(amount: int = 1, at: datetime = NOW) -> Saving:
    return Saving(uuid4(), "s-1", ANN, "trial", amount, at, NOW)


def test_a_positive_saving_that_has_happened_is_fine() -> None:
    check_saving(saving(1), NOW, LEDGER)
    check_saving(saving(1000, NOW + timedelta(seconds=300)), NOW, LEDGER)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (saving(0), "amount_minor"),
        (saving(-5), "amount_minor"),
        (saving(1001), "amount_minor"),
        (saving(5, NOW + timedelta(seconds=301)), "occurred_at"),
        (saving(5, datetime(1969, 12, 31, tzinfo=UTC)), "occurred_at"),
    ],
)
def test_a_saving_out_of_range_is_refused_by_field(wanted: Saving, field: str) -> None:
    with pytest.raises(SavingOutOfRangeError) as refused:
        check_saving(wanted, NOW, LEDGER)
    assert refused.value.field_errors[0].field == field


def test_the_same_saving_is_told_from_another_one() -> None:
    assert saving().is_same_as(saving())
    assert not saving().is_same_as(saving(2))
