"""A customer, or somebody for it, contests a tier; a person reviews it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.valuation.domain.tiering.contest import HeldTier, TierContest
from services.valuation.domain.tiering.errors import (
    ContestOverrideIncompleteError,
    TierContestAlreadyOpenError,
    TierContestNotFoundError,
)
from services.valuation.domain.tiering.overrides import require_expiry
from services.valuation.persistence import tier_contests, tier_overrides
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.override_tier import OverrideTier, record_override
from services.valuation.usecases.standing_now import lock_standing_now
from shared.db.work import Work
from shared.kernel.errors import FieldError, PreconditionFailedError
from shared.kernel.ids import new_id


@dataclass(frozen=True)
class FileContest:
    customer_id: UUID
    tier: str
    grounds: str


@dataclass(frozen=True)
class ContestTarget:
    """`of_customer` is set when a customer acts: other customers' contests do not exist for them."""

    contest_id: UUID
    expected_version: int
    of_customer: UUID | None = None

    async def lock(self, work: Work) -> TierContest:
        """Raises `TierContestNotFoundError`, `PreconditionFailedError`."""
        contest = await tier_contests.lock(work, self.contest_id)
        if self.of_customer not in (None, contest.customer_id):
            raise TierContestNotFoundError
        if contest.version != self.expected_version:
            raise PreconditionFailedError
        return contest


@dataclass(frozen=True)
class UpholdTier:
    target: ContestTarget
    reason: str


@dataclass(frozen=True)
class GrantContest:
    """Hold another tier, or the same one in spite of a warning, until `expires_at`."""

    target: ContestTarget
    reason: str
    tier: str | None
    expires_at: datetime | None


async def file_contest(command: FileContest, work: Work, valuation: Valuation) -> TierContest:
    """Raises `CustomerNotFoundError`, `TierContestAlreadyOpenError`, `TierNotHeldError`, `NothingToContestError`."""
    standing, book = await lock_standing_now(work, valuation, command.customer_id)
    if await tier_contests.find_open(work, standing.id) is not None:
        raise TierContestAlreadyOpenError
    decided_by = None
    if standing.override is not None:
        decided_by = (await tier_overrides.require(work, standing.override.id)).decided_by
    held = HeldTier(
        standing.held.tier, standing.window.margin_minor, book.of(standing.rule_version), decided_by
    )
    contest = TierContest.file(
        new_id(), standing.id, command.tier, command.grounds, held, by=str(work.actor), at=work.now
    )
    await tier_contests.add(work, contest)
    return contest


async def take_contest(target: ContestTarget, work: Work) -> TierContest:
    """Raises `TierContestNotFoundError`, `OwnContestError`, `TierContestNotOpenError`."""
    contest = await target.lock(work)
    contest.take(str(work.actor), work.now)
    await tier_contests.save(work, contest)
    return contest


async def withdraw_contest(target: ContestTarget, work: Work) -> TierContest:
    """Raises `TierContestNotFoundError`, `TierContestNotOpenError`."""
    contest = await target.lock(work)
    contest.withdraw(str(work.actor), work.now)
    await tier_contests.save(work, contest)
    return contest


async def uphold_tier(command: UpholdTier, work: Work) -> TierContest:
    """Raises `TierContestNotFoundError`, `OwnContestError`, `TierContestNotOpenError`."""
    contest = await command.target.lock(work)
    contest.uphold(str(work.actor), work.now, command.reason)
    await tier_contests.save(work, contest)
    return contest


async def grant_contest(command: GrantContest, work: Work, valuation: Valuation) -> TierContest:
    """The reviewer's override answers the contest, in one transaction.

    Raises `ContestOverrideIncompleteError`, `OverrideExpiryOutOfRangeError`, `UnknownTierError`, and as
    `uphold_tier` does.
    """
    if command.tier is None or command.expires_at is None:
        field = "tier" if command.tier is None else "expires_at"
        raise ContestOverrideIncompleteError(
            field_errors=[FieldError(field, "required", "Name the tier to hold and when that ends")]
        )
    require_expiry(command.expires_at, work.now, valuation.override_days)
    customer_id = (await tier_contests.require(work, command.target.contest_id)).customer_id
    standing, book = await lock_standing_now(work, valuation, customer_id)
    contest = await command.target.lock(work)
    override_id = new_id()
    contest.override(str(work.actor), work.now, command.reason, override_id)
    wanted = OverrideTier(customer_id, command.tier, command.reason, command.expires_at)
    await record_override(wanted, standing, book, work, override_id=override_id, contest_id=contest.id)
    await tier_contests.save(work, contest)
    return contest
