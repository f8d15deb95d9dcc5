"""A complaint from intake to closure, over HTTP on a real database."""

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
