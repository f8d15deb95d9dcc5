"""Whatever happens to a ticket in whatever order, it stays sound, and what is refused changes nothing."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.ticketing.domain.follow_up import FollowUpAnswer
from services.ticketing.domain.ticket import Request, Ticket
from services.ticketing.domain.ticket_status import LIVE, TicketCommand, TicketStatus, transition
from services.ticketing.messaging.outbound import OUTBOUND
from shared.kernel.context import Actor
from shared.kernel.errors import ConflictError, InvalidInputError, NotFoundError

C, S = TicketCommand, TicketStatus
T0 = datetime(2026, 3, 2, tzinfo=UTC)
CLOCK = UUID(int=1)
ACTORS = st.sampled_from([Actor("agent", "a-1"), Actor("system", "import"), Actor("customer", "c-1")])
MINUTES = st.integers(min_value=-30, max_value=240)
WORDS = st.sampled_from(["a", "b", "c"])
COMMANDS = {
    C.CLASSIFY: lambda t, at, by, w: t.classify(at, by, kind=w, category=None, queue=None),
    C.PRIORITISE: lambda t, at, by, w: t.prioritise(at, by, {"a": "low", "b": "high", "c": "critical"}[w]),
    C.CHANGE_CUSTOMER: lambda t, at, by, w: t.change_customer(at, by, UUID(int=ord(w))),
    C.ASSIGN: lambda t, at, by, w: t.assign(at, by, w),
    C.TRANSFER: lambda t, at, by, w: t.transfer(at, by, w),
    C.START_WORK: lambda t, at, by, w: t.start_work(at, by),
    C.REPLY: lambda t, at, by, w: t.reply(at, by, w),
    C.NOTE: lambda t, at, by, w: t.note(at, by, w),
    C.CUSTOMER_REPLY: lambda t, at, by, w: t.record_customer_reply(at, by, w),
    C.WAIT: lambda t, at, by, w: t.wait(at, by, "customer" if w == "a" else "third_party"),
    C.RESUME: lambda t, at, by, w: t.resume(at, by),
    C.ESCALATE: lambda t, at, by, w: t.escalate(at, by),
    C.COMMIT: lambda t, at, by, w: t.commit_date(at, by, at + timedelta(days=ord(w) - 96), w),
    C.RESOLVE: lambda t, at, by, w: t.resolve(at, by, w),
    C.REOPEN: lambda t, at, by, w: t.reopen(at, by, w),
    C.CLOSE: lambda t, at, by, w: t.close(at, by),
    C.RECORD_FOLLOW_UP: lambda t, at, by, w: t.record_follow_up(at, by, FollowUpAnswer(csat=ord(w) - 96)),
    C.CANCEL: lambda t, at, by, w: t.cancel(at, by, w),
}
ENDING = {C.DELETE: lambda t, at, by, w: t.delete(at, by)}


class TicketMachine(RuleBasedStateMachine):
    """Commands at any time, by anybody, with clocks that run back and forth."""

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.published: list[Any] = []
        self.stamps: list[datetime] = []

    @initialize(by=ACTORS)
    def opens(self, by: Actor) -> None:
        self.ticket = Ticket.open(Request(customer_id=UUID(int=7), channel="web", subject="x"), T0, by)
        self.ticket.numbered(1)
        self.collect()

    @rule(command=st.sampled_from(list(COMMANDS)), by=ACTORS, word=WORDS, minutes=MINUTES)
    def commands(self, command: TicketCommand, by: Actor, word: str, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        before = deepcopy(self.ticket)
        allowed = transition(command, before.status)
        try:
            COMMANDS[command](self.ticket, self.now, by, word)
        except (ConflictError, InvalidInputError, NotFoundError):
            assert self.ticket == before
            assert not self.ticket.is_changed
            assert self.ticket.take_events() == []
            return
        assert allowed is not None
        if allowed.target is not None and self.ticket.is_changed:
            assert self.ticket.status is allowed.target
        self.collect()

    @rule(by=ACTORS, level=st.integers(1, 12), minutes=MINUTES)
    def breaches(self, by: Actor, level: int, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        before = deepcopy(self.ticket)
        had_effect = self.ticket.escalate_for_breach(self.now, by, CLOCK, level)
        assert had_effect == (before.status in LIVE)
        assert self.ticket.status is before.status
        self.collect()

    @rule(by=ACTORS, word=WORDS, command=st.sampled_from(list(ENDING)), really=st.integers(0, 9))
    def ends(self, by: Actor, word: str, command: TicketCommand, really: int) -> None:
        if really == 0 and self.ticket.status is not S.DELETED:
            ENDING[command](self.ticket, self.now, by, word)
            self.collect()

    def collect(self) -> None:
        events = self.ticket.take_events()
        self.published += [(event, OUTBOUND[type(event)](event)) for event in events]
        self.stamps += [step.occurred_at for step in self.ticket.take_steps()]

    @invariant()
    def waits_for_somebody_exactly_while_waiting(self) -> None:
        assert (self.ticket.status is S.WAITING) == (self.ticket.waiting_on is not None)

    @invariant()
    def is_dated_by_its_state(self) -> None:
        status = self.ticket.status
        if status in LIVE:
            assert self.ticket.resolved_at is None
            assert self.ticket.closed_at is None
        if status is S.CLOSED:
            assert self.ticket.closed_at is not None
            assert self.ticket.follow_up_id is not None

    @invariant()
    def counts_its_events_and_never_stamps_backwards(self) -> None:
        told = [event for event, _ in self.published]
        assert [event.sequence for event in told] == list(range(1, len(told) + 1))
        assert [event.occurred_at for event in told] == sorted(event.occurred_at for event in told)
        assert self.stamps == sorted(self.stamps)

    @invariant()
    def publishes_every_event(self) -> None:
        assert all(contract is not None for _, contract in self.published)


TicketMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
test_ticket_stays_sound = TicketMachine.TestCase
