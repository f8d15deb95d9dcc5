"""Influence (影响价值): who brought whom. It is counted beside the other values and never added to them.

What a referred customer brings is that customer's own realised value; shown with the referrer it is for
information, so that no margin counts twice. Referrals for a reward are kept apart from unprompted ones.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.valuation.domain.ledger import EPOCH
from services.valuation.domain.values.errors import (
    AlreadyReferredError,
    ReferralCycleError,
    ReferredAtOutOfRangeError,
    SelfReferralError,
)
from shared.kernel.errors import FieldError


@dataclass(frozen=True, slots=True)
class Referral:
    """`referrer_id` brought `referred_id`; `is_incentivised` when a reward was promised for it."""

    referrer_id: UUID
    referred_id: UUID
    is_incentivised: bool
    referred_at: datetime


@dataclass(frozen=True, slots=True)
class Influence:
    """Counts of the customers that one customer brought, and the margin these have brought (minor units)."""

    referrals: int = 0
    incentivised_referrals: int = 0
    referred_margin_minor: int = 0
    incentivised_referred_margin_minor: int = 0


def check_referral(
    wanted: Referral,
    *,
    present_referrer: UUID | None,
    ancestors: Collection[UUID],
    now: datetime,
    tolerance_seconds: int,
) -> None:
    """Raises the named error of the first rule that a referral breaks.

    present_referrer  who brought the referred customer, as known so far
    ancestors         who brought the referrer, and who brought these, up to the first
    """
    if wanted.referrer_id == wanted.referred_id:
        raise SelfReferralError(
            field_errors=[FieldError("referred_id", "self", "Name another customer than the referrer")]
        )
    if not EPOCH <= wanted.referred_at <= now + timedelta(seconds=tolerance_seconds):
        raise ReferredAtOutOfRangeError(
            f"{wanted.referred_at.isoformat()} is before {EPOCH.date()} or after now ({now.isoformat()})",
            field_errors=[FieldError("referred_at", "range", "Give an instant that has happened since 1970")],
        )
    if present_referrer is not None:
        raise AlreadyReferredError(
            field_errors=[FieldError("referred_id", "unique", "Each customer has one referrer")]
        )
    if wanted.referred_id in ancestors:
        raise ReferralCycleError(
            field_errors=[FieldError("referrer_id", "cycle", "It was brought by the customer it would refer")]
        )
