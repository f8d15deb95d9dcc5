"""A ticket from intake to follow-up through the API, and what the API refuses."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.ticketing.domain.ticket import Request
from services.ticketing.usecases.open_ticket import OpenTicket, open_ticket
from shared.kernel.context import Actor
from shared.kernel.ids import new_id


async def test_a_ticket_goes_from_intake_to_follow_up(desk, clock, stored) -> None:
    ticket = await desk.open(queue="first-line", external_number="INC0000045")
    assert (ticket["number"], ticket["status"], ticket["version"]) == ("T-000001", "new", 1)
    for action, status in [
        ("classification", "new"),
        ("priority", "new"),
        ("assignment", "open"),
        ("work-start", "in_progress"),
        ("messages", "in_progress"),
        ("wait", "waiting"),
        ("customer-messages", "open"),
        ("wait", "waiting"),
        ("resumption", "in_progress"),
        ("escalations", "in_progress"),
        ("commitment", "in_progress"),
        ("transfer", "open"),
        ("resolution", "resolved"),
        ("reopening", "open"),
        ("resolution", "resolved"),
        ("closure", "closed"),
        ("follow-up", "closed"),
    ]:
        clock.set(clock.now() + timedelta(minutes=1))
        seen = await desk.do(ticket, action)
        assert seen["status"] == status, action
        assert seen["version"] == ticket["version"] + 1
        ticket = seen
    assert ticket["follow_up"]["csat"] == 4
    assert await desk.get(ticket) == ticket
    published = [row["type"] for row in await stored.rows("SELECT type FROM outbox ORDER BY id")]
    assert published == [
        f"ticketing.{name}.v1"
        for name in (
            "ticket_opened",
            "ticket_classified",
            "ticket_prioritised",
            "ticket_assigned",
            "ticket_work_started",
            "ticket_replied",
            "ticket_waiting",
            "customer_replied",
            "ticket_resumed",
            "ticket_waiting",
            "ticket_resumed",
            "ticket_escalated",
            "commitment_made",
            "ticket_transferred",
            "ticket_resolved",
            "ticket_reopened",
            "ticket_resolved",
            "ticket_closed",
            "follow_up_requested",
            "follow_up_recorded",
        )
    ]
    counted = [row["sequence"] for row in await stored.rows("SELECT sequence FROM outbox ORDER BY id")]
    assert counted == list(range(1, 21))
    steps = await desk.steps(ticket)
    assert [f"ticketing.{step['step']}.v1" for step in steps] == published
    assert {step["actor_id"] for step in steps} == {"agent-7"}


@pytest.mark.parametrize(
    "path",
    [
        ["resolution"],
        ["wait", "resolution"],
        ["wait", ("wait", {"waiting_on": "third_party"}), "resolution"],
        ["resolution", "closure", "reopening", "work-start", "resolution", "closure"],
        ["work-start", "resolution", "reopening", "resolution"],
    ],
    ids=str,
)
async def test_what_real_logs_hold_can_be_replayed(desk, path: list[Any]) -> None:
    await desk.do(await desk.open(), *path)


async def test_the_answer_to_a_command_is_the_ticket_with_its_etag(desk) -> None:
    ticket = await desk.open()
    answer = await desk.attempt(ticket, "work-start")
    again = await desk.http.get(f"/tickets/{ticket['id']}")
    assert answer.json() == again.json()
    assert answer.headers["etag"] == again.headers["etag"]
    unchanged = await desk.http.get(
        f"/tickets/{ticket['id']}", headers={"If-None-Match": again.headers["etag"]}
    )
    assert unchanged.status_code == 304


@pytest.mark.parametrize(
    ("before", "action", "code"),
    [
        (["work-start"], "work-start", "work_already_started"),
        (["resolution"], "resolution", "ticket_already_resolved"),
        (["resolution", "closure"], "closure", "ticket_already_closed"),
        ([], "closure", "ticket_not_resolved"),
        ([], "resumption", "ticket_not_waiting"),
        (["wait"], "wait", "ticket_already_waiting"),
        (["wait"], "work-start", "ticket_waiting"),
        ([], "reopening", "ticket_not_finished"),
        (["cancellation"], "resolution", "ticket_cancelled"),
        (["resolution"], "follow-up", "follow_up_not_requested"),
        (["resolution", "closure", "follow-up"], "follow-up", "follow_up_already_recorded"),
        (["resolution", "closure"], "escalations", "ticket_closed"),
    ],
)
async def test_a_refused_command_is_named_and_changes_nothing(
    desk, stored, before: list[str], action: str, code: str
) -> None:
    ticket = await desk.do(await desk.open(), *before)
    state = await stored.state()
    answer = await desk.attempt(ticket, action)
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert await stored.state() == state


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("classification", {}, "body"),
        ("classification", {"kind": "Not A Code"}, "kind"),
        ("classification", {"category": " \t"}, "category"),
        ("priority", {"priority": "urgent"}, "priority"),
        ("priority", {"priority": "high", "why": "x"}, "why"),
        ("assignment", {"assignee_id": ""}, "assignee_id"),
        ("transfer", {"queue": "two\nlines"}, "queue"),
        ("messages", {"visibility": "public", "text": "   "}, "text"),
        ("messages", {"visibility": "internal", "text": "x", "automatic": True}, "body"),
        ("messages", {"visibility": "public", "text": "nul\u0000"}, "text"),
        ("wait", {"waiting_on": "weather"}, "waiting_on"),
        ("escalations", {"level": 10}, "level"),
        ("commitment", {"committed_at": "2026-03-01T00:00:00Z"}, "committed_at"),
        ("commitment", {"committed_at": "2026-03-09T01:00:00"}, "committed_at"),
        ("resolution", {}, "resolution_code"),
        ("reopening", {"reason": "in my words"}, "reason"),
        ("merge", {"into_ticket_id": "01890000-0000-7000-8000-000000000000"}, "into_ticket_id"),
        ("follow-up", {"csat": 6}, "csat"),
        ("follow-up", {}, "csat"),
    ],
)
async def test_bad_input_names_the_field_and_changes_nothing(
    desk, stored, action: str, body: dict[str, Any], field: str
) -> None:
    ticket = await desk.open()
    state = await stored.state()
    answer = await desk.attempt(ticket, action, body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
    assert await stored.state() == state


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"customer_id": None}, "customer_id"),
        ({"channel": "fax"}, "channel"),
        ({"subject": ""}, "subject"),
        ({"subject": "x" * 201}, "subject"),
        ({"priority": "p1"}, "priority"),
        ({"state": "closed"}, "state"),
    ],
)
async def test_a_ticket_is_not_opened_on_bad_input(desk, stored, facts: dict[str, Any], field: str) -> None:
    body = {"customer_id": "0197a3c1-0000-7000-8000-000000000001", "channel": "web", "subject": "x", **facts}
    answer = await desk.http.post("/tickets", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert await stored.rows("SELECT * FROM tickets") == []


async def test_setting_what_is_already_so_keeps_version_and_timeline(desk, stored) -> None:
    ticket = await desk.do(await desk.open(), "assignment", "priority", "commitment")
    state = await stored.state()
    assert await desk.do(ticket, "assignment", "priority", "customer", "commitment") == ticket
    assert await stored.state() == state


async def test_a_change_needs_the_version_that_was_read(desk, stored) -> None:
    ticket = await desk.open()
    await desk.do(ticket, "work-start")
    state = await stored.state()
    stale = await desk.attempt(ticket, "resolution")
    assert (stale.status_code, stale.json()["code"]) == (412, "ticket_changed")
    missing = await desk.http.post(f"/tickets/{ticket['id']}/resolution", json={"resolution_code": "fixed"})
    assert missing.status_code == 428
    assert await stored.state() == state


async def test_of_two_agents_who_start_at_once_one_wins(desk) -> None:
    ticket = await desk.open()
    answers = await asyncio.gather(*(desk.attempt(ticket, "work-start") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412, 412]


async def test_customers_messages_need_no_version_and_are_all_kept(desk) -> None:
    ticket = await desk.open()
    url = f"/tickets/{ticket['id']}/customer-messages"
    answers = await asyncio.gather(*(desk.http.post(url, json={"text": f"{n}"}) for n in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    texts = [step["text"] for step in await desk.steps(ticket) if step["step"] == "customer_replied"]
    assert sorted(texts) == [str(n) for n in range(8)]


async def test_the_same_request_with_a_key_opens_one_ticket(desk, stored) -> None:
    body = {"customer_id": "0197a3c1-0000-7000-8000-000000000001", "channel": "email", "subject": "once"}
    first, second = [
        await desk.http.post("/tickets", json=body, headers={"Idempotency-Key": "mail-1"}) for _ in range(2)
    ]
    assert first.json() == second.json()
    assert len(await stored.rows("SELECT 1 FROM tickets")) == 1


async def test_an_unknown_ticket_is_not_found(desk) -> None:
    nobody = {"id": "01890000-0000-7000-8000-000000000000", "version": 1}
    answer = await desk.attempt(nobody, "work-start")
    assert (answer.status_code, answer.json()["code"]) == (404, "ticket_not_found")


async def test_opening_takes_two_statements_inside_its_transaction(service) -> None:
    seen: list[str] = []
    request = Request(customer_id=new_id(), channel="web", subject="x")
    async with service.database.transaction() as transaction:
        # The second time: the first one also asks the server about types.
        for log in (lambda record: None, lambda record: seen.append(record.query.split(maxsplit=1)[0])):
            transaction.connection.add_query_logger(log)
            await open_ticket(OpenTicket(request=request), transaction.work(Actor("system", "import")))
            await service.database.before_commit(transaction)
            transaction.recorded.clear()
        # The log of a statement is written while the next one runs.
        await transaction.connection.fetchval("SHOW timezone")
        assert seen[:2] == ["WITH", "INSERT"]
        assert set(seen[2:]) <= {"SHOW"}


async def test_no_words_of_people_leave_the_service(desk, stored) -> None:
    word = "秘密secret"
    ticket = await desk.open(subject=word, description=word)
    await desk.do(
        ticket,
        ("messages", {"visibility": "public", "text": word}),
        ("messages", {"visibility": "internal", "text": word}),
        ("customer-messages", {"text": word}),
        ("wait", {"waiting_on": "customer", "remark": word}),
        ("resolution", {"resolution_code": "fixed", "remark": word}),
        "closure",
        ("follow-up", {"nps": 3, "comment": word}),
    )
    assert all(word not in str(row["payload"]) for row in await stored.rows("SELECT payload FROM outbox"))
