"""Take in what the valuation service says about a customer's tier (客户等级)."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.persistence import customer_store as customers
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class RecordTier:
    """The tier as of the customer's event number `sequence`."""

    customer_id: UUID
    tier: str
    sequence: int


async def record_tier(command: RecordTier, work: Work) -> bool:
    """Whether it was news: a late event changes nothing, a gap is harmless since each names the whole tier."""
    return await customers.keep_tier(work, command.customer_id, command.tier, command.sequence)
