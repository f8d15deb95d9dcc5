"""What a ticket does, command by command."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.ticketing.domain import ticket_errors as errors
from services.ticketing.domain import ticket_events as events
from services.ticketing.domain.follow_up import FollowUpAnswer
from services.ticketing.domain.ticket import Request, Ticket
from services.ticketing.domain.ticket_record import STEPS
from services.ticketing.domain.ticket_status import TicketStatus
from services.ticketing.domain.timeline import Step
from services.ticketing.domain.vocabulary import number_of, serial_of
from shared.kernel.context import Actor
from shared.kernel.errors import InvalidInputError
from shared.kernel.ids import new_id

T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
AGENT = Actor("agent", "agent-7")
SYSTEM = Actor("system", "sla")
CUSTOMER = Actor("customer", "c-1")


def opened(customer_id: UUID | None = None, serial: int = 1) -> Ticket:
    request = Request(
        customer_id=customer_id or new_id(), channel="phone", subject="VPN 登录失败", queue="first-line"
    )
    ticket = Ticket.open(request, T0, AGENT)
    ticket.numbered(serial)
    ticket.take_events()
    ticket.take_steps()
    return ticket


def at(minutes: int) -> datetime:
    return T0 + timedelta(minutes=minutes)


def resolved() -> Ticket:
    ticket = opened()
    ticket.resolve(at(1), AGENT, "fixed")
    ticket.take_events()
    ticket.take_steps()
    return ticket


def closed() -> Ticket:
    ticket = resolved()
    ticket.close(at(2), AGENT)
    ticket.take_events()
    ticket.take_steps()
    return ticket


def test_opening_tells_the_event_only_with_the_number() -> None:
    ticket = Ticket.open(Request(customer_id=new_id(), channel="web", subject="Help"), T0, CUSTOMER)
    assert ticket.take_events() == []
    ticket.numbered(123)
    (event,) = ticket.take_events()
    assert isinstance(event, events.TicketOpened)
    assert (event.number, event.sequence, event.state) == ("T-000123", 1, TicketStatus.NEW)
    (step,) = ticket.take_steps()
    assert (step.step, step.audience, step.text) == (Step.TICKET_OPENED, "public", None)


def test_every_event_but_the_opening_has_a_step_of_its_name() -> None:
    told = {
        value
        for value in vars(events).values()
        if isinstance(value, type) and value.__module__ == events.__name__
    }
    assert told - {events.TicketOpened} == set(STEPS)
    for event, step in STEPS.items():
        assert step.value.replace("_", "") == event.__name__.lower()


def test_events_never_run_backwards_and_count_without_gaps() -> None:
    ticket = opened()
    ticket.prioritise(at(5), AGENT, "high")
    ticket.assign(at(3), AGENT, "agent-9")
    ticket.note(at(1), AGENT, "call back")
    ticket.start_work(at(4), AGENT)
    told = ticket.take_events()
    assert [event.sequence for event in told] == [2, 3, 4]
    assert [event.occurred_at for event in told] == [at(5)] * 3
    assert [step.occurred_at for step in ticket.take_steps()] == [at(5)] * 4


def test_a_person_who_starts_what_nobody_has_takes_it() -> None:
    ticket = opened()
    ticket.start_work(at(1), AGENT)
    assert (ticket.status, ticket.assignee_id) == (TicketStatus.IN_PROGRESS, "agent-7")


def test_a_machine_that_starts_work_does_not_take_it() -> None:
    ticket = opened()
    ticket.start_work(at(1), SYSTEM)
    assert ticket.assignee_id is None


def test_transfer_leaves_the_ticket_without_assignee_and_stops_work() -> None:
    ticket = opened()
    ticket.start_work(at(1), AGENT)
    ticket.transfer(at(2), AGENT, "second-line")
    assert (ticket.status, ticket.assignee_id, ticket.queue) == (TicketStatus.OPEN, None, "second-line")


@pytest.mark.parametrize(
    "repeat",
    [
        lambda t: t.prioritise(at(9), AGENT, "moderate"),
        lambda t: t.classify(at(9), AGENT, kind="request", category=None, queue="first-line"),
        lambda t: t.change_customer(at(9), AGENT, t.customer_id),
        lambda t: t.transfer(at(9), AGENT, "first-line"),
    ],
    ids=["prioritise", "classify", "change_customer", "transfer"],
)
def test_setting_what_is_already_so_has_no_effect(repeat: object) -> None:
    ticket = opened()
    repeat(ticket)  # type: ignore[operator]
    assert not ticket.is_changed
    assert ticket.take_events() == []


def test_assigning_to_the_same_person_again_has_no_effect() -> None:
    ticket = opened()
    ticket.assign(at(1), AGENT, "agent-9")
    ticket.take_steps()
    ticket.assign(at(2), AGENT, "agent-9")
    assert not ticket.is_changed


def test_a_customers_answer_ends_the_wait_for_the_customer() -> None:
    ticket = opened()
    ticket.wait(at(1), AGENT, "customer")
    ticket.record_customer_reply(at(2), CUSTOMER, "here is the log")
    assert (ticket.status, ticket.waiting_on) == (TicketStatus.OPEN, None)
    assert [type(event) for event in ticket.take_events()][1:] == [
        events.CustomerReplied,
        events.TicketResumed,
    ]


def test_a_customers_message_does_not_end_the_wait_for_a_third_party() -> None:
    ticket = opened()
    ticket.wait(at(1), AGENT, "third_party")
    ticket.record_customer_reply(at(2), CUSTOMER, "any news?")
    assert ticket.status is TicketStatus.WAITING


def test_a_thank_you_does_not_reopen() -> None:
    ticket = resolved()
    ticket.record_customer_reply(at(5), CUSTOMER, "thank you")
    assert ticket.status is TicketStatus.RESOLVED


def test_waiting_may_change_sides_but_not_repeat() -> None:
    ticket = opened()
    ticket.wait(at(1), AGENT, "customer")
    ticket.wait(at(2), AGENT, "third_party", "vendor")
    with pytest.raises(errors.TicketAlreadyWaitingError):
        ticket.wait(at(3), AGENT, "third_party")
    assert ticket.waiting_on == "third_party"


def test_notes_are_on_the_timeline_and_nowhere_else() -> None:
    ticket = opened()
    ticket.note(at(1), AGENT, "customer is upset")
    (step,) = ticket.take_steps()
    assert (step.step, step.audience, step.text) == (Step.NOTE_ADDED, "staff", "customer is upset")
    assert ticket.take_events() == []
    assert ticket.sequence == 1


def test_free_text_is_never_in_an_event() -> None:
    ticket = opened()
    word = "秘密 secret"
    ticket.reply(at(1), AGENT, word)
    ticket.record_customer_reply(at(1), CUSTOMER, word)
    ticket.wait(at(1), AGENT, "customer", "info", word)
    ticket.escalate(at(1), AGENT, None, word)
    ticket.resolve(at(1), AGENT, "fixed", word)
    ticket.reopen(at(1), AGENT, "again", word)
    ticket.cancel(at(1), AGENT, "spam", word)
    assert word not in repr(ticket.take_events())


def test_escalation_by_hand_goes_up_and_only_up() -> None:
    ticket = opened()
    ticket.escalate(at(1), AGENT)
    ticket.escalate(at(2), AGENT, 4)
    with pytest.raises(errors.EscalationLevelNotHigherError):
        ticket.escalate(at(3), AGENT, 4)
    ticket.escalate(at(4), AGENT, 9)
    with pytest.raises(errors.HighestEscalationLevelError):
        ticket.escalate(at(5), AGENT)
    assert [event.level for event in ticket.take_events()] == [1, 4, 9]  # type: ignore[attr-defined]


def test_a_breach_raises_the_level_and_never_lowers_it() -> None:
    ticket = opened()
    ticket.escalate(at(1), AGENT, 3)
    clock = new_id()
    assert ticket.escalate_for_breach(at(2), SYSTEM, clock, 1)
    assert ticket.escalation_level == 3
    event = ticket.take_events()[-1]
    assert isinstance(event, events.TicketEscalated)
    assert (event.reason, event.level, event.clock_id) == ("breach", 3, clock)


@pytest.mark.parametrize("make", [resolved, closed], ids=["resolved", "closed"])
def test_a_breach_on_a_finished_ticket_is_noted_without_effect(make: object) -> None:
    ticket: Ticket = make()  # type: ignore[operator]
    before = (ticket.status, ticket.escalation_level)
    assert not ticket.escalate_for_breach(at(9), SYSTEM, new_id(), 2)
    assert (ticket.status, ticket.escalation_level) == before
    assert [step.step for step in ticket.take_steps()] == [Step.BREACH_NOTED]
    assert ticket.take_events() == []


def test_closing_asks_the_customer_once_for_each_closure() -> None:
    ticket = resolved()
    first = ticket.close(at(2), AGENT)
    ticket.record_follow_up(at(3), CUSTOMER, FollowUpAnswer(csat=2))
    with pytest.raises(errors.FollowUpAlreadyRecordedError):
        ticket.record_follow_up(at(4), CUSTOMER, FollowUpAnswer(csat=5))
    ticket.reopen(at(5), AGENT, "not_fixed")
    with pytest.raises(errors.FollowUpNotRequestedError):
        ticket.record_follow_up(at(6), CUSTOMER, FollowUpAnswer(csat=5))
    ticket.resolve(at(7), AGENT, "fixed")
    second = ticket.close(at(8), AGENT)
    assert first.id != second.id
    assert ticket.record_follow_up(at(9), CUSTOMER, FollowUpAnswer(nps=9)) == second.id
    assert ticket.reopen_count == 1


def test_reopening_forgets_how_it_ended() -> None:
    ticket = closed()
    ticket.reopen(at(5), AGENT, "not_fixed")
    assert (ticket.status, ticket.resolution_code, ticket.resolved_at, ticket.closed_at) == (
        TicketStatus.OPEN,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("scores", "error"),
    [
        ({}, errors.FollowUpAnswerMissingError),
        ({"csat": 0}, InvalidInputError),
        ({"csat": 6}, InvalidInputError),
        ({"nps": -1}, InvalidInputError),
        ({"nps": 11}, InvalidInputError),
    ],
)
def test_scores_out_of_range_are_refused(scores: dict[str, int], error: type[Exception]) -> None:
    with pytest.raises(error):
        FollowUpAnswer(**scores)  # type: ignore[arg-type]


def test_a_promised_date_moves_only_with_a_reason_and_only_forward_in_time() -> None:
    ticket = opened()
    with pytest.raises(errors.CommitmentInThePastError):
        ticket.commit_date(at(1), AGENT, at(1))
    ticket.commit_date(at(1), AGENT, at(60))
    with pytest.raises(errors.CommitmentReasonMissingError):
        ticket.commit_date(at(2), AGENT, at(90))
    ticket.commit_date(at(2), AGENT, at(60))
    ticket.commit_date(at(3), AGENT, at(90), "vendor_delay")
    assert [type(event) for event in ticket.take_events()] == [
        events.CommitmentMade,
        events.CommitmentChanged,
    ]
    assert ticket.committed_at == at(90)


def test_a_merged_ticket_goes_on_in_the_other_one() -> None:
    customer = new_id()
    loser, survivor = opened(customer, 1), opened(customer, 2)
    loser.merge_into(survivor, at(1), AGENT)
    assert (loser.status, loser.merged_into_id) == (TicketStatus.MERGED, survivor.id)
    (event,) = loser.take_events()
    assert isinstance(event, events.TicketMerged)
    assert event.same_customer
    (step,) = survivor.take_steps()
    assert step.details == {"ticket_id": str(loser.id), "number": "T-000001"}
    with pytest.raises(errors.TicketMergedError):
        opened().merge_into(loser, at(2), AGENT)


def test_a_ticket_cannot_be_merged_into_itself() -> None:
    ticket = opened()
    with pytest.raises(errors.MergeIntoItselfError):
        ticket.merge_into(ticket, at(1), AGENT)
    assert ticket.status is TicketStatus.NEW


def test_deleting_leaves_no_words() -> None:
    ticket = opened()
    ticket.delete(at(1), AGENT)
    assert (ticket.subject, ticket.description, ticket.external_number) == ("", "", None)


@pytest.mark.parametrize(
    ("text", "serial"),
    [("T-000123", 123), ("t-123", 123), (" T-7 ", 7), ("123", None), ("T-", None), ("T-x", None), ("", None)],
)
def test_numbers_are_read_as_people_write_them(text: str, serial: int | None) -> None:
    assert serial_of(text) == serial


def test_a_number_has_at_least_six_digits() -> None:
    assert (number_of(123), number_of(1234567)) == ("T-000123", "T-1234567")
