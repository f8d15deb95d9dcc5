"""All tickets of a customer at once: what happens to them when the customer is merged or erased."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from services.ticketing.domain.ticket_status import LIVE
from shared.db.statements import statement
from shared.db.work import Work

_IDS = statement(
    sa.text(
        "SELECT id FROM tickets WHERE customer_id = ANY(CAST(:customer_ids AS uuid[]))"
        " AND status = ANY(CAST(:statuses AS text[])) ORDER BY id"
    )
)
_FILE_UNDER = statement(
    sa.text(
        "UPDATE tickets SET customer_id = CAST(:customer_id AS uuid)"
        " WHERE customer_id = ANY(CAST(:customer_ids AS uuid[]))"
    )
)
_BLANK_STEPS = statement(
    sa.text(
        "UPDATE timeline SET text = NULL, terms = NULL WHERE (text IS NOT NULL OR terms IS NOT NULL)"
        " AND ticket_id IN (SELECT id FROM tickets WHERE customer_id = ANY(CAST(:customer_ids AS uuid[])))"
    )
)
_BLANK_COMMENTS = statement(
    sa.text(
        "UPDATE follow_ups SET comment = NULL WHERE comment IS NOT NULL"
        " AND ticket_id IN (SELECT id FROM tickets WHERE customer_id = ANY(CAST(:customer_ids AS uuid[])))"
    )
)
_BLANK_TICKETS = statement(
    sa.text(
        "UPDATE tickets SET subject = '', description = '', external_number = NULL"
        " WHERE customer_id = ANY(CAST(:customer_ids AS uuid[])) RETURNING id"
    )
)


async def live_ids(work: Work, customer_ids: Sequence[UUID]) -> list[UUID]:
    """The customers' tickets on which somebody may still work, in the order of their ids."""
    statuses = [status.value for status in LIVE]
    rows = await work.fetch_all(_IDS, customer_ids=list(customer_ids), statuses=statuses)
    return [row["id"] for row in rows]


async def file_under(work: Work, customer_ids: Sequence[UUID], customer_id: UUID) -> int:
    """Let all tickets of the customers be another's, without a step or an event; how many."""
    return await work.execute(_FILE_UNDER, customer_ids=list(customer_ids), customer_id=customer_id)


async def blank(work: Work, customer_ids: Sequence[UUID]) -> list[UUID]:
    """Blank every word on the customers' tickets; numbers, codes and steps stay. The tickets' ids."""
    rows = await work.fetch_all(_BLANK_TICKETS, customer_ids=list(customer_ids))
    for statement_ in (_BLANK_STEPS, _BLANK_COMMENTS):
        await work.execute(statement_, customer_ids=list(customer_ids))
    return [row["id"] for row in rows]
