"""Intake, who sees what, and what is refused by name."""

from typing import Any
from uuid import uuid4

import pytest
import structlog

BODY = {"channel": "web", "description": "Charged twice."}


async def test_every_channel_is_taken_in_and_acknowledged_as_it_can_be(desk: Any, outbox: Any) -> None:
    expected = []
    for channel in ("phone", "chat", "email", "sms", "social", "web", "letter"):
        contact = {"email": "wang@example.com"} if channel == "email" else {}
        case = await desk.file(channel=channel, contact=contact)
        (message,) = await case.messages()
        told_at_once = channel in ("phone", "chat", "web")
        assert (case.now["acknowledged_at"] is not None) is told_at_once
        status = "delivered" if told_at_once else "queued" if channel == "email" else "awaiting_hand_over"
        assert message["status"] == status
        expected += ["complaint_received", "complaint_acknowledged"][: 1 + told_at_once]
    assert [kind for kind, _, _ in await outbox()] == expected


BROKEN: list[tuple[dict[str, Any], str, str]] = [
    ({"channel": "fax"}, "channel", "invalid_input"),
    ({"description": "  "}, "description", "invalid_input"),
    ({"description": "a\x00b"}, "description", "invalid_input"),
    ({"severity": "bad"}, "severity", "invalid_input"),
    ({"surprise": 1}, "surprise", "invalid_input"),
    ({"channel": "email"}, "contact.email", "invalid_contact"),
    ({"contact": {"email": "x@y.z\r\nBcc: all@example.com"}}, "contact.email", "invalid_contact"),
    ({"contact": {"name": "a\nb"}}, "contact.name", "invalid_contact"),
    ({"contact": {"phone": "call me"}}, "contact.phone", "invalid_contact"),
    ({"follows_complaint_id": str(uuid4())}, "follows_complaint_id", "followed_complaint"),
    ({"language": "fr"}, "language", "invalid_input"),
]


async def test_bad_input_names_field_and_rule_and_changes_nothing(desk: Any, outbox: Any) -> None:
    for broken, field, code in BROKEN:
        answer = await desk.http.post("/complaints", json={**BODY, **broken})
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["errors"][0]["field"]) == (422, code, field)
        assert problem["errors"][0]["rule"]
    assert (await desk.http.get("/complaints")).json()["items"] == []
    assert await outbox() == []


async def test_unknown_cause_code_is_refused_with_the_way_to_the_catalogue(desk: Any) -> None:
    case = await desk.owned()
    problem = await case.refused(
        "decision", 422, "unknown_cause_code", outcome="upheld", cause_code="weather", explanation="…"
    )
    assert problem["errors"][0]["field"] == "cause_code"
    codes = (await desk.http.get("/cause-codes")).json()["items"]
    assert {"billing_error", "not_established"} <= {cause["code"] for cause in codes}
    assert all(cause["name_zh"] for cause in codes)


async def test_a_customer_files_for_themselves_and_sees_only_what_concerns_them(
    desk: Any, customer_id: str, issuer: Any
) -> None:
    mine = desk.customer(customer_id)
    case = await desk.file(headers=mine, channel="web")
    assert (case.now["customer_id"], case.now["handling"]) == (customer_id, None)
    await case.read()
    assert case.now["handling"] is not None
    await case.do("assignment", owner_id="agent-7", reason="Difficult customer.")
    await case.do("investigation-notes", text="Suspicious.")
    await case.do("response", channel="phone", text="We look into it.")
    seen = await case.timeline(headers=mine)
    assert [entry["kind"] for entry in seen] == ["received", "assigned", "responded"]
    assert [entry["text"] for entry in seen] == [None, None, "We look into it."]
    assert [entry["actor_id"] for entry in seen] == ["customer-1", None, None]
    whole = await case.timeline()
    assert "Suspicious." in [entry["text"] for entry in whole]
    assert (await desk.http.get(f"{case.path}/contact", headers=mine)).status_code == 403
    assert (await desk.http.get(f"{case.path}/contact")).json()["email"] == "wang.fang@example.com"


