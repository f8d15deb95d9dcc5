"""Ticketing, composed: the only place where its objects are wired."""

from services.ticketing.api import classification, follow_ups, handling, messages, outcome, tickets, timeline
from services.ticketing.api.permissions import PERMISSIONS
from services.ticketing.messaging.inbound import SUBSCRIPTIONS
from services.ticketing.messaging.outbound import OUTBOUND
from services.ticketing.persistence.tables import HISTORY
from services.ticketing.settings import TicketingSettings
from shared.db.database import Database
from shared.events.consumer import Consumer
from shared.events.outbox import OutboxWriter
from shared.events.relay import Relay
from shared.events.transport.base import Transport
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import Clock
from shared.operations.operator_routes import operator_routes
from shared.operations.service import Service
from shared.operations.upkeep import upkeep_loops
from shared.web.app import create_app

__all__ = ["HISTORY", "Settings", "build"]

NAME = "ticketing"
VERSION = "1.0.0"
Settings = TicketingSettings
RESOURCES = (tickets, classification, handling, messages, outcome, follow_ups, timeline)


def build(settings: TicketingSettings, *, clock: Clock, transport: Transport) -> Service:
    """The service, nothing of it connected yet."""
    database = Database(
        settings.database_url,
        clock=clock,
        name=NAME,
        min_size=settings.pool_min_size,
        max_size=settings.pool_max_size,
        command_timeout_seconds=settings.command_timeout_seconds,
    )
    OutboxWriter(NAME, OUTBOUND).attach(database)
    consumer = Consumer(NAME, database, transport, SUBSCRIPTIONS)
    app = create_app(
        NAME,
        title="careloop ticketing",
        summary="Service requests (工单) from intake to follow-up (回访)",
        version=VERSION,
        routers=[*(resource.router for resource in RESOURCES), operator_routes(consumer.dead_letters)],
        permissions=PERMISSIONS,
        database=database,
        verifier=settings.verifier(),
        history=HISTORY,
        limits=settings.rate_limits(),
        body_limit_bytes=settings.body_limit_bytes,
        access_log=settings.access_log,
    )
    return Service(
        name=NAME,
        app=app,
        database=database,
        history=HISTORY,
        loops=(
            Relay(NAME, database, transport),
            consumer,
            *upkeep_loops(
                NAME, database, log=transport if isinstance(transport, PostgresTransport) else None
            ),
        ),
        checks={"broker": transport.check},
    )
