"""Run states of a clock, what may follow what, and how they are shown."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum


class RunState(StrEnum):
    """One of two independent facts about a clock; the other is `breached_at`."""

    RUNNING = "running"
    """Time counts. Enters by start, resume, reopening or a late input; left by pause, stop or cancellation."""
    PAUSED = "paused"
    """Time stands still; nothing can be breached. Enters by a pause or a start while waiting."""
    ENDED = "ended"
    """Fulfilled. Only a reopening or a late input leads out."""
    CANCELLED = "cancelled"
    """Given up without fulfilment (cancelled, merged, deleted, closed, or no policy any more)."""


class ClockState(StrEnum):
    """What users are shown."""

    RUNNING = "running"
    PAUSED = "paused"
    OVERDUE = "overdue"
    OVERDUE_PAUSED = "overdue_paused"
    MET = "met"
    MISSED = "missed"
    CANCELLED = "cancelled"


# Any state may follow any other that the inputs ask for: real histories go from waiting straight to resolved,
# and a late input may change what was thought. The table says by what; docs/states is drawn from it.
TRANSITIONS: Mapping[RunState, Mapping[RunState, str]] = {
    RunState.RUNNING: {
        RunState.PAUSED: "the subject waits for something that this clock pauses on",
        RunState.ENDED: "an input that the clock stops on",
        RunState.CANCELLED: (
            "closed unfulfilled, cancelled, withdrawn, merged, deleted, no policy matches, or another date was"
            " promised after this one"
        ),
    },
    RunState.PAUSED: {
        RunState.RUNNING: "the wait is over, or its cause no longer pauses this clock",
        RunState.ENDED: "an input that the clock stops on, straight from waiting",
        RunState.CANCELLED: "closed unfulfilled, cancelled, withdrawn, merged, deleted, or no policy matches",
    },
    RunState.ENDED: {
        RunState.RUNNING: "reopened (continue or restart), or a late input shows that it had not ended",
        RunState.PAUSED: "a late input shows that the subject was waiting",
        RunState.CANCELLED: "a late input shows that it was given up first, or that no policy asked for it",
    },
    RunState.CANCELLED: {
        RunState.RUNNING: "reopened, a policy matches again, or a late input",
        RunState.PAUSED: "a policy matches again while the subject waits, or a late input",
        RunState.ENDED: "a late input shows that it was fulfilled first",
    },
}

FINISHED = frozenset({ClockState.MET, ClockState.MISSED, ClockState.CANCELLED})


def state_shown(
    run_state: RunState, *, is_breached: bool, due_at: datetime | None, now: datetime
) -> ClockState:
    """The state as users see it.

    `is_breached`: a due date of this cycle passed unfulfilled while the clock ran. It decides the outcome for
    good; whether a clock at work is overdue depends on the due date that counts now, which a retarget may
    have moved. A clock cancelled after its breach counts as missed.
    """
    if run_state is RunState.ENDED:
        return ClockState.MISSED if is_breached else ClockState.MET
    if run_state is RunState.CANCELLED:
        return ClockState.MISSED if is_breached else ClockState.CANCELLED
    is_overdue = due_at is not None and due_at <= now
    if run_state is RunState.PAUSED:
        return ClockState.OVERDUE_PAUSED if is_overdue else ClockState.PAUSED
    return ClockState.OVERDUE if is_overdue else ClockState.RUNNING
