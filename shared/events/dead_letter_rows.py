"""The rows of dead letters, parked events and held keys, and the statements that write them."""

from collections.abc import Mapping
from typing import Any

from shared.db.statements import Statement
from shared.events.faults import describe
from shared.events.transport.base import IncomingRecord
from shared.kernel.ids import new_id

INBOUND = "inbound"
OUTBOUND = "outbound"

# The row that parking and replay both lock. Returns a row when it was not held before.
HOLD = Statement(
    "INSERT INTO held_keys AS h (consumer_group, key, held_at) VALUES ($1, $2, clock_timestamp()) "
    "ON CONFLICT (consumer_group, key) DO UPDATE SET held_at = h.held_at",
    ("consumer_group", "key"),
    {},
)
LOCK_HELD = Statement(
    "SELECT 1 FROM held_keys WHERE consumer_group = $1 AND key = $2 FOR UPDATE",
    ("consumer_group", "key"),
    {},
)
LET_GO = Statement(
    "DELETE FROM held_keys WHERE consumer_group = $1 AND key = $2", ("consumer_group", "key"), {}
)

_RECORD = ("consumer_group", "key", "event_id", "type", "topic", "partition", "position", "headers", "value")
_LETTER = ("id", "direction", *_RECORD, "error_code", "error_message")


def _places(names: tuple[str, ...]) -> str:
    return ", ".join(f"${place}" for place in range(1, len(names) + 1))


PARK = Statement(
    f"INSERT INTO parked_events ({', '.join(_RECORD)}, parked_at) "  # noqa: S608 - names of this module
    f"VALUES ({_places(_RECORD)}, clock_timestamp())",
    _RECORD,
    {},
)
BURY = Statement(
    f"INSERT INTO dead_letters ({', '.join(_LETTER)}, state, attempts, failed_at) "  # noqa: S608
    f"VALUES ({_places(_LETTER)}, 'open', 1, clock_timestamp()) "
    "ON CONFLICT (consumer_group, event_id) WHERE state = 'open' DO NOTHING",
    _LETTER,
    {},
)
NEXT_PARKED = Statement(
    "SELECT * FROM parked_events WHERE consumer_group = $1 AND key = $2 ORDER BY id LIMIT 1",
    ("consumer_group", "key"),
    {},
)
UNPARK = Statement("DELETE FROM parked_events WHERE id = $1", ("id",), {})
ABANDONED = Statement(
    "SELECT h.key FROM held_keys h WHERE h.consumer_group = $1 AND NOT EXISTS ("
    "SELECT 1 FROM dead_letters d WHERE d.consumer_group = h.consumer_group AND d.key = h.key "
    "AND d.state = 'open') ORDER BY h.held_at LIMIT 10",
    ("consumer_group",),
    {},
)


def record_row(group: str, event_id: Any, event_type: str, record: IncomingRecord) -> dict[str, Any]:
    """A record as the columns that parked events and dead letters share."""
    return {
        "consumer_group": group,
        "key": record.key,
        "event_id": event_id,
        "type": event_type,
        "topic": record.topic,
        "partition": record.partition,
        "position": record.position,
        "headers": dict(record.headers),
        "value": record.value,
    }


def letter_row(direction: str, columns: Mapping[str, Any], error: BaseException) -> dict[str, Any]:
    """The parameters of `BURY`; `columns` as `record_row` gives them."""
    code, message = describe(error)
    return letter_row_of(direction, columns, code, message)


def letter_row_of(direction: str, columns: Mapping[str, Any], code: str, message: str) -> dict[str, Any]:
    """The parameters of `BURY` for an error that is already told."""
    row = {name: columns[name] for name in _RECORD}
    return {
        "id": new_id(),
        "direction": direction,
        **row,
        "error_code": code,
        "error_message": message,
    }


def record_of(row: Mapping[str, Any]) -> IncomingRecord:
    """The record that a parked event or a dead letter keeps."""
    return IncomingRecord(
        topic=row["topic"],
        partition=row["partition"],
        position=row["position"],
        key=row["key"],
        headers=row["headers"],
        value=row["value"],
    )
