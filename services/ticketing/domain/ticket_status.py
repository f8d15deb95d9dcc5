"""The ticket's state machine in one table: which command moves a ticket from where to where, and why.

`docs/states/ticket.md` is drawn from `TRANSITIONS`. Real desks do things that tidy machines forget, so these
are legal: resolving a ticket nobody started (new → resolved), resolving out of a wait, reopening from closed.

A command in a state where the table has no row is refused with the error that `refusal` names, and changes
nothing. A command that would change nothing is declared in `ON_REPEAT`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.ticketing.domain import ticket_errors as errors
from shared.kernel.errors import CareloopError


class TicketStatus(StrEnum):
    """Who enters a state, and who leaves it, stands in `TRANSITIONS`."""

    NEW = "new"  # taken in, nobody has it
    OPEN = "open"  # somebody's, or back from a wait or a closure; nobody works on it now
    IN_PROGRESS = "in_progress"  # being worked on
    WAITING = "waiting"  # on the customer or a third party
    RESOLVED = "resolved"  # answered; the customer may disagree
    CLOSED = "closed"  # finished; the customer was asked how it went
    CANCELLED = "cancelled"  # withdrawn, or never a request
    MERGED = "merged"  # goes on in another ticket
    DELETED = "deleted"  # removed; only its number and its steps without text remain


class TicketCommand(StrEnum):
    """What can be done to a ticket that exists."""

    CLASSIFY = "classify"
    PRIORITISE = "prioritise"
    CHANGE_CUSTOMER = "change_customer"
    ASSIGN = "assign"
    TRANSFER = "transfer"
    START_WORK = "start_work"
    REPLY = "reply"
    NOTE = "note"
    CUSTOMER_REPLY = "customer_reply"
    CUSTOMER_ANSWER = "customer_answer"
    WAIT = "wait"
    RESUME = "resume"
    ESCALATE = "escalate"
    COMMIT = "commit"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    CLOSE = "close"
    RECORD_FOLLOW_UP = "record_follow_up"
    CANCEL = "cancel"
    MERGE = "merge"
    ABSORB = "absorb"
    DELETE = "delete"


S, C = TicketStatus, TicketCommand

LIVE = frozenset({S.NEW, S.OPEN, S.IN_PROGRESS, S.WAITING})
FINISHED = frozenset({S.RESOLVED, S.CLOSED})
ENDED = frozenset({S.CANCELLED, S.MERGED, S.DELETED})


@dataclass(frozen=True)
class Transition:
    """One row: `command` is allowed in `sources` and leads to `target` (None: the state stays)."""

    command: TicketCommand
    sources: frozenset[TicketStatus]
    target: TicketStatus | None
    why: str


TRANSITIONS: tuple[Transition, ...] = (
    Transition(C.CLASSIFY, LIVE | FINISHED, None, "what it was about is often known only at the end"),
    Transition(
        C.PRIORITISE, LIVE | {S.RESOLVED}, None, "urgency is judged while somebody may still act on it"
    ),
    Transition(
        C.CHANGE_CUSTOMER, LIVE | FINISHED, None, "a ticket filed under the wrong customer is corrected"
    ),
    Transition(C.ASSIGN, frozenset({S.NEW}), S.OPEN, "somebody has it now"),
    Transition(
        C.ASSIGN,
        frozenset({S.OPEN, S.IN_PROGRESS, S.WAITING, S.RESOLVED}),
        None,
        "a hand-over does not change what is being done",
    ),
    Transition(
        C.TRANSFER,
        frozenset({S.NEW, S.OPEN, S.WAITING, S.RESOLVED}),
        None,
        "another queue has it, and has not touched it yet",
    ),
    Transition(C.TRANSFER, frozenset({S.IN_PROGRESS}), S.OPEN, "whoever worked on it no longer does"),
    Transition(
        C.START_WORK,
        frozenset({S.NEW, S.OPEN}),
        S.IN_PROGRESS,
        "taking it straight from new is daily practice",
    ),
    Transition(C.REPLY, LIVE | FINISHED, None, "an answer is never refused for lack of form"),
    Transition(C.NOTE, LIVE | FINISHED, None, "colleagues may add what they know at any time"),
    Transition(
        C.CUSTOMER_REPLY,
        LIVE | FINISHED,
        None,
        "no customer's message is lost; reopening is a decision of its own",
    ),
    Transition(
        C.CUSTOMER_ANSWER,
        frozenset({S.WAITING}),
        S.OPEN,
        "the customer whom we waited for has written: somebody must look",
    ),
    Transition(
        C.WAIT,
        LIVE,
        S.WAITING,
        "also straight from new, and from waiting on one side to waiting on the other",
    ),
    Transition(C.RESUME, frozenset({S.WAITING}), S.IN_PROGRESS, "who resumes works on it"),
    Transition(C.ESCALATE, LIVE, None, "a level is raised only while somebody can still help"),
    Transition(C.COMMIT, LIVE, None, "a date (承诺时限) is promised for what is not yet solved"),
    Transition(
        C.RESOLVE, LIVE, S.RESOLVED, "first calls are solved at once, and waits often end in the solution"
    ),
    Transition(C.REOPEN, FINISHED, S.OPEN, "the customer disagrees, even after closure"),
    Transition(
        C.CLOSE, frozenset({S.RESOLVED}), S.CLOSED, "the customer did not disagree; now they are asked (回访)"
    ),
    Transition(C.RECORD_FOLLOW_UP, frozenset({S.CLOSED}), None, "answered once for each closure"),
    Transition(C.CANCEL, LIVE, S.CANCELLED, "withdrawn by the customer, or never a request"),
    Transition(C.MERGE, LIVE | {S.RESOLVED}, S.MERGED, "the same matter twice goes on once"),
    Transition(C.ABSORB, LIVE, None, "only a ticket that goes on can go on for two"),
    Transition(C.DELETE, frozenset(S) - {S.DELETED}, S.DELETED, "spam, or by law: possible in every state"),
)


class OnRepeat(StrEnum):
    """What a command does when it would change nothing."""

    NO_EFFECT = "no_effect"  # success; no event, no step, the version stays
    CONFLICT = "conflict"  # refused with a named error
    AGAIN = "again"  # each time counts: a second message is a second message


ON_REPEAT: Mapping[TicketCommand, OnRepeat] = {
    C.CLASSIFY: OnRepeat.NO_EFFECT,
    C.PRIORITISE: OnRepeat.NO_EFFECT,
    C.CHANGE_CUSTOMER: OnRepeat.NO_EFFECT,
    C.ASSIGN: OnRepeat.NO_EFFECT,
    C.TRANSFER: OnRepeat.NO_EFFECT,
    C.COMMIT: OnRepeat.NO_EFFECT,
    C.REPLY: OnRepeat.AGAIN,
    C.NOTE: OnRepeat.AGAIN,
    C.CUSTOMER_REPLY: OnRepeat.AGAIN,
    C.CUSTOMER_ANSWER: OnRepeat.CONFLICT,
    C.ESCALATE: OnRepeat.AGAIN,
    C.ABSORB: OnRepeat.AGAIN,
    C.START_WORK: OnRepeat.CONFLICT,
    C.WAIT: OnRepeat.CONFLICT,
    C.RESUME: OnRepeat.CONFLICT,
    C.RESOLVE: OnRepeat.CONFLICT,
    C.REOPEN: OnRepeat.CONFLICT,
    C.CLOSE: OnRepeat.CONFLICT,
    C.RECORD_FOLLOW_UP: OnRepeat.CONFLICT,
    C.CANCEL: OnRepeat.CONFLICT,
    C.MERGE: OnRepeat.CONFLICT,
    C.DELETE: OnRepeat.CONFLICT,
}

_BY_PAIR: Mapping[tuple[TicketCommand, TicketStatus], Transition] = {
    (row.command, source): row for row in TRANSITIONS for source in row.sources
}

_REFUSED: Mapping[tuple[TicketCommand, TicketStatus], type[CareloopError]] = {
    (C.START_WORK, S.IN_PROGRESS): errors.WorkAlreadyStartedError,
    (C.START_WORK, S.WAITING): errors.TicketWaitingError,
    (C.RESOLVE, S.RESOLVED): errors.TicketAlreadyResolvedError,
    (C.CLOSE, S.CLOSED): errors.TicketAlreadyClosedError,
    (C.CANCEL, S.CANCELLED): errors.TicketAlreadyCancelledError,
    (C.MERGE, S.MERGED): errors.TicketAlreadyMergedError,
    **{(C.RESUME, status): errors.TicketNotWaitingError for status in LIVE - {S.WAITING}},
    **{(C.CUSTOMER_ANSWER, status): errors.TicketNotWaitingError for status in LIVE - {S.WAITING}},
    **{(C.REOPEN, status): errors.TicketNotFinishedError for status in LIVE},
    **{(C.CLOSE, status): errors.TicketNotResolvedError for status in LIVE},
    **{
        (C.RECORD_FOLLOW_UP, status): errors.FollowUpNotRequestedError
        for status in LIVE | {S.RESOLVED, S.CANCELLED}
    },
}

_REFUSED_BY_STATUS: Mapping[TicketStatus, type[CareloopError]] = {
    S.RESOLVED: errors.TicketResolvedError,
    S.CLOSED: errors.TicketClosedError,
    S.CANCELLED: errors.TicketCancelledError,
    S.MERGED: errors.TicketMergedError,
    S.DELETED: errors.TicketNotFoundError,
}


def transition(command: TicketCommand, status: TicketStatus) -> Transition | None:
    """The row for a command in a state, or None when it is refused."""
    return _BY_PAIR.get((command, status))


def refusal(command: TicketCommand, status: TicketStatus) -> type[CareloopError]:
    """The error that names why `command` is refused in `status`."""
    return _REFUSED.get((command, status)) or _REFUSED_BY_STATUS[status]


def after(command: TicketCommand, status: TicketStatus) -> TicketStatus:
    """The state that `command` leads to from `status`; raises the named error when it is not allowed."""
    row = transition(command, status)
    if row is None:
        raise refusal(command, status)()
    return row.target or status
