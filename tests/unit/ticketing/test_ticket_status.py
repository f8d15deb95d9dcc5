"""The ticket's state machine is total, reachable, and does what real desks do."""

from itertools import product

import pytest

from services.ticketing.domain import ticket_errors as errors
from services.ticketing.domain.ticket_status import (
    ENDED,
    FINISHED,
    LIVE,
    ON_REPEAT,
    TRANSITIONS,
    OnRepeat,
    TicketCommand,
    TicketStatus,
    after,
    refusal,
    transition,
)
from shared.kernel.errors import ConflictError, NotFoundError

S, C = TicketStatus, TicketCommand
PAIRS = list(product(C, S))


@pytest.mark.parametrize(("command", "status"), PAIRS, ids=lambda value: value.value)
def test_every_command_in_every_state_is_either_in_the_table_or_refused_by_name(
    command: TicketCommand, status: TicketStatus
) -> None:
    rows = [row for row in TRANSITIONS if row.command is command and status in row.sources]
    assert len(rows) <= 1
    if rows:
        assert transition(command, status) is rows[0]
        assert after(command, status) is (rows[0].target or status)
    else:
        with pytest.raises((ConflictError, NotFoundError)) as raised:
            after(command, status)
        assert type(raised.value) is refusal(command, status)


def test_states_are_divided_without_rest() -> None:
    assert {*LIVE, *FINISHED, *ENDED} == set(S)
    assert not LIVE & FINISHED
    assert not (LIVE | FINISHED) & ENDED


def test_every_row_says_why_and_every_command_has_a_row() -> None:
    assert all(row.why for row in TRANSITIONS)
    assert {row.command for row in TRANSITIONS} == set(C)


def test_every_state_can_be_reached_and_only_ended_ones_are_final() -> None:
    reached = {S.NEW}
    for _ in S:
        reached |= {row.target for row in TRANSITIONS if row.target and row.sources & reached}
    assert reached == set(S)
    final = {
        status
        for status in S
        if not any(
            row.target not in (None, status, S.DELETED) for row in TRANSITIONS if status in row.sources
        )
    }
    assert final == set(ENDED)


@pytest.mark.parametrize(
    ("command", "status", "target"),
    [
        (C.RESOLVE, S.NEW, S.RESOLVED),
        (C.RESOLVE, S.WAITING, S.RESOLVED),
        (C.RESOLVE, S.OPEN, S.RESOLVED),
        (C.WAIT, S.NEW, S.WAITING),
        (C.WAIT, S.WAITING, S.WAITING),
        (C.START_WORK, S.NEW, S.IN_PROGRESS),
        (C.RESUME, S.WAITING, S.IN_PROGRESS),
        (C.REOPEN, S.RESOLVED, S.OPEN),
        (C.REOPEN, S.CLOSED, S.OPEN),
        (C.TRANSFER, S.RESOLVED, S.RESOLVED),
        (C.ASSIGN, S.RESOLVED, S.RESOLVED),
        (C.CLASSIFY, S.CLOSED, S.CLOSED),
        (C.CUSTOMER_REPLY, S.CLOSED, S.CLOSED),
    ],
)
def test_what_real_logs_hold_is_legal(
    command: TicketCommand, status: TicketStatus, target: TicketStatus
) -> None:
    assert after(command, status) is target


@pytest.mark.parametrize(
    ("command", "status", "error"),
    [
        (C.START_WORK, S.IN_PROGRESS, errors.WorkAlreadyStartedError),
        (C.START_WORK, S.WAITING, errors.TicketWaitingError),
        (C.START_WORK, S.RESOLVED, errors.TicketResolvedError),
        (C.RESUME, S.OPEN, errors.TicketNotWaitingError),
        (C.RESOLVE, S.RESOLVED, errors.TicketAlreadyResolvedError),
        (C.RESOLVE, S.CLOSED, errors.TicketClosedError),
        (C.CLOSE, S.NEW, errors.TicketNotResolvedError),
        (C.CLOSE, S.CLOSED, errors.TicketAlreadyClosedError),
        (C.REOPEN, S.OPEN, errors.TicketNotFinishedError),
        (C.REOPEN, S.CANCELLED, errors.TicketCancelledError),
        (C.CANCEL, S.CANCELLED, errors.TicketAlreadyCancelledError),
        (C.MERGE, S.MERGED, errors.TicketAlreadyMergedError),
        (C.ABSORB, S.MERGED, errors.TicketMergedError),
        (C.CUSTOMER_REPLY, S.MERGED, errors.TicketMergedError),
        (C.RECORD_FOLLOW_UP, S.RESOLVED, errors.FollowUpNotRequestedError),
        (C.NOTE, S.DELETED, errors.TicketNotFoundError),
    ],
)
def test_a_refusal_names_what_is_in_the_way(
    command: TicketCommand, status: TicketStatus, error: type[Exception]
) -> None:
    assert refusal(command, status) is error


def test_repetition_is_declared_for_every_command() -> None:
    assert set(ON_REPEAT) == set(C)
    moving = {row.command for row in TRANSITIONS if row.target and len(row.sources) < len(LIVE)}
    assert all(ON_REPEAT[command] is not OnRepeat.AGAIN for command in moving)
