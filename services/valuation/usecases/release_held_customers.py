"""Let customers go on to the rules in force whom the cap of a run held back."""

from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from services.valuation.domain.tiering.errors import (
    NothingHeldBackError,
    ReleaseTooSmallError,
    TierRunNotCompletedError,
    TierRunSupersededError,
)
from services.valuation.domain.tiering.rule_change import most_endangered
from services.valuation.persistence import tier_rules, tier_runs
from services.valuation.persistence.tier_runs import TierRun
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.run_tier_rules import admit
from shared.db.work import Work
from shared.kernel.errors import FieldError
from shared.kernel.ids import new_id


@dataclass(frozen=True)
class ReleaseHeldCustomers:
    """`share` of the customers that the run looked at; those furthest short go first."""

    run_id: UUID
    share: Decimal
    reason: str


async def release_held_customers(command: ReleaseHeldCustomers, work: Work) -> TierRun:
    """A run of its own, done in the background.

    Raises `TierRunNotFoundError`, `TierRunNotCompletedError`, `TierRunSupersededError`, `NothingHeldBackError`,
    `ReleaseTooSmallError`.
    """
    run = await tier_runs.lock(work, command.run_id)
    if run.completed_at is None:
        raise TierRunNotCompletedError
    in_force = await tier_rules.in_force(work, work.now)
    if in_force.version != run.rule_version:
        raise TierRunSupersededError
    if await tier_runs.count_waiting(work, run.rule_version) == 0:
        raise NothingHeldBackError
    allowed = most_endangered(run.customers, command.share)
    if allowed == 0:
        raise ReleaseTooSmallError(
            field_errors=[FieldError("share", "too_small", f"{run.customers} customers were looked at")]
        )
    release = TierRun(
        id=new_id(),
        kind="release",
        rule_version=run.rule_version,
        state="admitting",
        cap=command.share,
        customers=run.customers,
        allowed=allowed,
        reason=command.reason,
        started_at=work.now,
        started_by=str(work.actor),
    )
    await tier_runs.add(work, release)
    return release


async def advance_release(work: Work, valuation: Valuation) -> int:
    """One bounded batch of the oldest release; how much was done, 0 without one (or another worker has it)."""
    run = await tier_runs.lock_release(work)
    if run is None:
        return 0
    rules = await tier_rules.in_force(work, work.now)
    if rules.version != run.rule_version:
        await tier_runs.save(
            work, replace(run, state="superseded", completed_at=work.now, version=run.version + 1)
        )
        return 1
    _, done = await admit(run, rules, work, valuation)
    return max(1, done)
