"""Merge two accounts that are one: what the merged one has goes to the survivor, whose standing is made anew."""

from dataclasses import dataclass
from uuid import UUID

from services.valuation.domain.customers import Customer
from services.valuation.domain.errors import UnknownCustomerError
from services.valuation.domain.events import CustomerMerged
from services.valuation.domain.profile.errors import (
    CustomerAlreadyMergedError,
    ErasedCustomerError,
    MergeTooLargeError,
    MergeWithItselfError,
)
from services.valuation.domain.profile.people import brought_together, check_people
from services.valuation.domain.tiering.overrides import EndedOverride
from services.valuation.persistence import (
    customer_data,
    customer_scores,
    customers,
    departures,
    people,
    referrals,
    standings,
    tier_overrides,
    tier_rules,
)
from services.valuation.persistence.departures import Merge, MergeReason
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.judge_tiers import judge_tiers
from shared.db.work import Work
from shared.kernel.errors import FieldError, PreconditionFailedError


@dataclass(frozen=True)
class MergeCustomers:
    """`merged_id` goes into `survivor_id`, whose entry must be at `expected_version`."""

    survivor_id: UUID
    merged_id: UUID
    expected_version: int
    reason: MergeReason


async def merge_customers(command: MergeCustomers, work: Work, valuation: Valuation) -> Merge:
    """All of it in one transaction, whose size is bounded by the merged account's ledger.

    Raises what `customers.present` does for the survivor, `MergeWithItselfError`, `UnknownCustomerError`,
    `ErasedCustomerError`, `CustomerAlreadyMergedError`, `MergeTooLargeError`, `TooManyPeopleError`,
    `PreconditionFailedError`.
    """
    survivor_id, merged_id = command.survivor_id, command.merged_id
    if survivor_id == merged_id:
        raise MergeWithItselfError(field_errors=[_field("differs", "Name another account")])
    both = sorted([survivor_id, merged_id])
    # Standings first, as bookings do: who books finds the merged one's gone, and looks for the survivor.
    locked = await standings.lock_many(work, both)
    entries = await customers.lock_many(work, both)
    survivor = customers.present(entries.get(survivor_id))
    merged = _to_be_merged(entries.get(merged_id))
    if survivor.version != command.expected_version:
        raise PreconditionFailedError
    most = valuation.merge_limit_rows
    if await customer_data.has_more_transactions(work, merged_id, most):
        raise MergeTooLargeError(f"its ledger has more than {most} rows")
    await _bring_people_together(work, survivor_id, merged_id)
    moved = await customer_data.merge(work, merged_id, survivor_id)
    if referred := await referrals.bring_together(work, merged_id, survivor_id):
        moved["referrals"] = referred
    earlier = await departures.lead_on(work, merged_id, survivor_id)
    whole = survivor.absorbing(merged, work.now)
    await customers.save(work, whole)
    await customers.save(work, merged.merged_into(survivor_id, work.now))
    merge = Merge(merged_id, survivor_id, earlier, command.reason, moved, work.now, whole.version)
    await departures.add_merge(work, merge)
    gone, standing = locked[merged_id], locked[survivor_id]
    gone.happened(CustomerMerged, work.now, survivor_id=survivor_id, earlier_ids=earlier)
    work.record(*gone.take_events())
    if gone.override is not None:
        await tier_overrides.end_many(work, [EndedOverride(gone.override.id, work.now, "replaced")])
    standing.needs_ledger = True
    in_force = await tier_rules.in_force(work, work.now)
    await judge_tiers([standing], work, valuation, await tier_rules.book_of(work, [standing], in_force))
    await customer_scores.request(work, [survivor_id])
    return merge


def _to_be_merged(entry: Customer | None) -> Customer:
    if entry is None:
        raise UnknownCustomerError(field_errors=[_field("exists", "Name an account of the register")])
    if entry.erased_at is not None:
        raise ErasedCustomerError(field_errors=[_field("not_erased", "Name an account that is still there")])
    if entry.merged_into_id is not None:
        raise CustomerAlreadyMergedError(f"it went into {entry.merged_into_id}")
    return entry


async def _bring_people_together(work: Work, survivor_id: UUID, merged_id: UUID) -> None:
    kept = await people.of_customer(work, survivor_id)
    joining = await people.of_customer(work, merged_id)
    changed = brought_together(kept, joining, work.now)
    check_people([*kept, *(one for one in joining if one.id not in {each.id for each in changed}), *changed])
    for person in changed:
        await people.save(work, person)


def _field(rule: str, message: str) -> FieldError:
    return FieldError("merged_customer_id", rule, message)
