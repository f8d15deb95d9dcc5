"""Real servers started from Python wheels: PostgreSQL, Apache Kafka and the Caddy gateway."""
