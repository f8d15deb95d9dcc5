"""Workshop and office, whose processes are killed."""

from shared.testing.workshop_fixtures import (
    group,
    make_service_database,
    office,
    plain_logs,
    postgres_transport,
    workshop,
)

__all__ = ["group", "make_service_database", "office", "plain_logs", "postgres_transport", "workshop"]
