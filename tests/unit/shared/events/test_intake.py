"""What a service asked for, what it skips, and what it cannot understand."""

from uuid import uuid4

import pytest

from shared.contracts.base import Contract
from shared.events.envelope import Envelope, to_headers
from shared.events.intake import Arrival, Intake, Subscription
from shared.events.transport import IncomingRecord
from shared.kernel.clock import SystemClock


class GateOpenedV1(Contract):
    """The gate was opened."""

    TYPE = "gate.gate_opened.v1"

    wide: bool


async def nothing(*_: object) -> None:
    return None


@pytest.fixture
def intake() -> Intake:
    return Intake([Subscription(GateOpenedV1, nothing)])


def record_of(
    event_type: str = GateOpenedV1.TYPE, *, value: bytes = b'{"wide": true}', depth: int = 0
) -> IncomingRecord:
    envelope = Envelope(
        id=uuid4(),
        source="gate",
        type=event_type,
        key=uuid4(),
        sequence=1,
        occurred_at=SystemClock().now(),
        correlation_id=uuid4(),
        depth=depth,
    )
    return IncomingRecord("gate.events", 2, 5, str(envelope.key), to_headers(envelope), value)


def code_of(arrival: Arrival | None) -> str | None:
    assert arrival is not None
    return None if arrival.error is None else getattr(arrival.error, "code", "invalid_payload")


def test_a_known_event_arrives_with_its_payload(intake: Intake) -> None:
    arrival = intake.arrival(record_of())
    assert code_of(arrival) is None
    assert arrival is not None
    assert arrival.payload == GateOpenedV1(wide=True)


@pytest.mark.parametrize("event_type", ["gate.gate_closed.v1", "wall.built.v3", "gate.gate_opened"])
def test_what_nobody_asked_for_is_skipped(intake: Intake, event_type: str) -> None:
    assert intake.arrival(record_of(event_type)) is None


@pytest.mark.parametrize(("value", "arrives"), [(b'{"wide": true}', True), (b'{"wide": false}', False)])
def test_what_does_not_concern_the_service_is_skipped(value: bytes, arrives: bool) -> None:
    wide = Intake([Subscription(GateOpenedV1, nothing, concerns=lambda gate: gate.wide)])
    assert (wide.arrival(record_of(value=value)) is not None) is arrives


def test_what_cannot_be_read_may_concern_the_service() -> None:
    wide = Intake([Subscription(GateOpenedV1, nothing, concerns=lambda gate: gate.wide)])
    assert code_of(wide.arrival(record_of(value=b"{}"))) == "invalid_payload"


@pytest.mark.parametrize("version", ["v2", "v10", "vnext"])
def test_another_version_of_what_was_asked_for_is_not_skipped(intake: Intake, version: str) -> None:
    assert code_of(intake.arrival(record_of(f"gate.gate_opened.{version}"))) == "unknown_version"


def test_fields_added_later_are_no_fault(intake: Intake) -> None:
    assert code_of(intake.arrival(record_of(value=b'{"wide": false, "colour": "red"}'))) is None


@pytest.mark.parametrize(("depth", "code"), [(0, None), (15, None), (16, "causation_too_deep")])
def test_a_chain_of_events_has_an_end(intake: Intake, depth: int, code: str | None) -> None:
    assert code_of(intake.arrival(record_of(depth=depth))) == code


def test_a_record_without_headers_gets_the_same_stand_in_id_each_time(intake: Intake) -> None:
    bare = IncomingRecord("gate.events", 2, 5, "", {}, b"")
    first, second = intake.arrival(bare), intake.arrival(bare)
    assert first is not None
    assert second is not None
    assert first.event_id == second.event_id
    assert code_of(first) == "malformed_record"


def test_a_contract_is_subscribed_once() -> None:
    with pytest.raises(ValueError, match="two subscriptions"):
        Intake([Subscription(GateOpenedV1, nothing), Subscription(GateOpenedV1, nothing)])
