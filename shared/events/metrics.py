"""What the event plumbing counts, for `/metrics`."""

from shared.telemetry.metrics import counter, gauge

PUBLISHED = counter("careloop_events_published", "Events acknowledged by the broker.", "service", "type")
REFUSED = counter("careloop_events_refused", "Events that the broker will never take.", "service", "type")
CONSUMED = counter("careloop_events_consumed", "Events that took effect.", "consumer_group", "type")
DUPLICATES = counter("careloop_events_duplicate", "Events seen before and left alone.", "consumer_group")
SKIPPED = counter("careloop_events_skipped", "Events of a type nobody here asked for.", "consumer_group")
PARKED = counter("careloop_events_parked", "Events waiting behind a dead letter.", "consumer_group")
DEAD_LETTERS = counter(
    "careloop_events_dead_lettered", "Events that could not be handled.", "consumer_group", "code"
)
LAG = gauge("careloop_consumer_lag", "Records not yet consumed.", "consumer_group", "topic", "partition")
