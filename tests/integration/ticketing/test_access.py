"""Who may do what: every operation for every role, and customers among themselves."""

import pytest

from services.ticketing.api.permissions import PERMISSIONS
from shared.operations.operator_routes import OPERATOR_PERMISSIONS

OTHER_CUSTOMER = "0197a3c1-0000-7000-8000-000000000002"
ROLES = ("agent", "supervisor", "quality", "admin", "system", "customer")
ACTION_OF = {
    "classify_ticket": "classification",
    "prioritise_ticket": "priority",
    "change_customer": "customer",
    "assign_ticket": "assignment",
    "transfer_ticket": "transfer",
    "start_work": "work-start",
    "send_message": "messages",
    "record_customer_message": "customer-messages",
    "put_on_wait": "wait",
    "resume_ticket": "resumption",
    "escalate_ticket": "escalations",
    "commit_date": "commitment",
    "resolve_ticket": "resolution",
    "reopen_ticket": "reopening",
    "close_ticket": "closure",
    "record_follow_up": "follow-up",
    "cancel_ticket": "cancellation",
}


async def call(desk, operation: str, ticket, headers):
    url = f"/tickets/{ticket['id']}"
    if operation in ACTION_OF:
        return await desk.attempt(ticket, ACTION_OF[operation], headers=headers)
    if operation == "merge_tickets":
        other = await desk.open()
        return await desk.attempt(ticket, "merge", {"into_ticket_id": other["id"]}, headers)
    if operation == "open_ticket":
        body = {"channel": "web", "subject": "x", "customer_id": ticket["customer_id"]}
        return await desk.http.post("/tickets", json=body, headers=headers)
    if operation == "delete_ticket":
        return await desk.http.delete(url, headers={**headers, "If-Match": f'"{ticket["version"]}"'})
    paths = {"get_ticket": url, "list_tickets": "/tickets", "get_timeline": f"{url}/timeline"}
    return await desk.http.get(paths[operation], headers=headers)


@pytest.mark.parametrize("role", ROLES)
async def test_each_operation_admits_the_roles_of_its_row_and_no_others(desk, role: str) -> None:
    headers = desk.of(role)
    for operation in PERMISSIONS.keys() - OPERATOR_PERMISSIONS.keys():
        admitted = PERMISSIONS[operation]
        ticket = await desk.open()
        status = (await call(desk, operation, ticket, headers)).status_code
        assert (status != 403) == (role in admitted), operation
        assert status < 500, operation


async def test_a_system_needs_the_scope(desk) -> None:
    ticket = await desk.open()
    narrow = desk.issuer.headers("system", "import", scopes="ticketing:open_ticket")
    assert (await call(desk, "open_ticket", ticket, narrow)).status_code == 201
    assert (await call(desk, "resolve_ticket", ticket, narrow)).status_code == 403


async def test_a_customer_is_known_by_the_token_only(desk) -> None:
    mine = desk.of("customer")
    own = await desk.http.post("/tickets", json={"channel": "web", "subject": "x"}, headers=mine)
    assert own.status_code == 201
    assert own.json()["customer_id"] == "0197a3c1-0000-7000-8000-000000000001"
    other = await desk.http.post(
        "/tickets", json={"channel": "web", "subject": "x", "customer_id": OTHER_CUSTOMER}, headers=mine
    )
    assert (other.status_code, other.json()["code"]) == (422, "other_customer")


@pytest.mark.parametrize("field", ["priority", "queue", "external_number"])
async def test_a_customer_does_not_decide_urgency_or_routing(desk, field: str) -> None:
    value = "critical" if field == "priority" else "x"
    answer = await desk.http.post(
        "/tickets", json={"channel": "web", "subject": "x", field: value}, headers=desk.of("customer")
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "field_reserved_for_staff")
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("hidden", [{"queue": "x"}, {"assignee_id": "x"}, {"overdue": "true"}], ids=str)
async def test_a_customer_cannot_filter_by_what_is_hidden(desk, hidden: dict[str, str]) -> None:
    answer = await desk.http.get("/tickets", params=hidden, headers=desk.of("customer"))
    assert (answer.status_code, answer.json()["code"]) == (422, "field_reserved_for_staff")


async def test_tickets_of_others_are_not_there(desk) -> None:
    ticket = await desk.do(await desk.open(), "resolution", "closure")
    stranger = desk.of("customer", customer_id=OTHER_CUSTOMER)
    for operation in ("get_ticket", "get_timeline", "record_customer_message", "record_follow_up"):
        answer = await call(desk, operation, ticket, stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "ticket_not_found"), operation
    assert await desk.find(stranger) == []
    assert await desk.find(stranger, q="登录") == []
    assert await desk.find(desk.of("customer"), customer_id=OTHER_CUSTOMER) == []


async def test_customers_see_what_was_said_to_them_and_nothing_of_the_desk(desk) -> None:
    ticket = await desk.do(
        await desk.open(),
        "assignment",
        ("messages", {"visibility": "internal", "text": "this one is difficult"}),
        ("messages", {"visibility": "public", "text": "please send the log"}),
        ("wait", {"waiting_on": "customer", "remark": "will never answer"}),
        "customer-messages",
        "escalations",
    )
    mine = desk.of("customer")
    steps = await desk.steps(ticket, mine)
    assert [step["step"] for step in steps] == [
        "ticket_opened",
        "ticket_replied",
        "ticket_waiting",
        "customer_replied",
        "ticket_resumed",
    ]
    assert [step["text"] for step in steps if step["text"]] == ["please send the log", "Any news?"]
    assert {step["actor_id"] for step in steps} == {None}
    seen = await desk.get(ticket, mine)
    assert (seen["assignee_id"], seen["escalation_level"], seen["customer_tier"]) == (None, 0, None)
    assert await desk.find(mine, q="difficult") == []
    assert await desk.find(mine, q="never") == []
    assert await desk.find(q="never") == ["T-000001"]
    assert await desk.find(mine, q="log") == ["T-000001"]
    assert await desk.find(q="difficult") == ["T-000001"]


async def test_a_customer_replies_and_answers_the_follow_up(desk) -> None:
    mine = desk.of("customer", "person-3")
    ticket = (await desk.http.post("/tickets", json={"channel": "web", "subject": "x"}, headers=mine)).json()
    ticket = await desk.do(ticket, "wait")
    answered = await desk.attempt(ticket, "customer-messages", headers=mine)
    assert answered.json()["status"] == "open"
    ticket = await desk.do(answered.json(), "resolution", "closure")
    answer = await desk.attempt(ticket, "follow-up", {"csat": 5, "nps": 10, "comment": "谢谢"}, mine)
    assert answer.json()["follow_up"]["comment"] == "谢谢"
    assert (await desk.steps(ticket, mine))[-1]["actor_id"] == "person-3"
