"""How far a group has consumed: what timers may rely on (architecture §5, horizon)."""

from datetime import UTC, datetime
from uuid import UUID

from shared.db.statements import Statement
from shared.db.work import Session

NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_ROWS = Statement(
    "SELECT consumed_through_at, caught_up AND (trusted_until IS NULL OR trusted_until > $2) AS caught_up "
    "FROM consumer_progress WHERE consumer_group = $1",
    ("consumer_group", "now"),
    {},
)
_HELD = Statement("SELECT key FROM held_keys WHERE consumer_group = $1", ("consumer_group",), {})


async def horizon(session: Session, group: str, now: datetime) -> datetime:
    """Up to when timers may fire: no event that happened before can still be unread.

    `now` when every partition of the group is fully consumed, stably so since the last reconnect; else the
    earliest time of the last record consumed among those that are not. `NEVER` before a first record.
    """
    rows = await session.fetch_all(_ROWS, consumer_group=group, now=now)
    if not rows:
        return NEVER
    behind = [row["consumed_through_at"] or NEVER for row in rows if not row["caught_up"]]
    return min([now, *behind])


async def parked_keys(session: Session, group: str) -> frozenset[UUID]:
    """The keys whose events are parked behind a dead letter; their timers are held."""
    rows = await session.fetch_all(_HELD, consumer_group=group)
    found = set()
    for row in rows:
        try:
            found.add(UUID(row["key"]))
        except ValueError:
            continue  # a record without a proper key belongs to no subject
    return frozenset(found)
