"""What sla tells of the clocks: folded in any order, shown on the complaint, a breach marks it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.complaints.domain.errors import ComplaintNotFoundError
from services.complaints.messaging.inbound import SUBSCRIPTIONS
from shared.contracts import sla
from shared.events.envelope import Envelope
from shared.kernel.context import Actor

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
CLOCK = UUID(int=77)


def at(hours: int) -> datetime:
    return START + timedelta(hours=hours)


class Sla:
    """Hands events to the service's subscriptions as the consumer does."""

    def __init__(self, service: Any) -> None:
        self.database = service.database
        self.handlers = {subscription.contract: subscription for subscription in SUBSCRIPTIONS}

    async def tell(self, sequence: int, contract: type[Any], complaint_id: str, **facts: Any) -> None:
        given = {
            "clock_id": CLOCK,
            "subject_kind": "complaint",
            "subject_id": complaint_id,
            "agreement": "regulatory",
            "metric": "response",
            "cycle": 1,
            "policy_version_id": UUID(int=5),
            "due_at": at(24),
            **facts,
        }
        told = contract(**{name: given[name] for name in contract.model_fields if name in given})
        envelope = Envelope(
            id=uuid4(),
            source="sla",
            type=contract.TYPE,
            key=UUID(complaint_id),
            sequence=sequence,
            occurred_at=START,
            correlation_id=uuid4(),
        )
        subscription = self.handlers[contract]
        assert subscription.concerns is not None
        if not subscription.concerns(told):
            return

        async def command(work: Any) -> None:
            await subscription.prepare(work, [(envelope, told)])
            await subscription.handle(work, envelope, told)

        await self.database.run(command, actor=Actor("system", "complaints"))


@pytest.fixture
def sla_events(service: Any) -> Sla:
    return Sla(service)


STARTED = (1, sla.ClockStartedV1, {"started_at": at(0)})
WARNED = (2, sla.ClockWarnedV1, {"level": 1, "threshold": "0.5", "threshold_at": at(12), "fired_at": at(12)})
BREACHED = (3, sla.ClockBreachedV1, {"breached_at": at(24), "fired_at": at(24)})
RETRACTED = (4, sla.BreachRetractedV1, {"retracted_breached_at": at(24)})
MET = (5, sla.ClockMetV1, {"fulfilled_at": at(23)})
MISSED = (4, sla.ClockMissedV1, {"fulfilled_at": at(25), "breached_at": at(24)})


async def tell_all(events: Any, case: Any, *told: Any) -> dict[str, Any]:
    for sequence, contract, facts in told:
        await events.tell(sequence, contract, case.id, **facts)
    shown: dict[str, Any] = (await case.read())["handling"]
    return shown


async def test_the_response_clock_is_shown_on_the_complaint(desk: Any, sla_events: Sla) -> None:
    case = await desk.owned()
    shown = await tell_all(sla_events, case, STARTED, WARNED)
    (clock,) = shown["clocks"]
    assert (clock["metric"], clock["agreement"], clock["state"]) == ("response", "regulatory", "running")
    assert datetime.fromisoformat(clock["due_at"]) == at(24)
    assert datetime.fromisoformat(clock["warned_at"]) == at(12)
    assert shown["escalation_level"] == 0


async def test_a_breach_marks_the_complaint_once_and_leaves_the_version_alone(
    desk: Any, sla_events: Sla, clock: Any
) -> None:
    case = await desk.owned()
    version = case.now["version"]
    clock.set(at(24))
    shown = await tell_all(sla_events, case, STARTED, BREACHED, BREACHED)
    assert (shown["escalation_level"], shown["overdue"]) == (1, True)
    assert case.now["version"] == version
    escalated = [entry for entry in await case.timeline() if entry["kind"] == "escalated"]
    assert len(escalated) == 1
    assert escalated[0]["facts"]["metric"] == "response"
    listed = await desk.http.get("/complaints", params={"overdue": "true"})
    assert [item["id"] for item in listed.json()["items"]] == [case.id]


@pytest.mark.parametrize(
    "order",
    [(STARTED, BREACHED, MISSED), (MISSED, BREACHED, STARTED), (BREACHED, MISSED, STARTED, BREACHED)],
    ids=["in order", "backwards", "shuffled and twice"],
)
async def test_order_does_not_matter_and_a_breach_is_marked_however_late_it_is_told(
    desk: Any, sla_events: Sla, order: Any
) -> None:
    case = await desk.owned()
    shown = await tell_all(sla_events, case, *order)
    (clock,) = shown["clocks"]
    assert clock["state"] == "missed"
    assert datetime.fromisoformat(clock["started_at"]) == at(0)
    assert datetime.fromisoformat(clock["breached_at"]) == at(24)
    assert (shown["escalation_level"], shown["overdue"]) == (1, False)
    assert [entry["kind"] for entry in await case.timeline()].count("escalated") == 1


