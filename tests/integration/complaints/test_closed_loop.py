"""A complaint from intake to closure, over HTTP on a real database."""

import asyncio
from datetime import timedelta
from typing import Any

CAUSE = {"cause_code": "billing_error"}
DECISION = {"outcome": "upheld", **CAUSE, "explanation": "Paid back."}


async def test_the_loop_closes_when_the_customer_has_the_decision_and_was_asked(
    desk: Any, mail: Any, outbox: Any
) -> None:
    case = await desk.file(channel="email", language="zh")
    assert case.now["status"] == "received"
    assert case.now["number"].startswith("C-0000")
    assert case.now["acknowledged_at"] is None
    assert await mail.run_once() == 1
    assert (await case.read())["acknowledged_at"] is not None
    assert case.now["responded_at"] is None
    await case.do("assignment", owner_id="agent-7")
    await case.do("response", channel="phone", text="We are looking into it.")
    await case.do("decision", **DECISION)
    await case.refused("closure", 409, "complaint_closure_needs_delivery")
    assert await mail.run_once() == 1
    assert (await case.read())["handling"]["closure_needs"] == []
    await case.do("satisfaction", satisfied=True, score=5)
    closed = await case.do("closure")
    assert closed["status"] == "closed"
    assert [kind for kind, _, _ in await outbox()] == [
        "complaint_received",
        "complaint_acknowledged",
        "complaint_assigned",
        "complaint_responded",
        "complaint_decided",
        "decision_delivered",
        "complaint_satisfaction_recorded",
        "complaint_closed",
    ]
    assert [sequence for _, sequence, _ in await outbox()] == list(range(1, 9))
    acknowledgement, decision = await case.messages()
    assert acknowledgement["template"] == "acknowledgement.v1"
    assert acknowledgement["subject"] == f"我们已收到您的投诉 {case.now['number']}"
    assert decision["status"] == "delivered"
    assert "Paid back." in decision["body"]


async def test_serious_and_upheld_closes_only_with_cause_action_prevention_and_verification(
    desk: Any, mail: Any, issuer: Any
) -> None:
    case = await desk.owned(severity="serious")
    supervisor = issuer.headers("supervisor", "lead-1")
    await case.do("decision", **DECISION)
    await mail.run_once()
    await case.refused("closure", 409, "complaint_closure_needs_root_cause")
    await case.refused("corrective-action", 409, "root_cause_missing", corrective="Pay back")
    await case.refused("root-cause", 409, "cause_code_contradicts", cause_code="privacy", analysis="?")
    await case.do("root-cause", **CAUSE, analysis="A job ran twice.")
    problem = await case.refused("closure", 409, "complaint_closure_needs_corrective_action")
    assert problem["missing"] == ["corrective_action", "preventive_action", "verified_action"]
    await case.do("corrective-action", corrective="Pay back")
    await case.refused("closure", 409, "complaint_closure_needs_preventive_action")
    await case.do("corrective-action", corrective="Pay back", preventive="Lock the job", headers=supervisor)
    await case.refused("closure", 409, "complaint_closure_needs_verified_action")
    await case.refused(
        "corrective-action/verification",
        409,
        "corrective_action_verified_by_its_author",
        evidence="I looked",
        headers=supervisor,
    )
    await case.do(
        "corrective-action/verification",
        evidence="No double charge since.",
        headers=issuer.headers("quality"),
    )
    assert (await case.do("closure"))["status"] == "closed"


async def test_same_customer_and_cause_within_the_policys_days_is_recurring(
    desk: Any, mail: Any, clock: Any, customer_id: str
) -> None:
    first = await desk.owned(customer_id=customer_id)
    assert (await first.do("decision", **DECISION))["handling"]["recurring"] is False
    other_cause = await desk.owned(customer_id=customer_id)
    privacy = {**DECISION, "cause_code": "privacy"}
    assert (await other_cause.do("decision", **privacy))["handling"]["recurring"] is False
    nobody = await desk.owned()
    assert (await nobody.do("decision", **DECISION))["handling"]["recurring"] is False
    clock.set(clock.now() + timedelta(days=89))
    second = await desk.owned(customer_id=customer_id)
    assert (await second.do("decision", **DECISION))["handling"]["recurring"] is True
    await mail.run_once()
    await second.refused("closure", 409, "complaint_closure_needs_root_cause")
    clock.set(clock.now() + timedelta(days=90))
    third = await desk.owned(customer_id=customer_id)
    assert (await third.do("decision", **DECISION))["handling"]["recurring"] is False


async def test_without_an_address_a_person_brings_the_decision_and_asks(desk: Any, mail: Any) -> None:
    case = await desk.owned(channel="letter", contact={"name": "Li Lei"})
    assert case.now["acknowledged_at"] is None
    await case.do("decision", outcome="not_upheld", cause_code="expectation", explanation="As agreed.")
    assert await mail.run_once() == 0
    acknowledgement, decision = await case.messages()
    assert [acknowledgement["status"], decision["status"]] == ["awaiting_hand_over"] * 2
    await case.do("deliveries", channel="letter", customer_asked=False, message_id=acknowledgement["id"])
    assert case.now["acknowledged_at"] is not None
    await case.refused("closure", 409, "complaint_closure_needs_delivery")
    await case.do("deliveries", channel="letter", customer_asked=False)
    await case.refused("closure", 409, "complaint_closure_needs_customer_asked")
    await case.refused("satisfaction", 409, "customer_not_asked", satisfied=True)
    await case.do("deliveries", channel="phone", customer_asked=True, note="Called back.")
    await case.refused("deliveries", 409, "decision_already_delivered", channel="phone", customer_asked=True)
    assert case.now["decision"]["delivered_channel"] == "letter"
    assert case.now["responded_at"] is not None
    assert (await case.do("closure"))["status"] == "closed"


