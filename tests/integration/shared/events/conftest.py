"""Workshop and office on real databases, joined by the PostgreSQL transport."""

import pytest

from shared.db.database import Database
from shared.events.consumer import Consumer
from shared.events.relay import Relay
from shared.events.transport.postgres import PostgresTransport
from shared.testing import workshop as w
from shared.testing.workshop_fixtures import (
    group,
    make_service_database,
    office,
    plain_logs,
    postgres_transport,
    workshop,
)

__all__ = ["group", "make_service_database", "office", "plain_logs", "postgres_transport", "workshop"]


@pytest.fixture
def relay(workshop: Database, postgres_transport: PostgresTransport) -> Relay:
    return Relay(w.WORKSHOP, workshop, postgres_transport)


@pytest.fixture
def consumer(office: Database, postgres_transport: PostgresTransport) -> Consumer:
    return Consumer(w.OFFICE, office, postgres_transport, w.subscriptions())
