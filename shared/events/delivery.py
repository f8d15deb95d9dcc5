"""Events into effects: inbox row and effect commit together, and a key's later events wait behind a failure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from shared.db.database import Database
from shared.db.statements import Statement
from shared.db.work import Transaction
from shared.events import metrics
from shared.events.dead_letter_rows import BURY, HOLD, INBOUND, PARK, letter_row, record_row
from shared.events.faults import describe
from shared.events.intake import Arrival, Intake, Prepare
from shared.kernel import failpoints
from shared.kernel.context import Actor
from shared.kernel.signals import Signal
from shared.telemetry import context

log = structlog.get_logger(__name__)

AFTER_EFFECT = failpoints.declare("consumer.after_effect", "effect and inbox row roll back together")
AFTER_PARKING = failpoints.declare("consumer.after_parking", "parked rows roll back, the event comes again")
AFTER_BURIAL = failpoints.declare(
    "consumer.after_burial", "the dead letter rolls back, the event comes again"
)

_CLAIM = Statement(
    "WITH held AS (SELECT key FROM held_keys WHERE consumer_group = $1 AND key = ANY ($2::text[]) FOR UPDATE), "
    "fresh AS (INSERT INTO inbox (consumer_group, event_id) SELECT $1, e FROM unnest($3::uuid[]) AS e "
    "ON CONFLICT DO NOTHING RETURNING event_id) "
    "SELECT (SELECT array_agg(key) FROM held) AS held, (SELECT array_agg(event_id) FROM fresh) AS fresh",
    ("consumer_group", "keys", "event_ids"),
    {},
)


@dataclass
class Applied:
    """What one transaction did with its events."""

    handled: list[Arrival] = field(default_factory=list)
    parked: list[Arrival] = field(default_factory=list)
    duplicates: int = 0

    def count(self, group: str) -> None:
        """Into the metrics, once committed."""
        for event_type, count in Counter(arrival.type for arrival in self.handled).items():
            metrics.CONSUMED.labels(group, event_type).inc(count)
        if self.duplicates:
            metrics.DUPLICATES.labels(group).inc(self.duplicates)
        if self.parked:
            metrics.PARKED.labels(group).inc(len(self.parked))


class Delivery:
    """Hands a service's events to its handlers."""

    def __init__(self, group: str, database: Database, intake: Intake, wakes: Sequence[Signal] = ()) -> None:
        self.group = group
        self.database = database
        self.intake = intake
        self._wakes = tuple(wakes)

    def announce(self) -> None:
        """Events took effect: wake the loops that may have work now."""
        for wake in self._wakes:
            wake.set()

    async def apply(self, transaction: Transaction, arrivals: Sequence[Arrival]) -> Applied:
        """Do what was not done before: handle, or park behind a dead letter of the key. Raises what a handler
        raises, or the arrival's own error."""
        claimed = await transaction.fetch_one(
            _CLAIM,
            consumer_group=self.group,
            keys=list({arrival.record.key for arrival in arrivals}),
            event_ids=[arrival.event_id for arrival in arrivals],
        )
        assert claimed is not None
        fresh, held = set(claimed["fresh"] or ()), set(claimed["held"] or ())
        applied = Applied()
        for arrival in arrivals:
            if arrival.event_id not in fresh:
                applied.duplicates += 1
                continue
            # The same id twice in one batch is a duplicate as well.
            fresh.discard(arrival.event_id)
            (applied.parked if arrival.record.key in held else applied.handled).append(arrival)
        if applied.parked:
            await transaction.execute_many(
                PARK,
                [record_row(self.group, a.event_id, a.type, a.record) for a in applied.parked],
            )
            failpoints.hit(AFTER_PARKING)
        await self.handle(transaction, applied.handled)
        failpoints.hit(AFTER_EFFECT)
        return applied

    async def handle(self, transaction: Transaction, arrivals: Sequence[Arrival]) -> None:
        """Prepare and handle these events, in order, a `Work` each."""
        for arrival in arrivals:
            if arrival.error is not None:
                raise arrival.error
        await self._prepare(transaction, arrivals)
        for arrival in arrivals:
            envelope, subscription = arrival.envelope, arrival.subscription
            assert envelope is not None
            assert subscription is not None
            work = transaction.work(Actor("system", envelope.source), envelope.following)
            with context.following(envelope.following, envelope.id, envelope.type):
                await subscription.handle(work, envelope, arrival.payload)

    async def bury(self, arrival: Arrival, error: Exception) -> bool:
        """Make a dead letter of the event and hold its key; False when another member was faster."""
        row = letter_row(
            INBOUND, record_row(self.group, arrival.event_id, arrival.type, arrival.record), error
        )
        async with self.database.transaction() as transaction:
            claimed = await transaction.fetch_one(
                _CLAIM,
                consumer_group=self.group,
                keys=[arrival.record.key],
                event_ids=[arrival.event_id],
            )
            assert claimed is not None
            if not claimed["fresh"]:
                return False
            await transaction.execute(HOLD, consumer_group=self.group, key=arrival.record.key)
            await transaction.execute(BURY, **row)
            failpoints.hit(AFTER_BURIAL)
        self.report(arrival, error)
        return True

    def report(self, arrival: Arrival, error: Exception) -> None:
        """Count and log a new dead letter: ids and codes, no contents."""
        code, _ = describe(error)
        metrics.DEAD_LETTERS.labels(self.group, code).inc()
        log.error(
            "event_dead_lettered",
            consumer_group=self.group,
            event_id=str(arrival.event_id),
            type=arrival.type,
            key=arrival.record.key,
            code=code,
            error=type(error).__name__,
        )

    async def _prepare(self, transaction: Transaction, arrivals: Sequence[Arrival]) -> None:
        by_function: dict[Prepare, list[Arrival]] = {}
        for arrival in arrivals:
            if arrival.subscription is not None and arrival.subscription.prepare is not None:
                by_function.setdefault(arrival.subscription.prepare, []).append(arrival)
        for prepare, concerned in by_function.items():
            first = concerned[0].envelope
            assert first is not None
            work = transaction.work(Actor("system", first.source), first.following)
            await prepare(work, [(a.envelope, a.payload) for a in concerned if a.envelope is not None])
