"""The composition of complaints: the only place where its objects are wired."""

from services.complaints.api import complaints, ending, findings, handling, messages, timeline
from services.complaints.api.desk import Desk
from services.complaints.api.permissions import PERMISSIONS
from services.complaints.domain.message import RetryPolicy
from services.complaints.domain.policy import ComplaintPolicy
from services.complaints.messaging.inbound import SUBSCRIPTIONS
from services.complaints.messaging.outbound import OUTBOUND
from services.complaints.persistence.tables import HISTORY
from services.complaints.settings import ComplaintsSettings as Settings
from services.complaints.workers.captured_mail import CapturedMail
from services.complaints.workers.mail import MailWorker
from services.complaints.workers.mail_transport import MailTransport
from services.complaints.workers.smtp_mail import SmtpMail, SmtpServer
from shared.db.database import Database
from shared.events.consumer import Consumer
from shared.events.outbox import OutboxWriter
from shared.events.relay import Relay
from shared.events.transport.base import Transport
from shared.kernel.clock import Clock
from shared.operations.operator_routes import operator_routes
from shared.operations.service import Service
from shared.operations.upkeep import upkeep_loops
from shared.web.app import create_app

__all__ = ["HISTORY", "Settings", "build"]

NAME = "complaints"
VERSION = "1.0.0"


def build(settings: Settings, *, clock: Clock, transport: Transport) -> Service:
    """The service as `careloop run` and `careloop serve` start it; nothing is connected yet."""
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
        title="careloop complaints",
        summary="Complaints (投诉) that are answered, decided and closed in the loop (闭环)",
        version=VERSION,
        routers=[
            complaints.router,
            handling.router,
            findings.router,
            ending.router,
            messages.router,
            timeline.router,
            operator_routes(consumer.dead_letters),
        ],
        permissions=PERMISSIONS,
        database=database,
        verifier=settings.verifier(),
        history=HISTORY,
        limits=settings.rate_limits(),
        body_limit_bytes=settings.body_limit_bytes,
        access_log=settings.access_log,
    )
    app.state.desk = Desk(policy_of(settings), clock, settings.default_language)
    return Service(
        name=NAME,
        app=app,
        database=database,
        history=HISTORY,
        loops=(
            Relay(NAME, database, transport),
            consumer,
            MailWorker(
                database,
                mail_transport(settings),
                retry=retry_of(settings),
                recipient_domains=settings.mail_recipient_domains,
            ),
            *upkeep_loops(NAME, database),
        ),
        checks={"broker": transport.check},
    )


def policy_of(settings: Settings) -> ComplaintPolicy:
    """The limits of the closed loop."""
    return ComplaintPolicy(
        reopen_days=settings.reopen_days,
        unreachable_attempts=settings.unreachable_attempts,
        unreachable_channels=settings.unreachable_channels,
        recurrence_days=settings.recurrence_days,
    )


def retry_of(settings: Settings) -> RetryPolicy:
    """How often and when a mail is tried again."""
    return RetryPolicy(
        max_attempts=settings.mail_max_attempts,
        base_seconds=settings.mail_retry_base_seconds,
        cap_seconds=settings.mail_retry_cap_seconds,
        lease_seconds=settings.mail_claim_seconds,
    )


def mail_transport(settings: Settings) -> MailTransport:
    """Where mail goes: by SMTP, or nowhere but the captured outbox."""
    if settings.mail == "captured" or settings.smtp_host is None:
        return CapturedMail()
    password = settings.smtp_password
    return SmtpMail(
        SmtpServer(
            host=settings.smtp_host,
            port=settings.smtp_port,
            security=settings.smtp_security,
            sender=settings.mail_from,
            sender_name=settings.mail_from_name,
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            timeout_seconds=settings.smtp_timeout_seconds,
        )
    )
