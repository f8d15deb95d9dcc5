"""Ids that are handed on: from a caller's headers to commands, from an event to what it causes."""

import json
from io import StringIO
from uuid import UUID, uuid4

import asyncpg
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.kernel.context import Origin
from shared.telemetry import context, logs, traces
from shared.telemetry.faults import described, message_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-00"


def test_a_callers_trace_goes_on_with_a_span_of_our_own() -> None:
    working = context.begin_request("r-1", PARENT)
    assert working.correlation_id == UUID(TRACE)
    version, trace, span, flags = working.traceparent.split("-")
    assert (version, trace, flags) == ("00", TRACE, "00")
    assert span != "00f067aa0ba902b7"
    assert working.origin() == Origin(UUID(TRACE), None, working.traceparent)


def test_without_headers_one_id_names_request_trace_and_correlation() -> None:
    working = context.begin_request()
    assert working.trace_id == working.request_id == working.correlation_id.hex
    assert context.parse_traceparent(working.traceparent) == (working.trace_id, "01")


@given(st.text())
def test_any_header_is_a_trace_or_none(header: str) -> None:
    found = context.parse_traceparent(header)
    assert found is None or header.startswith(f"00-{found[0]}-")


def test_what_an_event_causes_follows_from_it() -> None:
    origin, event_id = Origin(uuid4(), None, PARENT), uuid4()
    with context.following(origin, event_id) as working:
        assert context.current() is working
        assert working.fields() == {
            "correlation_id": str(origin.correlation_id),
            "trace_id": TRACE,
            "event_id": str(event_id),
        }
        assert working.origin().causation_id == event_id
    assert context.current() is None


def logged(level: str = "info") -> StringIO:
    stream = StringIO()
    logs.configure(service="test", stream=stream, level=level, cache=False)
    return stream


def test_a_log_line_carries_the_ids_of_the_work_in_hand() -> None:
    stream = logged()
    with context.following(Origin(UUID(TRACE), None, PARENT)):
        structlog.get_logger().info("done", count=1)
    line = json.loads(stream.getvalue())
    assert line["trace_id"] == TRACE
    assert (line["event"], line["count"], line["service"], line["level"]) == ("done", 1, "test", "info")
    assert line["timestamp"].endswith("Z")


def test_what_is_below_the_level_is_not_written() -> None:
    stream = logged("warning")
    structlog.get_logger().info("quiet")
    assert logs.json_stream() is None
    structlog.get_logger().warning("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


class Person(BaseModel):
    age: int


def test_faults_are_logged_without_the_values_that_people_typed() -> None:
    stream = logged()
    secret = "Ms Smith, 5 Garden Street"
    try:
        try:
            Person(age=secret)  # type: ignore[arg-type]
        except ValidationError as error:
            raise asyncpg.exceptions.DataError(
                f"invalid input for query argument $1: '{secret}' (an integer is required)"
            ) from error
    except asyncpg.exceptions.DataError:
        structlog.get_logger().exception("failed")
    line = json.loads(stream.getvalue())
    assert "Smith" not in line["exception"].replace(f'"{secret}"', "")
    assert "age: int_parsing" in line["exception"]
    assert line["error"] == "DataError: invalid input for query argument $1"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            asyncpg.exceptions.UniqueViolationError('duplicate key value violates unique constraint "a_b"'),
            'duplicate key value violates unique constraint "a_b"',
        ),
        (
            asyncpg.exceptions.InvalidTextRepresentationError(
                'invalid input syntax for type uuid: "jo@example.org"'
            ),
            "invalid input syntax for type uuid: '…'",
        ),
        (ValueError("first line\nsecond line"), "first line"),
        (RuntimeError("x" * 1_000), "x" * 500),
        (KeyError(), ""),
    ],
)
def test_a_message_is_one_short_line_without_values(error: Exception, said: str) -> None:
    assert message_of(error) == said


def test_a_cause_is_told_before_what_it_led_to() -> None:
    try:
        try:
            raise OSError("disk full")
        except OSError as error:
            raise RuntimeError("not saved") from error
    except RuntimeError as error:
        text = described(error)
    assert text.index("disk full") < text.index("which led to") < text.index("not saved")


def test_with_an_exporter_the_ids_are_those_of_spans_that_continue_the_trace() -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = sdk.InMemorySpanExporter()
    end = traces.configure("test", exporter)
    try:
        with context.following(
            Origin(UUID(TRACE), None, f"00-{TRACE}-00f067aa0ba902b7-01"), name="told"
        ) as one:
            span_id = one.span_id
            assert one.trace_id == TRACE
        traces.record("test.relay", 1, {"careloop.count": 3})
    finally:
        end()
    told, relay = exporter.get_finished_spans()
    assert (told.name, f"{told.context.trace_id:032x}", f"{told.context.span_id:016x}") == (
        "told",
        TRACE,
        span_id,
    )
    assert told.parent.span_id == 0x00F067AA0BA902B7
    assert (relay.name, relay.start_time, dict(relay.attributes)) == ("test.relay", 1, {"careloop.count": 3})
    assert not traces.is_on()


def test_without_an_endpoint_nothing_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in traces.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    traces.configure("test")()
    assert not traces.is_on()
    with traces.span("quiet"):
        assert traces.current_ids() is None
