"""The life of a contest of a tier: one table says what may happen when, and why.

`docs/states` draws this table. A command in a state where the table has no row is refused with
`TierContestNotOpenError` and changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.valuation.domain.tiering.errors import TierContestNotOpenError


class ContestStatus(StrEnum):
    """Where a contest stands. Who enters a state and who leaves it stands in `TRANSITIONS`."""

    OPEN = "open"  # filed, and nobody has taken it
    IN_REVIEW = "in_review"  # one named person looks at it
    UPHELD = "upheld"  # the tier stands
    OVERRIDDEN = "overridden"  # the reviewer decided on another tier
    WITHDRAWN = "withdrawn"  # taken back before it was decided


class ContestCommand(StrEnum):
    """What can be asked of a contest."""

    TAKE = "take"
    UPHOLD = "uphold"
    OVERRIDE = "override"
    WITHDRAW = "withdraw"


S, C = ContestStatus, ContestCommand


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: `command` is allowed in `sources` and leads to `target`."""

    command: ContestCommand
    sources: frozenset[ContestStatus]
    target: ContestStatus
    why: str


TRANSITIONS: tuple[Transition, ...] = (
    Transition(
        C.TAKE,
        frozenset({S.OPEN, S.IN_REVIEW}),
        S.IN_REVIEW,
        "a person answers for the review; it may change hands",
    ),
    Transition(
        C.UPHOLD, frozenset({S.IN_REVIEW}), S.UPHELD, "the reviewer finds the tier right and says why"
    ),
    Transition(
        C.OVERRIDE, frozenset({S.IN_REVIEW}), S.OVERRIDDEN, "the reviewer decides on another tier, for a time"
    ),
    Transition(
        C.WITHDRAW, frozenset({S.OPEN, S.IN_REVIEW}), S.WITHDRAWN, "it may be taken back until it is decided"
    ),
)

_TARGETS: Mapping[tuple[ContestStatus, ContestCommand], ContestStatus] = {
    (source, row.command): row.target for row in TRANSITIONS for source in row.sources
}


def next_status(status: ContestStatus, command: ContestCommand) -> ContestStatus:
    """Where `command` leads from `status`. Raises `TierContestNotOpenError` where the table has no row."""
    target = _TARGETS.get((status, command))
    if target is None:
        raise TierContestNotOpenError(f"a contest that is {status} cannot {command}", status=status.value)
    return target