async def test_unreachable_stands_on_attempts_in_vain_on_two_channels(desk: Any) -> None:
    unreachable = {"outcome": "unreachable", "cause_code": "not_established", "explanation": "No answer."}
    case = await desk.owned(contact={"phone": "+86 10 1234 5678"})
    for _ in range(3):
        await case.do("contact-attempts", channel="phone", reached=False)
    problem = await case.refused("decision", 409, "contact_attempts_missing", **unreachable)
    assert (problem["attempts"], problem["channels"], problem["needed_channels"]) == (3, ["phone"], 2)
    await case.do("contact-attempts", channel="sms", reached=False)
    await case.do("decision", **unreachable)
    assert case.now["decision"]["message_id"] is None
    await case.refused("deliveries", 404, "message_not_found", channel="phone", customer_asked=True)
    assert (await case.do("closure"))["status"] == "closed"


async def test_reaching_the_customer_ends_the_row_of_attempts_in_vain(desk: Any) -> None:
    case = await desk.owned(contact={})
    for channel in ("phone", "sms", "phone"):
        await case.do("contact-attempts", channel=channel, reached=False)
    await case.do("contact-attempts", channel="phone", reached=True)
    await case.refused(
        "decision",
        409,
        "contact_attempts_missing",
        outcome="unreachable",
        cause_code="not_established",
        explanation="…",
    )


async def test_withdrawal_needs_its_confirmation_settled_and_no_more(
    desk: Any, mail: Any, outbox: Any, customer_id: str
) -> None:
    case = await desk.file(customer_id=customer_id)
    await case.do("withdrawal", headers=desk.customer(customer_id))
    assert case.now["status"] == "decided"
    await case.read()
    assert case.now["decision"]["cause_code"] == "not_established"
    await case.refused("closure", 409, "complaint_closure_needs_settled_confirmation")
    await mail.run_once()
    await case.read()
    assert (await case.do("closure"))["status"] == "closed"
    kinds = [kind for kind, _, _ in await outbox()]
    assert kinds[1:3] == ["complaint_withdrawn", "complaint_decided"]
    assert "complaint_responded" not in kinds


async def test_reopening_in_time_takes_the_decision_back_and_later_a_new_complaint_follows(
    desk: Any, mail: Any, clock: Any, customer_id: str
) -> None:
    case = await desk.owned(customer_id=customer_id)
    await case.do("decision", **DECISION)
    again = await case.do("reopening", reason="Wrong amount.")
    assert (again["status"], again["decision"], again["reopen_count"]) == ("investigating", None, 1)
    assert await mail.run_once() == 1, "only the acknowledgement leaves"
    assert [message["status"] for message in await case.messages()] == ["delivered", "superseded"]
    await case.read()
    await case.do("decision", **DECISION)
    await mail.run_once()
    await case.do("closure")
    clock.set(clock.now() + timedelta(days=29))
    assert (await case.do("reopening", reason="Still."))["responded_at"] is None
    await case.do("decision", **DECISION)
    await mail.run_once()
    await case.do("closure")
    clock.set(clock.now() + timedelta(days=30))
    await case.refused("reopening", 409, "reopening_period_over", reason="Late.")
    follower = await desk.file(customer_id=customer_id, follows_complaint_id=case.id)
    assert follower.now["follows_complaint_id"] == case.id
    listed = await desk.http.get("/complaints", params={"follows_complaint_id": case.id})
    assert [item["id"] for item in listed.json()["items"]] == [follower.id]


async def test_waiting_stops_and_resumes_and_a_decision_may_end_it(desk: Any, outbox: Any) -> None:
    case = await desk.owned()
    await case.refused("resumption", 409, "complaint_not_waiting")
    await case.do("wait", waiting_on="customer", reason="Needs the invoice.")
    await case.refused("wait", 409, "complaint_already_waiting", waiting_on="third_party")
    await case.do("resumption")
    await case.do("wait", waiting_on="third_party")
    decided = await case.do("decision", **DECISION)
    assert (decided["status"], decided["waiting_on"]) == ("decided", None)
    kinds = [kind for kind, _, _ in await outbox()]
    assert kinds[2:] == [
        "complaint_waiting",
        "complaint_resumed",
        "complaint_waiting",
        "complaint_decided",
    ]


async def test_nothing_is_done_about_a_complaint_that_nobody_owns(desk: Any) -> None:
    case = await desk.file()
    await case.refused("response", 409, "complaint_needs_owner", channel="phone", text="Hello")
    await case.refused("decision", 409, "complaint_needs_owner", **DECISION)
    await case.refused("closure", 409, "complaint_not_decided")


async def test_of_two_decisions_at_once_on_one_customer_and_cause_exactly_one_is_recurring(
    desk: Any, customer_id: str
) -> None:
    cases = [await desk.owned(customer_id=customer_id) for _ in range(2)]
    decided = await asyncio.gather(*(case.do("decision", **DECISION) for case in cases))
    assert sorted(one["handling"]["recurring"] for one in decided) == [False, True]


async def test_of_two_people_who_read_the_same_version_one_decides(desk: Any, outbox: Any) -> None:
    case = await desk.owned()
    answers = await asyncio.gather(*(case.post("decision", **DECISION) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert [kind for kind, _, _ in await outbox()].count("complaint_decided") == 1
    assert [message["kind"] for message in await case.messages()].count("decision") == 1
