CREATE TABLE idempotency_keys (
    digest bytea NOT NULL,
    fingerprint bytea NOT NULL,
    operation_id text NOT NULL,
    status smallint NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (digest)
);

CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at);
