"""Plan a new version of the tier rules."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.valuation.domain.errors import TierRulesBackdatedError
from services.valuation.domain.tiers import Tier, TierRules
from services.valuation.persistence import tier_rules
from services.valuation.persistence.tier_rules import StoredRules
from shared.db.work import Work
from shared.kernel.errors import FieldError


@dataclass(frozen=True)
class PlanTierRules:
    """The rules as they shall be from `effective_from` on; None means at once."""

    tiers: tuple[Tier, ...]
    window_days: int
    band: Decimal
    grace_days: int
    tenure_days: int
    effective_from: datetime | None = None

    def rules(self, version: int, effective_from: datetime) -> TierRules:
        """The rules as that version. Raises `ThresholdsOutOfOrderError`."""
        return TierRules(
            version=version,
            tiers=self.tiers,
            window_days=self.window_days,
            band=self.band,
            grace_days=self.grace_days,
            tenure_days=self.tenure_days,
            effective_from=effective_from,
        )


async def plan_tier_rules(command: PlanTierRules, work: Work) -> StoredRules:
    """Raises `ThresholdsOutOfOrderError`, `TierRulesBackdatedError`. A run takes it to the customers then."""
    latest, latest_from = await tier_rules.lock_latest(work)
    effective_from = work.now if command.effective_from is None else command.effective_from
    if effective_from < max(work.now, latest_from):
        raise TierRulesBackdatedError(
            f"{effective_from.isoformat()} is before {max(work.now, latest_from).isoformat()}",
            field_errors=[
                FieldError("effective_from", "not_before", "Rules take effect now or later, in their order")
            ],
        )
    return await tier_rules.add(work, command.rules(latest + 1, effective_from))
