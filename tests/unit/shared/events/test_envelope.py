"""CloudEvents headers carry an envelope there and back, and nothing else is taken for one."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.envelope import (
    Envelope,
    ForeignSourceError,
    MalformedRecordError,
    from_record,
    to_headers,
    topic_of,
)
from shared.events.transport import IncomingRecord

AT = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)


def envelope_of(**changes: object) -> Envelope:
    facts: dict[str, object] = {
        "id": uuid4(),
        "source": "ticketing",
        "type": "ticketing.ticket_opened.v1",
        "key": uuid4(),
        "sequence": 1,
        "occurred_at": AT,
        "correlation_id": uuid4(),
    }
    return Envelope(**{**facts, **changes})  # type: ignore[arg-type]


def record_of(envelope: Envelope, **changes: str | None) -> IncomingRecord:
    headers = {
        **to_headers(envelope),
        **{name.replace("content_type", "content-type"): v for name, v in changes.items()},
    }
    kept = {name: value for name, value in headers.items() if value is not None}
    return IncomingRecord(topic_of(envelope.source), 0, 7, str(envelope.key), kept, b"{}")


ids = st.uuids()


@given(
    event_id=ids,
    key=ids,
    correlation_id=ids,
    causation_id=st.none() | ids,
    sequence=st.integers(1, 2**63 - 1),
    depth=st.integers(0, 16),
    occurred_at=st.datetimes(timezones=st.just(UTC)),
    traceparent=st.none() | st.just("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
)
def test_an_envelope_survives_the_wire(
    event_id: UUID,
    key: UUID,
    correlation_id: UUID,
    causation_id: UUID | None,
    sequence: int,
    depth: int,
    occurred_at: datetime,
    traceparent: str | None,
) -> None:
    envelope = envelope_of(
        id=event_id,
        key=key,
        correlation_id=correlation_id,
        causation_id=causation_id,
        sequence=sequence,
        depth=depth,
        occurred_at=occurred_at,
        traceparent=traceparent,
    )
    assert from_record(record_of(envelope)) == envelope


def test_headers_are_cloudevents_in_binary_mode() -> None:
    headers = to_headers(envelope_of(causation_id=uuid4(), traceparent="00-a-b-01"))
    assert headers["ce_specversion"] == "1.0"
    assert headers["content-type"] == "application/json"
    extensions = {name.removeprefix("ce_") for name in headers if name.startswith("ce_")}
    assert extensions >= {
        "id",
        "source",
        "type",
        "time",
        "sequence",
        "correlationid",
        "causationid",
        "traceparent",
    }
    assert all(name.isalnum() and name.islower() and len(name) <= 20 for name in extensions)


def test_an_instant_with_another_offset_is_read_as_utc() -> None:
    shanghai = timezone(timedelta(hours=8))
    local = AT.astimezone(shanghai).isoformat()
    envelope = envelope_of()
    read = from_record(record_of(envelope, ce_time=local))
    assert (read.occurred_at, read.occurred_at.tzinfo) == (AT, UTC)


@pytest.mark.parametrize(
    "missing",
    ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_sequence", "ce_correlationid"],
)
def test_a_missing_attribute_is_named(missing: str) -> None:
    with pytest.raises(MalformedRecordError) as refusal:
        from_record(record_of(envelope_of(), **{missing: None}))
    assert refusal.value.field_errors[0].field == missing


def test_a_service_publishes_on_its_own_topic_only() -> None:
    with pytest.raises(ForeignSourceError):
        from_record(record_of(envelope_of(), ce_source="sla"))


def test_what_follows_from_an_event_keeps_correlation_and_goes_one_deeper() -> None:
    envelope = envelope_of(depth=4, traceparent="00-a-b-01")
    following = envelope.following
    assert (following.correlation_id, following.causation_id) == (envelope.correlation_id, envelope.id)
    assert (following.depth, following.traceparent) == (5, "00-a-b-01")
