"""What tickets show of customers: their tier (客户等级), as the valuation service last told."""

from typing import cast
from uuid import UUID

from sqlalchemy.dialects.postgresql import Insert

from services.ticketing.persistence.tables import customers
from shared.db.statements import insert, statement
from shared.db.work import Work

_adding = cast("Insert", insert(customers))
_KEEP = statement(
    _adding.on_conflict_do_update(
        index_elements=[customers.c.id],
        set_={"tier": _adding.excluded.tier, "sequence": _adding.excluded.sequence},
        where=customers.c.sequence < _adding.excluded.sequence,
    )
)


async def keep_tier(work: Work, customer_id: UUID, tier: str, sequence: int) -> bool:
    """Store the tier unless something newer is known (by `sequence`); whether it was stored."""
    return await work.execute(_KEEP, id=customer_id, tier=tier, sequence=sequence) == 1
