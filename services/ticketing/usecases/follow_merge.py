"""A customer account went into another one: its tickets are the survivor's."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.ticketing.persistence import customer_tickets
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class FollowMerge:
    """`customer_ids` go on as `survivor_id`."""

    customer_ids: Sequence[UUID]
    survivor_id: UUID


async def follow_merge(command: FollowMerge, work: Work) -> None:
    """Live tickets change customer with a step and an event, since promises hang on them; the others quietly."""
    live = await customer_tickets.live_ids(work, command.customer_ids)
    for ticket in (await tickets.lock_all(work, live)).values():
        ticket.change_customer(work.now, work.actor, command.survivor_id)
        await tickets.save(work, ticket)
    await customer_tickets.file_under(work, command.customer_ids, command.survivor_id)
