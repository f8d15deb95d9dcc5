"""What happened to one ticket or complaint, as far as it costs something.

A case is a set of facts, each with the sequence that its producer counted it by; what follows from them is a fold
in that order. So the order in which facts arrive cannot matter, nor how often each one does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

CaseKind = Literal["ticket", "complaint"]
CaseEnd = Literal["cancelled", "deleted"]
What = Literal["opened", "owned", "started", "stopped", "cancelled", "deleted"]

# Of a case that started and stopped more often than anybody works, the first marks count.
MOST_MARKS = 500


@dataclass(frozen=True, slots=True)
class CaseFact:
    """One thing that ticketing or complaints reported.

    sequence     counts the facts of one case, as its producer published them
    customer_id  of `opened` and `owned`: who the case belongs to; None is nobody known
    at           when it happened; of `opened`, when the case was opened
    """

    kind: CaseKind
    case_id: UUID
    sequence: int
    what: What
    at: datetime
    customer_id: UUID | None = None


@dataclass(frozen=True, slots=True, order=True)
class WorkMark:
    """Somebody began to work on the case (`starts`), or stopped."""

    sequence: int
    starts: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class CostCase:
    """A case as its facts tell it so far; `opened_at` is None until the opening was told.

    owner_sequence  the fact that named `customer_id`; a later one overrules it
    """

    kind: CaseKind
    case_id: UUID
    customer_id: UUID | None = None
    owner_sequence: int = 0
    opened_at: datetime | None = None
    marks: tuple[WorkMark, ...] = ()
    end: CaseEnd | None = None

    def told(self, fact: CaseFact) -> "CostCase":
        """The case with one more fact."""
        match fact.what:
            case "opened":
                return replace(self._owned(fact), opened_at=fact.at)
            case "owned":
                return self._owned(fact)
            case "deleted":
                return replace(self, end="deleted")
            case "cancelled":
                return replace(self._marked(fact), end=self.end or "cancelled")
        return self._marked(fact)

    def _owned(self, fact: CaseFact) -> "CostCase":
        if fact.sequence < self.owner_sequence:
            return self
        return replace(self, customer_id=fact.customer_id, owner_sequence=fact.sequence)

    def _marked(self, fact: CaseFact) -> "CostCase":
        mark = WorkMark(fact.sequence, fact.what == "started", fact.at)
        if mark in self.marks:
            return self
        return replace(self, marks=tuple(sorted((*self.marks, mark)))[:MOST_MARKS])

    @property
    def worked_seconds(self) -> int:
        """Whole seconds in which somebody worked on it; work that goes on counts once it stops."""
        return worked_seconds(self.marks)


def worked_seconds(marks: Iterable[WorkMark]) -> int:
    """Seconds between each start and the stop that follows it, in the order of the sequences."""
    worked, since = timedelta(), None
    for mark in marks:
        if mark.starts:
            since = since or mark.at
        elif since is not None:
            worked += max(mark.at - since, timedelta())
            since = None
    return int(worked.total_seconds())
