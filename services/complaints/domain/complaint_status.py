"""The life of a complaint (投诉): one table says what may happen when, and why.

`docs/states` draws this table; whoever changes it changes the service's behaviour and nothing else. A command
in a state where the table has no row is refused with the error that `refusal` names, and changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.complaints.domain import errors
from shared.kernel.errors import ConflictError


class Status(StrEnum):
    """Where a complaint stands. Who enters a state and who leaves it stands in `TRANSITIONS`."""

    RECEIVED = "received"  # taken in, or reopened, and nobody owns it
    INVESTIGATING = "investigating"  # one named owner works on it
    WAITING = "waiting"  # the investigation waits for the customer or a third party
    DECIDED = "decided"  # the outcome stands and is being brought to the customer
    CLOSED = "closed"  # the loop is closed (闭环)


class Command(StrEnum):
    """What can be asked of a complaint, by people or by the suite itself."""

    ASSIGN = "assign"
    RESPOND = "respond"
    WAIT = "wait"
    RESUME = "resume"
    ASSESS_SEVERITY = "assess_severity"
    ADD_NOTE = "add_note"
    RECORD_ROOT_CAUSE = "record_root_cause"
    RECORD_CORRECTIVE_ACTION = "record_corrective_action"
    VERIFY_CORRECTIVE_ACTION = "verify_corrective_action"
    RECORD_CONTACT_ATTEMPT = "record_contact_attempt"
    DECIDE = "decide"
    WITHDRAW = "withdraw"
    RECORD_DELIVERY = "record_delivery"
    RECORD_DELIVERY_FAILURE = "record_delivery_failure"
    RECORD_SATISFACTION = "record_satisfaction"
    CLOSE = "close"
    REOPEN = "reopen"
    REOPEN_UNOWNED = "reopen_unowned"
    ESCALATE = "escalate"
    RETRACT_ESCALATION = "retract_escalation"
    ACKNOWLEDGE = "acknowledge"


S, C = Status, Command

OPEN = frozenset({S.RECEIVED, S.INVESTIGATING, S.WAITING})
OWNED = frozenset({S.INVESTIGATING, S.WAITING, S.DECIDED})


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: `command` is allowed in `sources` and leads to `target` (None: the state stays)."""

    command: Command
    sources: frozenset[Status]
    target: Status | None
    why: str


TRANSITIONS: tuple[Transition, ...] = (
    Transition(
        C.ASSIGN,
        frozenset({S.RECEIVED}),
        S.INVESTIGATING,
        "somebody answers for it, so the investigation begins",
    ),
    Transition(C.ASSIGN, OWNED, None, "it changes hands; it always has exactly one owner"),
    Transition(C.RESPOND, OWNED, None, "a person answers the customer, as often as needed"),
    Transition(
        C.WAIT,
        frozenset({S.INVESTIGATING}),
        S.WAITING,
        "it cannot go on without the customer or a third party",
    ),
    Transition(
        C.RESUME, frozenset({S.WAITING}), S.INVESTIGATING, "what it waited for has come, or waiting is over"
    ),
    Transition(C.ASSESS_SEVERITY, OPEN | {S.DECIDED}, None, "severity is judged again as facts appear"),
    Transition(C.ADD_NOTE, OPEN | {S.DECIDED}, None, "what was found is written down when it is found"),
    Transition(C.RECORD_ROOT_CAUSE, OWNED, None, "the analysis may end before or after the decision"),
    Transition(
        C.RECORD_CORRECTIVE_ACTION, OWNED, None, "what is done about the cause may follow the decision"
    ),
    Transition(C.VERIFY_CORRECTIVE_ACTION, OWNED, None, "whether it works shows later, but before closure"),
    Transition(C.RECORD_CONTACT_ATTEMPT, OWNED, None, "every try to reach the customer counts"),
    Transition(
        C.DECIDE,
        frozenset({S.INVESTIGATING, S.WAITING}),
        S.DECIDED,
        "a wait may end with an outcome too, e.g. when nobody could be reached",
    ),
    Transition(C.WITHDRAW, OPEN, S.DECIDED, "the customer may take it back until it is decided"),
    Transition(C.RECORD_DELIVERY, frozenset({S.DECIDED}), None, "the outcome reached the customer"),
    Transition(
        C.RECORD_DELIVERY_FAILURE,
        frozenset({S.DECIDED}),
        None,
        "the mail did not get through; a person takes over",
    ),
    Transition(
        C.RECORD_SATISFACTION,
        frozenset({S.DECIDED, S.CLOSED}),
        None,
        "the customer answers before or after closure",
    ),
    Transition(
        C.CLOSE,
        frozenset({S.DECIDED}),
        S.CLOSED,
        "decided, delivered, asked: all that its outcome needs is there",
    ),
    Transition(
        C.REOPEN,
        frozenset({S.DECIDED, S.CLOSED}),
        S.INVESTIGATING,
        "the decision does not stand, or the customer came back in time; its owner goes on",
    ),
    Transition(
        C.REOPEN_UNOWNED,
        frozenset({S.DECIDED, S.CLOSED}),
        S.RECEIVED,
        "it was withdrawn before anybody owned it; now it needs an owner",
    ),
    Transition(
        C.ESCALATE, OPEN | {S.DECIDED}, None, "a promise about time was broken and somebody must look"
    ),
    Transition(C.RETRACT_ESCALATION, frozenset(S), None, "the breach did not happen after all"),
    Transition(C.ACKNOWLEDGE, frozenset(S), None, "the automatic acknowledgement went out, however late"),
)

_BY_PAIR: Mapping[tuple[Status, Command], Transition] = {
    (source, row.command): row for row in TRANSITIONS for source in row.sources
}

# What a caller is told when a command has no row: by command, else by state.
_REFUSED: Mapping[tuple[Status, Command], type[ConflictError]] = {
    (S.RECEIVED, C.RESUME): errors.ComplaintNotWaitingError,
    (S.INVESTIGATING, C.RESUME): errors.ComplaintNotWaitingError,
    (S.WAITING, C.WAIT): errors.ComplaintAlreadyWaitingError,
    **{
        (status, command): errors.ComplaintNotDecidedError
        for status in OPEN
        for command in (C.RECORD_DELIVERY, C.RECORD_DELIVERY_FAILURE, C.RECORD_SATISFACTION, C.CLOSE)
    },
    **{
        (status, command): errors.ComplaintAlreadyOpenError
        for status in OPEN
        for command in (C.REOPEN, C.REOPEN_UNOWNED)
    },
}
_REFUSED_BY_STATUS: Mapping[Status, type[ConflictError]] = {
    S.RECEIVED: errors.ComplaintNeedsOwnerError,
    S.DECIDED: errors.ComplaintAlreadyDecidedError,
    S.CLOSED: errors.ComplaintClosedError,
}


def transition(status: Status, command: Command) -> Transition | None:
    """The row for a command in a state, or None when it is refused."""
    return _BY_PAIR.get((status, command))


def refusal(status: Status, command: Command) -> type[ConflictError]:
    """The error that names why `command` is refused in `status`."""
    return _REFUSED.get((status, command)) or _REFUSED_BY_STATUS[status]


def next_status(status: Status, command: Command) -> Status:
    """The state that `command` leads to from `status`; raises the named error when it is not allowed."""
    row = transition(status, command)
    if row is None:
        raise refusal(status, command)(status=status.value, command=command.value)
    return row.target or status
