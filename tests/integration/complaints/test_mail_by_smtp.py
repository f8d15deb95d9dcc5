"""Mail by SMTP to a real server: at least once, one Message-ID, bounded attempts, told truthfully."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from services.complaints.domain.message import RetryPolicy
from services.complaints.usecases.claim_messages import ClaimMessages, claim_messages
from services.complaints.usecases.settle_message import SettleMessage, settle_message
from services.complaints.workers.mail import ACTOR, MailWorker
from shared.testing.mail_server import MailServer

DECISION = {"outcome": "upheld", "cause_code": "billing_error", "explanation": "已退款。"}


@pytest_asyncio.fixture
async def server() -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def chosen(server: MailServer) -> dict[str, Any]:
    return {
        "mail": "smtp",
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "smtp_security": "none",
        "mail_from": "complaints@care.example",
        "mail_max_attempts": 3,
    }


async def test_acknowledgement_and_decision_arrive_in_the_customers_language(
    desk: Any, mail: Any, server: MailServer
) -> None:
    case = await desk.owned(language="zh")
    await mail.run_once()
    await case.do("decision", **DECISION)
    await mail.run_once()
    acknowledgement, decision = server.accepted
    assert server.recipients == ["wang.fang@example.com"] * 2
    assert acknowledgement["Subject"] == f"我们已收到您的投诉 {case.now['number']}"
    assert acknowledgement["Auto-Submitted"] == "auto-replied"
    first, second = await case.messages()
    assert acknowledgement["Message-ID"] == f"<{first['id']}@care.example>"
    assert decision["Message-ID"] == f"<{second['id']}@care.example>"
    assert "已退款。" in decision.get_content()
    assert (await case.read())["decision"]["delivered_channel"] == "email"
    assert case.now["decision"]["customer_asked_at"] is not None


async def test_an_answer_is_mailed_when_asked_for(desk: Any, mail: Any, server: MailServer) -> None:
    case = await desk.owned()
    await case.do("response", channel="email", text="We found it.", by_mail=True)
    await mail.run_once()
    assert server.accepted[1].get_content().strip() == "We found it."
    nobody = await desk.owned(contact={})
    await nobody.refused("response", 409, "no_address_for_mail", channel="email", text="Hi", by_mail=True)


async def test_a_refused_recipient_is_given_up_at_once_and_a_person_takes_over(
    desk: Any, mail: Any, server: MailServer, outbox: Any
) -> None:
    case = await desk.owned()
    await mail.run_once()
    server.refuse_recipient = "550 no such user wang.fang@example.com"
    await case.do("decision", **DECISION)
    await mail.run_once()
    message = (await case.messages())[1]
    assert (message["status"], message["last_error"]) == ("failed", "recipient_refused_550")
    kind, _, payload = (await outbox())[-1]
    assert kind == "decision_delivery_failed"
    assert '"attempts":1' in payload
    await case.refused("closure", 409, "complaint_closure_needs_delivery")
    assert case.now["decision"]["delivery_failed_at"] is not None
    await case.do("deliveries", channel="letter", customer_asked=True)
    assert (await case.do("closure"))["status"] == "closed"


async def test_a_server_that_is_busy_is_tried_again_with_pauses_and_then_no_more(
    desk: Any, mail: Any, server: MailServer, clock: Any, outbox: Any
) -> None:
    case = await desk.owned()
    await mail.run_once()
    server.refuse_data = "451 try later"
    await case.do("decision", **DECISION)
    pauses = []
    for _ in range(3):
        assert await mail.run_once() == 1
        assert await mail.run_once() == 0, "not before its time"
        due_at = await mail.next_due_at()
        if due_at is not None:
            pauses.append((due_at - clock.now()).total_seconds())
            clock.set(due_at)
    assert pauses == [30, 60]
    message = (await case.messages())[1]
    assert (message["status"], message["attempts"], message["last_error"]) == (
        "failed",
        3,
        "data_refused_451",
    )
    kind, _, payload = (await outbox())[-1]
    assert kind == "decision_delivery_failed"
    assert '"attempts":3' in payload


async def test_mail_waits_for_a_server_that_is_away_and_is_sent_once_it_is_back(
    desk: Any, mail: Any, server: MailServer, clock: Any
) -> None:
    cases = [await desk.file() for _ in range(3)]
    await server.stop()
    assert await mail.run_once() == 3
    assert server.accepted == []
    assert {(await case.messages())[0]["status"] for case in cases} == {"queued"}
    await server.start()
    clock.set(await mail.next_due_at())
    assert await mail.run_once() == 3
    assert len(server.accepted) == 3
    assert all([(await case.read())["acknowledged_at"] for case in cases])


async def test_two_workers_never_take_the_same_message(desk: Any, service: Any, mail: Any) -> None:
    for _ in range(5):
        await desk.file()
    retry = RetryPolicy()
    database = service.database

    async def claim(other: Any) -> list[Any]:
        async def command(work: Any) -> list[Any]:
            claimed = await claim_messages(ClaimMessages(at_once=3), work, retry)
            await other.wait()
            return claimed

        taken: list[Any] = await database.run(command, actor=ACTOR)
        return taken

    both = asyncio.Barrier(2)
    first, second = await asyncio.gather(claim(both), claim(both))
    ids = [one.message.id for one in (*first, *second)]
    assert sorted([len(first), len(second)]) == [2, 3]
    assert len(set(ids)) == 5


async def test_a_claim_whose_holder_died_lapses_and_the_message_is_sent(
    desk: Any, service: Any, mail: Any, server: MailServer, clock: Any
) -> None:
    case = await desk.file()
    retry = RetryPolicy()
    (dead,) = await service.database.run(
        lambda work: claim_messages(ClaimMessages(at_once=3), work, retry), actor=ACTOR
    )
    assert await mail.run_once() == 0
    clock.set(await mail.next_due_at())
    assert await mail.run_once() == 1
    late = SettleMessage(
        complaint_id=dead.message.complaint_id,
        message_id=dead.message.id,
        attempt=dead.message.attempts,
        error="timeout",
    )
    settled = await service.database.run(lambda work: settle_message(late, work, retry), actor=ACTOR)
    assert settled.status == "delivered", "the dead holder's judgement no longer counts"
    assert len(server.accepted) == 1
    assert (await case.read())["acknowledged_at"] is not None


async def test_whatever_kills_its_holder_is_not_tried_for_ever(
    desk: Any, service: Any, mail: Any, server: MailServer, clock: Any
) -> None:
    case = await desk.file()
    for _ in range(3):
        await service.database.run(
            lambda work: claim_messages(ClaimMessages(at_once=3), work, RetryPolicy()), actor=ACTOR
        )
        clock.set(await mail.next_due_at())
    await mail.run_once()
    (message,) = await case.messages()
    assert (message["status"], message["last_error"]) == ("failed", "attempts_exhausted")
    assert server.accepted == []


async def test_a_decision_that_fell_while_its_mail_was_on_the_wire_stays_fallen(
    desk: Any, service: Any, mail: Any
) -> None:
    case = await desk.owned(contact={"email": "wang@example.com"})
    await mail.run_once()
    await case.read()
    await case.do("decision", **DECISION)
    (sending,) = await service.database.run(
        lambda work: claim_messages(ClaimMessages(at_once=3), work, RetryPolicy()), actor=ACTOR
    )
    await case.do("reopening", reason="Wrong.")
    accepted = SettleMessage(
        complaint_id=sending.message.complaint_id, message_id=sending.message.id, attempt=1
    )
    await service.database.run(lambda work: settle_message(accepted, work, RetryPolicy()), actor=ACTOR)
    message = (await case.messages())[1]
    assert message["status"] == "superseded"
    assert message["delivered_at"] is not None
    assert (await case.read())["decision"] is None


async def test_what_a_person_handed_over_is_not_mailed_as_well(
    desk: Any, mail: Any, server: MailServer
) -> None:
    case = await desk.owned()
    await mail.run_once()
    await case.do("decision", **DECISION)
    await case.do("deliveries", channel="phone", customer_asked=True)
    assert await mail.run_once() == 0
    assert len(server.accepted) == 1


async def test_mail_goes_only_to_the_domains_that_settings_name(
    desk: Any, service: Any, mail: Any, server: MailServer
) -> None:
    outside = await desk.file(contact={"email": "wang@elsewhere.example"})
    inside = await desk.file(contact={"email": "wang@Allowed.Example"})
    picky = MailWorker(
        service.database,
        mail._transport,
        retry=RetryPolicy(),
        recipient_domains=frozenset({"allowed.example"}),
    )
    await picky.run_once()
    assert [(await case.messages())[0]["status"] for case in (outside, inside)] == ["failed", "delivered"]
    assert (await outside.messages())[0]["last_error"] == "domain_not_allowed"
    assert server.recipients == ["wang@Allowed.Example"]


async def test_an_address_that_is_gone_ends_the_attempts(desk: Any, service: Any, mail: Any) -> None:
    case = await desk.file()
    connection = await service.database.connect()
    try:
        await connection.execute("DELETE FROM complaint_contacts")
    finally:
        await connection.close()
    await mail.run_once()
    assert (await case.messages())[0]["last_error"] == "address_gone"


async def test_the_worker_is_woken_by_intake_and_batches_are_bounded(
    desk: Any, service: Any, mail: Any, server: MailServer
) -> None:
    mail.wake.clear()
    for _ in range(3):
        await desk.file()
    assert mail.wake.is_set
    small = MailWorker(service.database, mail._transport, retry=RetryPolicy(), batch=2)
    assert [await small.run_once() for _ in range(3)] == [2, 1, 0]
    assert (await mail.next_due_at()) is None
    assert timedelta(0) < timedelta(seconds=mail.poll_seconds) <= timedelta(seconds=1)
