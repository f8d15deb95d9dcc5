"""A customer account went into another one: its complaints are the survivor's."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.complaints.persistence import customer_complaints
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class FollowMerge:
    """`customer_ids` go on as `survivor_id`."""

    customer_ids: Sequence[UUID]
    survivor_id: UUID


async def follow_merge(command: FollowMerge, work: Work) -> None:
    """So that the customer sees them, and recurrence is judged over all of them."""
    await customer_complaints.file_under(work, command.customer_ids, command.survivor_id)
