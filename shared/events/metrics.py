"""What the event plumbing counts, for `/metrics`."""

from prometheus_client import Counter, Gauge

PUBLISHED = Counter("careloop_events_published", "Events acknowledged by the broker.", ["service", "type"])
REFUSED = Counter("careloop_events_refused", "Events that the broker will never take.", ["service", "type"])
CONSUMED = Counter("careloop_events_consumed", "Events that took effect.", ["consumer_group", "type"])
DUPLICATES = Counter("careloop_events_duplicate", "Events seen before and left alone.", ["consumer_group"])
SKIPPED = Counter("careloop_events_skipped", "Events of a type nobody here asked for.", ["consumer_group"])
PARKED = Counter("careloop_events_parked", "Events waiting behind a dead letter.", ["consumer_group"])
DEAD_LETTERS = Counter(
    "careloop_events_dead_lettered", "Events that could not be handled.", ["consumer_group", "code"]
)
LAG = Gauge("careloop_consumer_lag", "Records not yet consumed.", ["consumer_group", "topic", "partition"])
