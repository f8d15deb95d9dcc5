"""A published event without its payload, and its form on the wire: CloudEvents 1.0, binary mode."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from asyncpg.pgproto import pgproto

from shared.events.transport.base import Headers, IncomingRecord
from shared.kernel.context import Origin
from shared.kernel.errors import InvalidInputError

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"
MAX_DEPTH = 16


class MalformedRecordError(InvalidInputError):
    """The record is no CloudEvent that this system writes."""


class ForeignSourceError(InvalidInputError):
    """The event's source may not publish on this topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What is known of every event.

    `key` is the aggregate's id (for sla events the subject's), `sequence` counts the aggregate's events from
    1, `occurred_at` is aware UTC, `depth` the number of events between the outside request and this one.
    """

    id: UUID
    source: str
    type: str
    key: UUID
    sequence: int
    occurred_at: datetime
    correlation_id: UUID
    causation_id: UUID | None = None
    traceparent: str | None = None
    depth: int = 0

    @property
    def following(self) -> Origin:
        """The origin of whatever is done because of this event."""
        return Origin(self.correlation_id, self.id, self.traceparent, self.depth + 1)


def topic_of(service: str) -> str:
    """The topic that a service publishes on."""
    return f"{service}.events"


def to_headers(envelope: Envelope) -> dict[str, str]:
    """CloudEvents attributes as headers of the binary mode; the key travels as the record's key."""
    return headers_of(
        event_id=str(envelope.id),
        source=envelope.source,
        event_type=envelope.type,
        occurred_at=envelope.occurred_at,
        sequence=envelope.sequence,
        correlation_id=str(envelope.correlation_id),
        causation_id=None if envelope.causation_id is None else str(envelope.causation_id),
        traceparent=envelope.traceparent,
        depth=envelope.depth,
    )


def headers_of(
    *,
    event_id: str,
    source: str,
    event_type: str,
    occurred_at: datetime,
    sequence: int,
    correlation_id: str,
    causation_id: str | None,
    traceparent: str | None,
    depth: int,
) -> dict[str, str]:
    """The same from the single attributes, ids as text (the relay has thousands of them a second)."""
    headers = {
        "ce_specversion": SPEC_VERSION,
        "ce_id": event_id,
        "ce_source": source,
        "ce_type": event_type,
        "ce_time": occurred_at.isoformat(),
        "content-type": CONTENT_TYPE,
        "ce_sequence": str(sequence),
        "ce_correlationid": correlation_id,
        "ce_causationdepth": str(depth),
    }
    if causation_id is not None:
        headers["ce_causationid"] = causation_id
    if traceparent is not None:
        headers["ce_traceparent"] = traceparent
    return headers


def from_record(record: IncomingRecord) -> Envelope:
    """The envelope of a record.

    Raises `MalformedRecordError` for a missing or unreadable attribute, `ForeignSourceError` when the source
    is not the topic's service.
    """
    headers = record.headers
    if headers.get("ce_specversion") != SPEC_VERSION:
        raise MalformedRecordError.of("ce_specversion", "equals", f"ce_specversion must be {SPEC_VERSION}")
    try:
        occurred_at = datetime.fromisoformat(headers["ce_time"])
        if occurred_at.tzinfo is None:
            raise MalformedRecordError.of("ce_time", "aware", "ce_time must have a UTC offset")
        envelope = Envelope(
            id=parsed_id(headers["ce_id"]),
            source=headers["ce_source"],
            type=headers["ce_type"],
            key=parsed_id(record.key),
            sequence=int(headers["ce_sequence"]),
            occurred_at=occurred_at.astimezone(UTC),
            correlation_id=parsed_id(headers["ce_correlationid"]),
            causation_id=_optional_id(headers),
            traceparent=headers.get("ce_traceparent"),
            depth=int(headers.get("ce_causationdepth", "0")),
        )
    except KeyError as missing:
        name = str(missing.args[0])
        raise MalformedRecordError.of(name, "required", f"the record has no header {name}") from None
    except (ValueError, OverflowError) as unreadable:
        raise MalformedRecordError.of(
            "headers", "readable", "an attribute or the key is unreadable"
        ) from unreadable
    if record.topic != topic_of(envelope.source):
        raise ForeignSourceError.of(
            "ce_source", "matches_topic", f"source {envelope.source} may not publish on {record.topic}"
        )
    return envelope


def _optional_id(headers: Headers) -> UUID | None:
    text = headers.get("ce_causationid")
    return None if text is None else parsed_id(text)


def parsed_id(text: str) -> UUID:
    """The id that a text spells; raises ValueError. The driver's own UUID, seven times faster to parse."""
    parsed: UUID = pgproto.UUID(text)
    return parsed
