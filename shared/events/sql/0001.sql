-- Plumbing of events in one service's database. Frozen: a revision that ran once never changes.

-- What was decided and waits to be published. For one key, id order is commit order: the key's row is locked
-- before ids are taken, and CACHE 1 keeps a session from hoarding them.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    event_id uuid NOT NULL,
    shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 15),
    key uuid NOT NULL,
    sequence bigint NOT NULL,
    type text NOT NULL,
    occurred_at timestamptz NOT NULL,
    correlation_id uuid NOT NULL,
    causation_id uuid,
    traceparent text,
    depth smallint NOT NULL CHECK (depth >= 0),
    payload text NOT NULL
);

-- A queue is mostly dead rows: clean it before readers must walk over them.
ALTER TABLE outbox SET (
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0.0,
    autovacuum_vacuum_insert_threshold = 50000
);

-- What the broker acknowledged, by UUIDv7 (time) range; kept so that it can be published again.
CREATE TABLE published_events (
    event_id uuid NOT NULL PRIMARY KEY,
    outbox_id bigint NOT NULL,
    key uuid NOT NULL,
    sequence bigint NOT NULL,
    type text NOT NULL,
    occurred_at timestamptz NOT NULL,
    correlation_id uuid NOT NULL,
    causation_id uuid,
    traceparent text,
    depth smallint NOT NULL,
    payload text NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp()
) PARTITION BY RANGE (event_id);

CREATE TABLE published_events_default PARTITION OF published_events DEFAULT;

-- Every event that took effect here, once.
CREATE TABLE inbox (
    consumer_group text NOT NULL,
    event_id uuid NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer_group, event_id)
);

CREATE INDEX inbox_received_at ON inbox USING brin (received_at);

-- Keys whose later events wait. Parking and replay both lock the row. Group 'outbox' holds back publication.
CREATE TABLE held_keys (
    consumer_group text NOT NULL,
    key text NOT NULL,
    held_at timestamptz NOT NULL,
    PRIMARY KEY (consumer_group, key)
);

-- Events that wait behind a dead letter of their key, in order of id.
CREATE TABLE parked_events (
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    consumer_group text NOT NULL,
    key text NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL,
    headers jsonb NOT NULL,
    value bytea NOT NULL,
    parked_at timestamptz NOT NULL
);

CREATE INDEX parked_events_key ON parked_events (consumer_group, key, id);

-- Events that could not be handled (inbound), or that the broker refused (outbound).
CREATE TABLE dead_letters (
    id uuid NOT NULL PRIMARY KEY,
    direction text NOT NULL CHECK (direction IN ('inbound', 'outbound')),
    consumer_group text NOT NULL,
    key text NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL,
    headers jsonb NOT NULL,
    value bytea NOT NULL,
    error_code text NOT NULL,
    error_message text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'replayed', 'discarded')),
    attempts integer NOT NULL,
    failed_at timestamptz NOT NULL,
    resolved_at timestamptz,
    resolved_by text
);

CREATE INDEX dead_letters_state ON dead_letters (state, id);

CREATE UNIQUE INDEX dead_letters_open ON dead_letters (consumer_group, event_id) WHERE state = 'open';

-- How far a group has consumed each partition: what timers may rely on.
CREATE TABLE consumer_progress (
    consumer_group text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    consumed_through_at timestamptz,
    caught_up boolean NOT NULL,
    checked_at timestamptz NOT NULL,
    trusted_until timestamptz,
    PRIMARY KEY (consumer_group, topic, partition)
);
