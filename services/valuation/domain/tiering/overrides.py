"""Overrides: a tier held by decision of a person, with an owner, a reason and an end."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.valuation.domain.tiering.errors import (
    OverrideExpiryOutOfRangeError,
    TierOverrideEndedError,
    UnknownTierError,
)
from services.valuation.domain.tiers import TierRules
from shared.kernel.errors import FieldError

# expired: its time came; withdrawn: a person ended it before; replaced: a later override took its place.
OverrideEnd = Literal["expired", "withdrawn", "replaced"]


@dataclass(frozen=True, slots=True)
class OverrideHold:
    """What a standing needs to know of the override that holds its tier."""

    id: UUID
    until: datetime


@dataclass(frozen=True, slots=True)
class EndedOverride:
    """An override that a standing let go."""

    id: UUID
    at: datetime
    how: OverrideEnd


@dataclass(frozen=True, slots=True)
class TierOverride:
    """The decision as recorded: never altered, except that its end is noted on it.

    owner       who answers for it
    tier        held from `decided_at` until `expires_at`, whatever the value
    contest_id  the contest that it answers, if it does
    """

    id: UUID
    customer_id: UUID
    tier: str
    previous_tier: str
    rule_version: int
    owner: str
    reason: str
    decided_at: datetime
    decided_by: str
    expires_at: datetime
    contest_id: UUID | None = None
    ended_at: datetime | None = None
    ended_how: OverrideEnd | None = None
    ended_by: str | None = None
    end_reason: str | None = None
    version: int = 1

    def withdrawn(self, at: datetime, by: str, reason: str) -> "TierOverride":
        """The override ended before its time. Raises `TierOverrideEndedError`."""
        if self.ended_how is not None or at >= self.expires_at:
            raise TierOverrideEndedError
        return replace(
            self,
            ended_at=at,
            ended_how="withdrawn",
            ended_by=by,
            end_reason=reason,
            version=self.version + 1,
        )


def require_expiry(expires_at: datetime, now: datetime, longest_days: int) -> None:
    """Raises `OverrideExpiryOutOfRangeError` unless now < `expires_at` ≤ now + `longest_days`."""
    latest = now + timedelta(days=longest_days)
    if not now < expires_at <= latest:
        raise OverrideExpiryOutOfRangeError(
            f"{expires_at.isoformat()} is not after {now.isoformat()} and at most {latest.isoformat()}",
            field_errors=[
                FieldError("expires_at", "range", "Give an instant to come, within the longest override")
            ],
        )


def require_tier(tier: str, rules: TierRules) -> int:
    """The tier's place. Raises `UnknownTierError` for a name that these rules do not have."""
    rank = rules.rank(tier)
    if rank is None:
        names = ", ".join(one.name for one in rules.tiers)
        raise UnknownTierError(
            f"version {rules.version} of the rules has no tier {tier}",
            field_errors=[FieldError("tier", "exists", f"One of: {names}")],
        )
    return rank
