"""Record who brought a customer."""

from dataclasses import replace

from services.valuation.domain.errors import UnknownCustomerError
from services.valuation.domain.values.referrals import Referral, check_referral
from services.valuation.persistence import customers, referrals
from services.valuation.usecases.context import Valuation
from shared.db.work import Work
from shared.kernel.errors import FieldError


async def record_referral(wanted: Referral, work: Work, valuation: Valuation) -> Referral:
    """Raises `UnknownCustomerError` and the errors of `check_referral`. A merged account stands for its survivor."""
    known, _ = await customers.resolve(work, [wanted.referrer_id, wanted.referred_id], [])
    for field, customer_id in (("referrer_id", wanted.referrer_id), ("referred_id", wanted.referred_id)):
        if customer_id not in known:
            raise UnknownCustomerError(
                f"no customer has the id {customer_id}",
                field_errors=[FieldError(field, "unknown", "Register the customer first")],
            )
    wanted = replace(wanted, referrer_id=known[wanted.referrer_id], referred_id=known[wanted.referred_id])
    await referrals.take_turn(work)
    check_referral(
        wanted,
        present_referrer=await referrals.referrer_of(work, wanted.referred_id),
        ancestors=await referrals.ancestors_of(work, wanted.referrer_id),
        now=work.now,
        tolerance_seconds=valuation.ledger.clock_tolerance_seconds,
    )
    await referrals.add(work, wanted)
    return wanted
