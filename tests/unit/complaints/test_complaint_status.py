"""The table of transitions: total over states and commands, each row with its reason."""

from itertools import product

import pytest

from services.complaints.domain.complaint_status import (
    TRANSITIONS,
    Command,
    Status,
    next_status,
    refusal,
    transition,
)
from services.complaints.domain.errors import (
    ComplaintAlreadyDecidedError,
    ComplaintClosedError,
    ComplaintNeedsOwnerError,
    ComplaintNotDecidedError,
)
from shared.kernel.errors import ConflictError

PAIRS = list(product(Status, Command))


@pytest.mark.parametrize(("status", "command"), PAIRS)
def test_every_command_in_every_state_is_allowed_or_refused_by_name(status: Status, command: Command) -> None:
    row = transition(status, command)
    if row is not None:
        assert next_status(status, command) is (row.target or status)
        return
    error = refusal(status, command)
    assert issubclass(error, ConflictError)
    with pytest.raises(error) as raised:
        next_status(status, command)
    assert raised.value.members == {"status": status.value, "command": command.value}


def test_no_state_and_command_has_two_rows() -> None:
    pairs = [(source, row.command) for row in TRANSITIONS for source in row.sources]
    assert len(pairs) == len(set(pairs))


def test_every_row_says_why_and_every_command_has_a_row() -> None:
    assert all(row.why and row.sources for row in TRANSITIONS)
    assert {row.command for row in TRANSITIONS} == set(Command)


def test_closure_is_reached_through_a_decision_only() -> None:
    into_closed = [row for row in TRANSITIONS if row.target is Status.CLOSED]
    assert [(row.command, row.sources) for row in into_closed] == [
        (Command.CLOSE, frozenset({Status.DECIDED}))
    ]
    into_decided = {row.command for row in TRANSITIONS if row.target is Status.DECIDED}
    assert into_decided == {Command.DECIDE, Command.WITHDRAW}


@pytest.mark.parametrize("status", Status)
def test_every_state_can_come_to_closure(status: Status) -> None:
    reached = {status}
    for _ in Status:
        reached |= {
            next_status(one, command) for one in reached for command in Command if transition(one, command)
        }
    assert Status.CLOSED in reached


@pytest.mark.parametrize(
    ("status", "command", "error"),
    [
        (Status.RECEIVED, Command.RESPOND, ComplaintNeedsOwnerError),
        (Status.RECEIVED, Command.DECIDE, ComplaintNeedsOwnerError),
        (Status.INVESTIGATING, Command.CLOSE, ComplaintNotDecidedError),
        (Status.DECIDED, Command.DECIDE, ComplaintAlreadyDecidedError),
        (Status.DECIDED, Command.WITHDRAW, ComplaintAlreadyDecidedError),
        (Status.CLOSED, Command.ADD_NOTE, ComplaintClosedError),
        (Status.CLOSED, Command.CLOSE, ComplaintClosedError),
    ],
)
def test_refusal_tells_what_to_do_next(status: Status, command: Command, error: type[ConflictError]) -> None:
    assert refusal(status, command) is error
