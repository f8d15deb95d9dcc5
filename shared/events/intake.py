"""From a record to what is to be done with it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from shared.contracts.base import Contract
from shared.db.work import Work
from shared.events.envelope import MAX_DEPTH, Envelope, MalformedRecordError, from_record
from shared.events.transport.base import IncomingRecord
from shared.kernel.errors import CareloopError, ConflictError, InvalidInputError
from shared.kernel.ids import derived_id

Handle = Callable[[Work, Envelope, Any], Awaitable[None]]
Prepare = Callable[[Work, Sequence[tuple[Envelope, Any]]], Awaitable[None]]
Concerns = Callable[[Any], bool]


class UnknownVersionError(InvalidInputError):
    """This version of the event is not known here; the service needs an update."""


class CausationTooDeepError(ConflictError):
    """Too many events led to this one; they probably cause each other."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a service does with one contract.

    handle    gets a `Work` of its own (actor `system`, origin: this event), the envelope and the payload
    prepare   locks the aggregates of a batch at once, before any handler runs, or writes at once what its events
              tell. Subscriptions with the same function are prepared in one call, with all their events of the
              batch, in order
    concerns  whether the service has anything to do with this payload; what does not concern it costs no
              transaction and leaves no trace
    """

    contract: type[Contract]
    handle: Handle
    prepare: Prepare | None = None
    concerns: Concerns | None = None


@dataclass(slots=True)
class Arrival:
    """A record that concerns this service: readable (envelope, payload, subscription), or with its error."""

    record: IncomingRecord
    event_id: UUID
    type: str
    envelope: Envelope | None = None
    payload: Any = None
    subscription: Subscription | None = None
    error: CareloopError | ValidationError | None = None


class Intake:
    """Knows which types a service asked for."""

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        self._by_type = {subscription.contract.TYPE: subscription for subscription in subscriptions}
        if len(self._by_type) < len(subscriptions):
            raise ValueError("two subscriptions for one contract")
        self._names = {name_of(event_type) for event_type in self._by_type}
        self.sources = sorted({subscription.contract.producer() for subscription in subscriptions})

    def arrival(self, record: IncomingRecord) -> Arrival | None:
        """What this record is here; None for a type that nobody asked for or a payload that concerns nobody."""
        event_type = record.headers.get("ce_type", "")
        subscription = self._by_type.get(event_type)
        if subscription is None and event_type and name_of(event_type) not in self._names:
            return None
        try:
            envelope = from_record(record)
        except CareloopError as malformed:
            return Arrival(record, _stand_in_id(record), event_type or "unknown", error=malformed)
        arrival = Arrival(record, envelope.id, event_type, envelope, subscription=subscription)
        if subscription is None:
            arrival.error = UnknownVersionError.of(
                "ce_type", "known_version", f"{event_type} is not known here"
            )
        elif envelope.depth >= MAX_DEPTH:
            arrival.error = CausationTooDeepError(
                f"{envelope.depth} events led here, at most {MAX_DEPTH} may"
            )
        else:
            self._read_payload(arrival, subscription)
            if arrival.error is None and subscription.concerns and not subscription.concerns(arrival.payload):
                return None
        return arrival

    def _read_payload(self, arrival: Arrival, subscription: Subscription) -> None:
        try:
            arrival.payload = subscription.contract.model_validate_json(arrival.record.value)
        except ValidationError as invalid:
            arrival.error = invalid


def name_of(event_type: str) -> str:
    """`ticketing.ticket_opened` of `ticketing.ticket_opened.v1`."""
    return event_type.rpartition(".v")[0]


def _stand_in_id(record: IncomingRecord) -> UUID:
    """An id for a record whose own cannot be trusted: the same at each delivery.

    With its contents, because a topic that was made anew counts positions from zero again.
    """
    contents = sha256(record.key.encode() + b"\x00" + record.value).hexdigest()
    return derived_id("record", record.topic, str(record.partition), str(record.position), contents)


__all__ = [
    "Arrival",
    "CausationTooDeepError",
    "Handle",
    "Intake",
    "MalformedRecordError",
    "Prepare",
    "Subscription",
    "UnknownVersionError",
]
