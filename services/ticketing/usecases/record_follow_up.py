"""Record the customer's answer to the follow-up (回访)."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.follow_up import FollowUpAnswer
from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import follow_up_store as follow_ups
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class RecordFollowUp:
    """Record the customer's answer to the follow-up. `owner_id`: only on this customer's ticket.

    There is no expected version: an answer is recorded once for each closure, whatever else happened.
    """

    ticket_id: UUID
    answer: FollowUpAnswer
    owner_id: UUID | None = None


async def record_follow_up(command: RecordFollowUp, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, owner_id=command.owner_id)
    follow_up_id = ticket.record_follow_up(work.now, work.actor, command.answer)
    follow_up = await follow_ups.get(work, follow_up_id)
    follow_up.answered(command.answer, work.now)
    await follow_ups.save_answer(work, follow_up)
    await tickets.save(work, ticket)
    return ticket
