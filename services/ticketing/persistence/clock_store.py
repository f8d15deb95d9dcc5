"""What is known of the clocks of tickets, one row a clock."""

from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, Insert

from services.ticketing.domain.ticket_clock import TicketClock
from services.ticketing.persistence.tables import ticket_clocks
from shared.db.statements import insert, statement
from shared.db.work import Work

_MEMO = "ticketing.clocks"
FACTS = tuple(column.name for column in ticket_clocks.columns if column.computed is None)

_LOCK = statement(
    sa.select(ticket_clocks)
    .where(ticket_clocks.c.clock_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .order_by(ticket_clocks.c.clock_id)
    .with_for_update()
)


_adding = cast("Insert", insert(ticket_clocks))
_SAVE = statement(
    _adding.on_conflict_do_update(
        index_elements=[ticket_clocks.c.clock_id],
        set_={name: _adding.excluded[name] for name in FACTS if name != "clock_id"},
    )
)


async def lock_all(work: Work, clock_ids: list[UUID]) -> dict[UUID, TicketClock]:
    """Those that are known, locked in the order of their ids; each is read once in a transaction."""
    seen: dict[UUID, TicketClock | None] = work.memo.setdefault(_MEMO, {})
    unread = [clock_id for clock_id in clock_ids if clock_id not in seen]
    if unread:
        seen.update(dict.fromkeys(unread))
        for row in await work.fetch_all(_LOCK, ids=unread):
            seen[row["clock_id"]] = TicketClock(**{name: row[name] for name in FACTS})
    return {clock_id: clock for clock_id in clock_ids if (clock := seen[clock_id]) is not None}


async def save(work: Work, clock: TicketClock) -> None:
    """Store it, new or not. Events of one subject come one after the other, so nobody else inserts it."""
    await work.execute(_SAVE, **{name: getattr(clock, name) for name in FACTS})
    work.memo.setdefault(_MEMO, {})[clock.clock_id] = clock