async def test_another_customers_complaint_does_not_exist_for_them(desk: Any, customer_id: str) -> None:
    case = await desk.file(customer_id=customer_id)
    stranger = desk.customer(str(uuid4()))
    for resource in ("", "/messages", "/timeline"):
        answer = await desk.http.get(case.path + resource, headers=stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "complaint_not_found")
    for resource, body in (
        ("withdrawal", {}),
        ("satisfaction", {"satisfied": True}),
        ("reopening", {"reason": "…"}),
    ):
        await case.refused(resource, 404, "complaint_not_found", headers=stranger, **body)
    for params in ({}, {"customer_id": customer_id}):
        assert (await desk.http.get("/complaints", params=params, headers=stranger)).json()["items"] == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"customer_id": str(uuid4())}, "customer_id"),
        ({"severity": "critical"}, "severity"),
        ({"category": "wang@example.com"}, "category"),
        ({"external_number": "X-1"}, "external_number"),
    ],
)
async def test_a_customer_fills_in_nothing_that_staff_decides(
    desk: Any, customer_id: str, given: dict[str, str], field: str
) -> None:
    answer = await desk.http.post("/complaints", json={**BODY, **given}, headers=desk.customer(customer_id))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_a_new_complaint_follows_only_one_of_the_same_customer(desk: Any, customer_id: str) -> None:
    other = await desk.file(customer_id=str(uuid4()))
    body = {**BODY, "follows_complaint_id": other.id}
    answer = await desk.http.post("/complaints", json=body, headers=desk.customer(customer_id))
    assert (answer.status_code, answer.json()["code"]) == (422, "followed_complaint")


async def test_changes_need_the_version_that_was_read(desk: Any) -> None:
    case = await desk.owned()
    bare = await desk.http.post(f"{case.path}/wait", json={"waiting_on": "customer"})
    assert bare.status_code == 428
    stale = await desk.http.post(
        f"{case.path}/wait", json={"waiting_on": "customer"}, headers={"If-Match": '"1"'}
    )
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert (await case.read())["status"] == "investigating"


async def test_what_the_suite_finds_out_takes_nothing_from_what_a_person_writes(desk: Any, mail: Any) -> None:
    case = await desk.file(channel="email")
    etag = case.etag
    await mail.run_once()
    await case.read()
    assert case.etag != etag, "the representation changed"
    case.etag = etag
    assert (await case.do("assignment", owner_id="agent-7"))["acknowledged_at"] is not None


async def test_the_same_key_files_one_complaint(desk: Any, outbox: Any) -> None:
    key = {"Idempotency-Key": "k-1"}
    first, second = [await desk.http.post("/complaints", json=BODY, headers=key) for _ in range(2)]
    assert (first.status_code, first.json(), first.headers["etag"]) == (
        second.status_code,
        second.json(),
        second.headers["etag"],
    )
    assert len((await desk.http.get("/complaints")).json()["items"]) == 1
    assert [kind for kind, _, _ in await outbox()].count("complaint_received") == 1
    assert first.headers["location"] == f"/complaints/v1/complaints/{first.json()['id']}"


async def test_assigning_twice_is_one_assignment(desk: Any, outbox: Any) -> None:
    case = await desk.owned()
    version = case.now["version"]
    assert (await case.do("assignment", owner_id="agent-7"))["version"] == version
    await case.do("assignment", owner_id="agent-8", reason="Holiday.")
    assigned = [payload for kind, _, payload in await outbox() if kind == "complaint_assigned"]
    assert len(assigned) == 2
    assert '"previous_owner_id":"agent-7"' in assigned[1]


@pytest.fixture
def printed_logs() -> None:
    """Whatever a test before has set up, lines go to standard output."""
    structlog.reset_defaults()


@pytest.mark.usefixtures("printed_logs")
async def test_no_name_address_or_text_is_in_any_event_or_log(
    desk: Any, mail: Any, outbox: Any, issuer: Any, customer_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "SECRET-7f3a"
    contact = {"name": f"Name {secret}", "email": "secret-7f3a@example.com", "phone": "+86 1370000 7777"}
    case = await desk.file(contact=contact, description=secret, customer_id=customer_id)
    await case.do("assignment", owner_id="agent-7", reason=secret)
    await case.do("severity", severity="critical", reason=secret)
    await case.do("investigation-notes", text=secret)
    await case.do("wait", waiting_on="customer", reason=secret)
    await case.do("resumption", reason=secret)
    await case.do("response", channel="email", text=secret, by_mail=True)
    await case.do("contact-attempts", channel="sms", reached=False, note=secret)
    await case.do("root-cause", cause_code="privacy", analysis=secret)
    await case.do("corrective-action", corrective=secret, preventive=secret)
    await case.do(
        "corrective-action/verification", evidence=secret, headers=issuer.headers("supervisor", "lead-1")
    )
    await case.do("decision", outcome="upheld", cause_code="privacy", explanation=secret)
    await mail.run_once()
    await case.do("satisfaction", satisfied=False, score=1, comment=secret)
    await case.do("closure")
    await case.do("reopening", reason=secret)
    await case.do("withdrawal", reason=secret)
    written = await outbox()
    assert len({kind for kind, _, _ in written}) == 14, "every event but the failed delivery"
    printed = capsys.readouterr()
    assert "mail_settled" in printed.out
    for text in (*(payload for _, _, payload in written), printed.out, printed.err):
        assert "7f3a" not in text
        assert "7777" not in text
