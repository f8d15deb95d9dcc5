"""The mail worker killed between its steps: nothing lost, and twice only where nobody can know better.

A real process hands mail to a real SMTP server and dies at a failpoint; another one goes on after it.
"""

import signal
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.complaints.domain.contact import Contact
from services.complaints.domain.outcomes import Channel, Language
from services.complaints.messaging.outbound import OUTBOUND
from services.complaints.persistence.tables import HISTORY
from services.complaints.usecases.file_complaint import FileComplaint, file_complaint
from services.complaints.workers import mail
from shared.db.database import Database
from shared.events.outbox import OutboxWriter
from shared.kernel.clock import SystemClock
from shared.kernel.context import Actor
from shared.testing.mail_server import MailServer
from shared.testing.plugin import MakeDatabase
from shared.testing.worker_process import rows, run_worker

pytestmark = pytest.mark.crash

MESSAGES = 3
# What `careloop serve complaints --role worker` runs of the mail, until nothing is queued any more.
WORKER = """
import asyncio
from services.complaints.service import Settings, build
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SystemClock

async def main():
    settings, clock = Settings(), SystemClock()
    service = build(settings, clock=clock, transport=PostgresTransport(settings.events_database_url))
    worker = next(loop for loop in service.loops if loop.name == "complaints.mail")
    await service.open()
    while (due_at := await worker.next_due_at()) is not None:
        await asyncio.sleep(max(0.0, (due_at - clock.now()).total_seconds()))
        await worker.run_once()
    await service.close()

asyncio.run(main())
"""


@pytest_asyncio.fixture
async def server() -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture
async def url(make_database: MakeDatabase) -> str:
    """A database with complaints whose acknowledgements are queued."""
    url = await make_database(HISTORY)
    database = Database(url, clock=SystemClock(), name="complaints")
    OutboxWriter("complaints", OUTBOUND).attach(database)
    await database.open()
    for number in range(MESSAGES):
        command = FileComplaint(
            channel=Channel.EMAIL,
            description="…",
            contact=Contact(email=f"customer-{number}@example.com"),
            language=Language.ENGLISH,
        )
        await database.run(
            lambda work, command=command: file_complaint(command, work), actor=Actor("agent", "a")
        )  # type: ignore[misc]
    await database.close()
    return url


async def work_on(url: str, server: MailServer, failpoint: str = "") -> int:
    """Run a worker process to its end; its return code."""
    settings = {
        "COMPLAINTS_MAIL": "smtp",
        "COMPLAINTS_MAIL_FROM": "complaints@care.example",
        "COMPLAINTS_SMTP_HOST": "127.0.0.1",
        "COMPLAINTS_SMTP_PORT": str(server.port),
        "COMPLAINTS_SMTP_SECURITY": "none",
        # The next worker waits for no more than what a dead one's claim still lasts.
        "COMPLAINTS_MAIL_CLAIM_SECONDS": "1",
    }
    return await run_worker("complaints.mail", url, failpoint, program=WORKER, settings=settings)


@pytest.mark.parametrize(
    ("failpoint", "sent_before_death", "sent_twice"),
    [
        (mail.AFTER_CLAIM, 0, 0),
        (f"{mail.AFTER_ACCEPT}:2", 2, 1),
        (f"{mail.AFTER_SETTLE}:2", 2, 0),
    ],
    ids=["claimed, not sent", "accepted, not recorded", "recorded"],
)
async def test_a_killed_worker_loses_no_mail_and_repeats_only_under_the_same_message_id(
    url: str, server: MailServer, failpoint: str, sent_before_death: int, sent_twice: int
) -> None:
    assert await work_on(url, server, failpoint) == -signal.SIGKILL
    assert len(server.accepted) == sent_before_death
    assert await work_on(url, server) == 0
    times = Counter(server.message_ids)
    queued = await rows(url, "SELECT id, status, attempts FROM messages ORDER BY id")
    assert set(times) == {f"<{row['id']}@care.example>" for row in queued}, "none lost, none invented"
    assert sorted(times.values()) == sorted([1] * (MESSAGES - sent_twice) + [2] * sent_twice)
    assert {row["status"] for row in queued} == {"delivered"}
    acknowledged = await rows(
        url, "SELECT key FROM outbox WHERE type = 'complaints.complaint_acknowledged.v1'"
    )
    assert len(acknowledged) == len({row["key"] for row in acknowledged}) == MESSAGES


async def test_a_worker_that_nothing_kills_sends_each_mail_once(url: str, server: MailServer) -> None:
    assert await work_on(url, server) == 0
    assert len(server.message_ids) == len(set(server.message_ids)) == MESSAGES
