"""Tier history: which tier a customer had when, from the tier lines of a ledger."""

from collections.abc import Iterable
from datetime import datetime

from services.sla.domain.ledger import Entry, EntryKind


class TierHistory:
    """Effective-dated; what arrived late takes the place it should have had."""

    def __init__(self, ordered: Iterable[Entry]) -> None:
        self._tiers = [entry for entry in ordered if entry.kind is EntryKind.TIER_CHANGED]

    def at(self, customer_id: str | None, at: datetime) -> str | None:
        """The tier of that customer effective at an instant; None when none is known."""
        found: str | None = None
        for entry in self._tiers:
            if entry.occurred_at <= at and entry.data["customer_id"] == customer_id:
                found = entry.data["tier"]
        return found
