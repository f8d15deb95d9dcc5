"""A person decides on a customer's tier, for a time, and may take the decision back before it ends."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.valuation.domain.standing import Standing
from services.valuation.domain.tiering.overrides import (
    OverrideHold,
    TierOverride,
    require_expiry,
    require_tier,
)
from services.valuation.domain.tiering.rule_change import RuleBook
from services.valuation.persistence import standings, tier_overrides
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.judge_tiers import judge_tiers
from services.valuation.usecases.standing_now import lock_standing_now
from shared.db.work import Work
from shared.kernel.errors import PreconditionFailedError
from shared.kernel.ids import new_id


@dataclass(frozen=True)
class OverrideTier:
    """Hold `tier` until `expires_at`; `owner` answers for it (None: who decides)."""

    customer_id: UUID
    tier: str
    reason: str
    expires_at: datetime
    owner: str | None = None


@dataclass(frozen=True)
class WithdrawOverride:
    override_id: UUID
    expected_version: int
    reason: str


async def override_tier(command: OverrideTier, work: Work, valuation: Valuation) -> TierOverride:
    """An override that stands is replaced.

    Raises `OverrideExpiryOutOfRangeError`, `CustomerNotFoundError`, `UnknownTierError`.
    """
    require_expiry(command.expires_at, work.now, valuation.override_days)
    standing, book = await lock_standing_now(work, valuation, command.customer_id)
    return await record_override(command, standing, book, work)


async def record_override(
    command: OverrideTier,
    standing: Standing,
    book: RuleBook,
    work: Work,
    *,
    override_id: UUID | None = None,
    contest_id: UUID | None = None,
) -> TierOverride:
    """Write the decision and hold the tier of a locked standing. Raises `UnknownTierError`."""
    rules = book.of(standing.rule_version)
    require_tier(command.tier, rules)
    override = TierOverride(
        id=override_id or new_id(),
        customer_id=standing.id,
        tier=command.tier,
        previous_tier=standing.held.tier,
        rule_version=rules.version,
        owner=command.owner or str(work.actor),
        reason=command.reason,
        decided_at=work.now,
        decided_by=str(work.actor),
        expires_at=command.expires_at,
        contest_id=contest_id,
    )
    await tier_overrides.add(work, override)
    standing.hold(OverrideHold(override.id, override.expires_at), command.tier, work.now, rules)
    await standings.save_many(work, [standing])
    return override


async def withdraw_override(command: WithdrawOverride, work: Work, valuation: Valuation) -> TierOverride:
    """The tier is judged by its value again, at once.

    Raises `TierOverrideNotFoundError`, `PreconditionFailedError`, `TierOverrideEndedError`.
    """
    customer_id = (await tier_overrides.require(work, command.override_id)).customer_id
    standing, book = await lock_standing_now(work, valuation, customer_id)
    override = await tier_overrides.lock(work, command.override_id)
    if override.version != command.expected_version:
        raise PreconditionFailedError
    withdrawn = override.withdrawn(work.now, str(work.actor), command.reason)
    await tier_overrides.save_end(work, withdrawn)
    standing.withdraw_override(work.now)
    standing.needs_window = True
    await judge_tiers([standing], work, valuation, book)
    return withdrawn