async def test_a_retracted_breach_takes_the_mark_away(desk: Any, sla_events: Sla) -> None:
    case = await desk.owned()
    shown = await tell_all(sla_events, case, STARTED, BREACHED, RETRACTED, MET)
    assert (shown["escalation_level"], shown["escalated_at"], shown["overdue"]) == (0, None, False)
    assert shown["clocks"][0]["state"] == "met"
    late = await tell_all(sla_events, case, BREACHED)
    assert late["escalation_level"] == 0, "older than its retraction"


async def test_overdue_is_known_from_the_due_date_even_before_the_breach_is_told(
    desk: Any, sla_events: Sla, clock: Any
) -> None:
    case = await desk.owned()
    await tell_all(sla_events, case, STARTED)

    async def overdue() -> list[str]:
        answer = await desk.http.get("/complaints", params={"overdue": "true"})
        return [item["id"] for item in answer.json()["items"]]

    clock.set(at(24) - timedelta(seconds=1))
    assert await overdue() == []
    clock.set(at(24))
    assert await overdue() == [case.id]
    await sla_events.tell(2, sla.ClockPausedV1, case.id, paused_at=at(23), due_at=None)
    assert await overdue() == []


async def test_the_ladder_raises_the_level_and_never_lowers_it(desk: Any, sla_events: Sla) -> None:
    case = await desk.owned()
    ladder = {"target": "supervisor", "threshold_at": at(25), "fired_at": at(25)}
    await sla_events.tell(6, sla.EscalationDueV1, case.id, level=2, **ladder)
    await sla_events.tell(5, sla.EscalationDueV1, case.id, level=1, **ladder)
    await sla_events.tell(7, sla.EscalationDigestV1, case.id, **digest_of((case.id, "escalation", 3)))
    assert (await case.read())["handling"]["escalation_level"] == 3


def digest_of(*items: tuple[str, str, int], subject_kind: str = "complaint") -> dict[str, Any]:
    """Each item: complaint id, kind, level."""
    facts = {"clock_id": CLOCK, "cycle": 1, "metric": "response", "threshold_at": at(26)}
    told = [
        {**facts, "subject_kind": subject_kind, "subject_id": complaint_id, "kind": kind, "level": level}
        for complaint_id, kind, level in items
    ]
    return {"target": "management", "window_start": at(26), "part": 1, "fired_at": at(26), "items": told}


async def test_a_digest_raises_each_complaint_to_its_highest_escalation(desk: Any, sla_events: Sla) -> None:
    cases = [await desk.owned() for _ in range(3)]
    first, second, warned = (case.id for case in cases)
    told = [
        (first, "escalation", 1),
        (second, "escalation", 2),
        (second, "escalation", 1),
        (warned, "warning", 1),
    ]
    await sla_events.tell(1, sla.EscalationDigestV1, str(uuid4()), **digest_of(*told))
    levels = [(await case.read())["handling"]["escalation_level"] for case in cases]
    assert levels == [1, 2, 0]
    of_tickets = digest_of((str(uuid4()), "escalation", 1), subject_kind="ticket")
    await sla_events.tell(2, sla.EscalationDigestV1, str(uuid4()), **of_tickets)


async def test_a_breach_told_after_closure_stays_on_the_clock_only(
    desk: Any, sla_events: Sla, mail: Any
) -> None:
    case = await desk.owned()
    await case.do("decision", outcome="not_upheld", cause_code="expectation", explanation="…")
    await mail.run_once()
    await case.do("closure")
    shown = await tell_all(sla_events, case, STARTED, BREACHED)
    assert shown["clocks"][0]["breached_at"] is not None
    assert shown["escalation_level"] == 0


async def test_cycles_are_kept_apart(desk: Any, sla_events: Sla) -> None:
    case = await desk.owned()
    await tell_all(sla_events, case, STARTED, BREACHED, MISSED)
    await sla_events.tell(9, sla.ClockStartedV1, case.id, started_at=at(40), cycle=2, due_at=at(64))
    shown = (await case.read())["handling"]
    assert [(clock["cycle"], clock["state"]) for clock in shown["clocks"]] == [(1, "missed"), (2, "running")]


async def test_clocks_of_tickets_are_left_alone_and_an_unknown_complaint_is_a_fault(
    desk: Any, sla_events: Sla
) -> None:
    case = await desk.owned()
    await sla_events.tell(1, sla.ClockStartedV1, str(uuid4()), subject_kind="ticket", started_at=at(0))
    assert (await case.read())["handling"]["clocks"] == []
    with pytest.raises(ComplaintNotFoundError):
        await sla_events.tell(1, sla.ClockStartedV1, str(uuid4()), started_at=at(0))


async def test_every_event_of_a_clock_has_a_subscription() -> None:
    subscribed = {one.contract for one in SUBSCRIPTIONS if one.contract.producer() == "sla"}
    published = {
        value
        for value in vars(sla).values()
        if isinstance(value, type) and getattr(value, "TYPE", "").startswith("sla.")
    }
    of_promised_dates = {sla.ClockRecommittedV1, sla.CommitmentAtRiskV1}  # which complaints do not have
    of_clocks = {one for one in published if "subject_kind" in one.model_fields}
    assert (of_clocks - of_promised_dates) | {sla.EscalationDigestV1} == subscribed
