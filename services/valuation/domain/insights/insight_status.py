"""The state machine of an insight in one table; `docs/states/insight.md` is drawn from it.

Insights of the held-back control group are never shown to anybody: they wait and expire like those that
nobody took.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.valuation.domain.insights import errors
from shared.kernel.errors import CareloopError


class InsightStatus(StrEnum):
    """Who enters a state, and who leaves it, stands in `TRANSITIONS`."""

    OPEN = "open"  # suggested, nobody has it
    TAKEN = "taken"  # somebody acts on it
    DONE = "done"  # acted on; the outcome is recorded
    DISMISSED = "dismissed"  # a person judged that nothing should be done
    EXPIRED = "expired"  # its time passed


class InsightCommand(StrEnum):
    """What can be done to an insight."""

    TAKE = "take"
    COMPLETE = "complete"
    DISMISS = "dismiss"
    EXPIRE = "expire"


S, C = InsightStatus, InsightCommand

LIVE = frozenset({S.OPEN, S.TAKEN})


@dataclass(frozen=True)
class Transition:
    """One row: `command` is allowed in `sources` and leads to `target`."""

    command: InsightCommand
    sources: frozenset[InsightStatus]
    target: InsightStatus
    why: str


TRANSITIONS: tuple[Transition, ...] = (
    Transition(
        C.TAKE, frozenset({S.OPEN}), S.TAKEN, "one person acts, so that a customer is not called twice"
    ),
    Transition(C.COMPLETE, frozenset({S.TAKEN}), S.DONE, "an outcome is worth something from who acted"),
    Transition(C.DISMISS, LIVE, S.DISMISSED, "a person may know better than the rule"),
    Transition(C.EXPIRE, LIVE, S.EXPIRED, "a suggestion that comes too late is none"),
)

_BY_PAIR: Mapping[tuple[InsightCommand, InsightStatus], Transition] = {
    (row.command, source): row for row in TRANSITIONS for source in row.sources
}
_REFUSED: Mapping[tuple[InsightCommand, InsightStatus], type[CareloopError]] = {
    (C.TAKE, S.TAKEN): errors.InsightAlreadyTakenError,
    (C.COMPLETE, S.OPEN): errors.InsightNotTakenError,
}


def after(command: InsightCommand, status: InsightStatus) -> InsightStatus:
    """The state that `command` leads to from `status`; raises the named error when it is not allowed."""
    row = _BY_PAIR.get((command, status))
    if row is None:
        raise _REFUSED.get((command, status), errors.InsightEndedError)()
    return row.target
