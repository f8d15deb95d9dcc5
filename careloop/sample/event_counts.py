"""How many events each service published and consumed, read from its `/metrics`, and what is left over."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from careloop.sample.client import SuiteClient
from careloop.sample.in_process_http import request
from careloop.suite import Suite

PUBLISHED, CONSUMED, SKIPPED = (
    "careloop_events_published",
    "careloop_events_consumed",
    "careloop_events_skipped",
)


@dataclass(slots=True)
class EventCounts:
    """Counts since the process began.

    published  by (service, type)
    consumed   by (service, type of another service's event)
    skipped    by service: read, and of no interest there
    """

    published: Counter[tuple[str, str]] = field(default_factory=Counter)
    consumed: Counter[tuple[str, str]] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    def since(self, before: "EventCounts") -> "EventCounts":
        """What was counted after `before`."""
        return EventCounts(
            self.published - before.published,
            self.consumed - before.consumed,
            self.skipped - before.skipped,
        )

    def published_by(self, service: str) -> int:
        return sum(count for (source, _), count in self.published.items() if source == service)

    def consumed_by(self, service: str) -> int:
        return sum(count for (group, _), count in self.consumed.items() if group == service)

    def of_type(self, event_type: str) -> int:
        """How many events of one type were published."""
        return sum(count for (_, published), count in self.published.items() if published == event_type)


@dataclass(frozen=True, slots=True)
class Flow:
    """One service's event flow when all is done."""

    waiting: int
    parked: int
    dead_letters: int
    reads: tuple[str, ...]
    """Producers whose topics it consumes."""


async def event_counts(suite: Suite) -> EventCounts:
    """The counters as they stand. All services of this process share one registry, so any of them tells."""
    app = next(iter(suite.services.values())).app
    answer = await request(app, "GET", "/metrics", headers={})
    counts = EventCounts()
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            if not sample.name.endswith("_total"):
                continue
            labels, count = sample.labels, round(sample.value)
            if family.name == PUBLISHED:
                counts.published[labels["service"], labels["type"]] = count
            elif family.name == CONSUMED:
                counts.consumed[labels["consumer_group"], labels["type"]] = count
            elif family.name == SKIPPED:
                counts.skipped[labels["consumer_group"]] = count
    return counts


async def event_flows(client: SuiteClient, services: Mapping[str, object]) -> dict[str, Flow]:
    """What every service says of its events."""
    flows: dict[str, Flow] = {}
    for name in services:
        said = (await client.get(f"/{name}/v1/event-flow")).body
        reads = {partition["topic"].partition(".")[0] for partition in said["consumed"]}
        flows[name] = Flow(
            waiting=said["waiting"],
            parked=said["parked"],
            dead_letters=said["dead_letters_inbound"] + said["dead_letters_outbound"],
            reads=tuple(sorted(reads)),
        )
    return flows
