"""Finding tickets: filters, pages that stand still under writes, words, and an index behind each."""

from uuid import UUID

import pytest

from services.ticketing.persistence import ticket_reads
from services.ticketing.persistence.ticket_reads import TicketFilter

OTHER_CUSTOMER = "0197a3c1-0000-7000-8000-000000000002"


async def test_filters_narrow_the_list(desk) -> None:
    await desk.open(queue="first-line", priority="high")
    await desk.do(await desk.open(queue="second-line", external_number="INC-7"), "assignment")
    await desk.do(await desk.open(customer_id=OTHER_CUSTOMER), "resolution")
    assert await desk.find() == ["T-000003", "T-000002", "T-000001"]
    assert await desk.find(order="oldest") == ["T-000001", "T-000002", "T-000003"]
    assert await desk.find(status="new") == ["T-000001"]
    assert await desk.find(status=["new", "resolved"]) == ["T-000003", "T-000001"]
    assert await desk.find(queue="second-line") == ["T-000002"]
    assert await desk.find(assignee_id="agent-9") == ["T-000002"]
    assert await desk.find(customer_id=OTHER_CUSTOMER) == ["T-000003"]
    assert await desk.find(priority="high") == ["T-000001"]
    assert await desk.find(external_number="INC-7") == ["T-000002"]
    assert await desk.find(overdue="true") == []
    assert len(await desk.find(overdue="false")) == 3
    assert await desk.find(queue="second-line", status="new") == []


async def test_pages_stand_still_while_tickets_come_and_change(desk) -> None:
    tickets = [await desk.open() for _ in range(5)]
    first = (await desk.http.get("/tickets", params={"limit": 2})).json()
    await desk.open()
    await desk.do(tickets[1], "work-start")
    second = await desk.http.get("/tickets", params={"limit": 2, "cursor": first["next_cursor"]})
    third = await desk.http.get(second.links["next"]["url"].replace("/ticketing/v1", ""))
    numbers = [t["number"] for page in (first, second.json(), third.json()) for t in page["items"]]
    assert numbers == ["T-000005", "T-000004", "T-000003", "T-000002", "T-000001"]
    assert third.json()["next_cursor"] is None


async def test_a_timeline_has_pages(desk) -> None:
    ticket = await desk.do(await desk.open(), "assignment", "work-start", "priority")
    url = f"/tickets/{ticket['id']}/timeline"
    first = (await desk.http.get(url, params={"limit": 3})).json()
    rest = (await desk.http.get(url, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [s["step"] for s in first["items"] + rest["items"]] == [
        "ticket_opened",
        "ticket_assigned",
        "ticket_work_started",
        "ticket_prioritised",
    ]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"status": "deleted"}, "status[0]"),
        ({"limit": 201}, "limit"),
        ({"limit": 0}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"q": "!?"}, "q"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_bad_filter_is_named(desk, params, field: str) -> None:
    answer = await desk.http.get("/tickets", params=params)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("登录", True),
        ("录失", True),
        ("登录失败", True),
        ("失", True),
        ("登败", False),
        ("退款", False),
        ("vpn", True),
        ("VP", True),
        ("pn", False),
        ("branch 登录", True),
        ("branch 退款", False),
        ("T-000001", True),
        ("t-1", True),
        ("T-000009", False),
    ],
)
async def test_search_finds_chinese_and_english(desk, words: str, found: bool) -> None:
    await desk.open(subject="VPN 登录失败", description="Nobody in the branch can sign in.")
    await desk.open(subject="登台 失败", description="unrelated")
    assert ("T-000001" in await desk.find(q=words)) is found


async def test_search_reads_messages_and_notes_too(desk) -> None:
    ticket = await desk.open()
    await desk.do(
        ticket,
        ("messages", {"visibility": "internal", "text": "交换机故障"}),
        ("customer-messages", {"text": "路由器 works"}),
    )
    assert await desk.find(q="故障") == ["T-000001"]
    assert await desk.find(q="路由器", status="new") == ["T-000001"]


FILTERS = {
    "status": TicketFilter(statuses=("waiting",)),
    "queue": TicketFilter(queue="q7"),
    "assignee": TicketFilter(assignee_id="a7"),
    "customer": TicketFilter(customer_id=UUID(int=7)),
    "priority": TicketFilter(priority="critical"),
    "external_number": TicketFilter(external_number="e7"),
    "overdue": TicketFilter(overdue=True),
    "two_characters": TicketFilter(words="失败"),
    "two_letters": TicketFilter(words="ab"),
    "owner_words": TicketFilter(words="失败", owner_id=UUID(int=7)),
    "none": TicketFilter(),
}


SCANS = (
    "SELECT relname, pg_stat_get_xact_numscans(oid) FROM pg_class"
    " WHERE relname = ANY (ARRAY['tickets', 'timeline', 'ticket_clocks']) ORDER BY 1"
)


async def test_no_filter_reads_a_whole_table(service, stored) -> None:
    await stored.rows(
        "INSERT INTO tickets (id, version, sequence, last_occurred_at, external_number, customer_id, channel,"
        " subject, description, kind, priority, queue, status, waiting_on, assignee_id, escalation_level, opened_at,"
        " opened_by, reopen_count) SELECT lpad(to_hex(n), 32, '0')::uuid, 1, 1, now(), 'e' || n,"
        " lpad(to_hex(n % 500), 32, '0')::uuid, 'web', 's', 'd', 'request',"
        " CASE WHEN n % 500 = 7 THEN 'critical' ELSE 'low' END, 'q' || n % 500,"
        " CASE WHEN n % 500 = 7 THEN 'waiting' ELSE 'closed' END, CASE WHEN n % 500 = 7 THEN 'customer' END,"
        " 'a' || n % 500, 0, now(), 'system:x', 0 FROM generate_series(1, 20000) n"
    )
    await stored.rows(
        "INSERT INTO timeline (ticket_id, step, audience, occurred_at, actor_role, actor_id, details, terms)"
        " SELECT id, 'ticket_opened', 'public', now(), 'system', 'x', '{}',"
        " array_to_tsvector(CASE WHEN status = 'waiting' THEN ARRAY['失败', 'abc'] ELSE ARRAY['成功'] END)"
        " FROM tickets"
    )
    await stored.rows(
        "INSERT INTO ticket_clocks (clock_id, ticket_id, agreement, metric, cycle, policy_version_id, sequence,"
        " state, breached_at, warning_level, escalation_level) SELECT id, id, 'sla', 'resolution', 1, id, 1,"
        " CASE WHEN status = 'waiting' THEN 'running' ELSE 'missed' END, now(), 0, 0 FROM tickets"
    )
    await stored.rows("ANALYZE")
    for name, wanted in FILTERS.items():
        async with service.database.transaction() as transaction:
            before = await transaction.connection.fetch(SCANS)
            found = await ticket_reads.find(transaction, wanted, after=None, limit=51)
            after = await transaction.connection.fetch(SCANS)
        assert len(found) == {"none": 51, "external_number": 1}.get(name, 40), name
        assert after == before, name
