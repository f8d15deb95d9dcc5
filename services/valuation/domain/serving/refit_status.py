"""The life of a refit job: one table says what may happen when, and why.

`docs/states` draws this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.valuation.domain.serving.errors import RefitStepImpossibleError


class RefitStatus(StrEnum):
    """How far a job is. At most one job is fitting or scoring."""

    FITTING = "fitting"  # a process of its own looks for parameters
    SCORING = "scoring"  # every customer is scored by the version in force, batch by batch
    COMPLETED = "completed"
    FAILED = "failed"  # the fit process died, or took too long, as often as it may
    SUPERSEDED = "superseded"  # somebody went back to an earlier version meanwhile


class RefitCommand(StrEnum):
    """What happens to a job."""

    SCORE = "score"
    COMPLETE = "complete"
    FAIL = "fail"
    SUPERSEDE = "supersede"


S, C = RefitStatus, RefitCommand


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: `command` is allowed in `sources` and leads to `target`."""

    command: RefitCommand
    sources: frozenset[RefitStatus]
    target: RefitStatus
    why: str


TRANSITIONS: tuple[Transition, ...] = (
    Transition(
        C.SCORE,
        frozenset({S.FITTING}),
        S.SCORING,
        "the candidate was promoted or refused, and a version is in force",
    ),
    Transition(
        C.COMPLETE,
        frozenset({S.FITTING, S.SCORING}),
        S.COMPLETED,
        "everybody is scored, or there is no version to score by",
    ),
    Transition(
        C.FAIL, frozenset({S.FITTING}), S.FAILED, "the fit did not come to an end; the version in force stays"
    ),
    Transition(
        C.SUPERSEDE,
        frozenset({S.FITTING, S.SCORING}),
        S.SUPERSEDED,
        "a person went back to an earlier version; a job of its own scores by that",
    ),
)
OPEN = frozenset({S.FITTING, S.SCORING})

_TARGETS: Mapping[tuple[RefitStatus, RefitCommand], RefitStatus] = {
    (source, row.command): row.target for row in TRANSITIONS for source in row.sources
}


def next_status(status: RefitStatus, command: RefitCommand) -> RefitStatus:
    """Where `command` leads from `status`. Raises `RefitStepImpossibleError` where the table has no row."""
    target = _TARGETS.get((status, command))
    if target is None:
        raise RefitStepImpossibleError(f"a refit that is {status} cannot {command}", status=status.value)
    return target
