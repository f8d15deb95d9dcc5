"""How a service's events flow: waiting, held back, dead, and how far others' events are consumed."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field

from shared.db.statements import statement
from shared.db.work import Session
from shared.web.models import ApiModel

# Counting stops here: what matters then is that there are many.
COUNTED = 10_000

_WAITING = statement(
    sa.text(
        "SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT CAST(:most AS bigint)) AS sample) AS waiting,"
        " (SELECT occurred_at FROM outbox ORDER BY id LIMIT 1) AS oldest_occurred_at,"
        " (SELECT event_id FROM outbox ORDER BY id LIMIT 1) AS oldest_event_id,"
        " (SELECT count(*) FROM (SELECT FROM parked_events LIMIT CAST(:most AS bigint)) AS sample) AS parked,"
        " (SELECT count(*) FROM held_keys) AS held_keys,"
        " (SELECT count(*) FROM dead_letters WHERE state = 'open' AND direction = 'inbound') AS inbound,"
        " (SELECT count(*) FROM dead_letters WHERE state = 'open' AND direction = 'outbound') AS outbound"
    )
)
_CONSUMED = statement(
    sa.text(
        "SELECT topic, partition, consumed_through_at, caught_up, checked_at FROM consumer_progress"
        " ORDER BY topic, partition"
    )
)


class ConsumedPartition(ApiModel):
    """How far one partition of others' events is consumed here."""

    topic: str
    partition: int
    consumed_through_at: datetime | None
    caught_up: bool
    checked_at: datetime


class EventFlow(ApiModel):
    """Counts above 10,000 say 10,000."""

    waiting: int = Field(description="Events in the outbox that are not yet published.")
    oldest_event_id: UUID | None
    oldest_occurred_at: datetime | None
    parked: int = Field(description="Events of others that wait behind a dead letter of their key.")
    held_keys: int
    dead_letters_inbound: int
    dead_letters_outbound: int = Field(description="Events that the broker refused.")
    consumed: list[ConsumedPartition]


async def event_flow(session: Session) -> EventFlow:
    """The flow as the database has it now."""
    row = await session.fetch_one(_WAITING, most=COUNTED)
    assert row is not None
    consumed = await session.fetch_all(_CONSUMED)
    return EventFlow(
        waiting=row["waiting"],
        oldest_event_id=row["oldest_event_id"],
        oldest_occurred_at=row["oldest_occurred_at"],
        parked=row["parked"],
        held_keys=row["held_keys"],
        dead_letters_inbound=row["inbound"],
        dead_letters_outbound=row["outbound"],
        consumed=[ConsumedPartition(**one) for one in consumed],
    )
