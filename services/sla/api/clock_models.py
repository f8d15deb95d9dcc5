"""Clocks (计时) as JSON."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from services.sla.domain.clock_status import ClockState, RunState, state_shown
from services.sla.domain.explanation import Explanation
from services.sla.domain.fold import Line
from services.sla.domain.metrics import Agreement, Metric, SubjectKind
from services.sla.domain.units import Unit
from services.sla.persistence.clock_rows import pauses_of
from shared.web.models import ApiModel


class TargetOut(ApiModel):
    """What is promised."""

    amount: int
    unit: Unit


class VersionRef(ApiModel):
    """A version of a policy or calendar that a clock is pinned to."""

    id: UUID = Field(description="Of the policy or calendar.")
    name: str
    version_id: UUID
    version: int


class PauseOut(ApiModel):
    """Half-open; without an end it lasts."""

    start_at: datetime
    end_at: datetime | None


class PreviousTarget(TargetOut):
    """What counted before a retarget."""

    calendar: str | None


class RetargetOut(ApiModel):
    """A change to another target. `notice` is what the new one left at least from then on, in its own unit."""

    at: datetime
    previous: PreviousTarget | None
    notice: float


class ClockOut(ApiModel):
    """One cycle of one clock. `due_at` is absent while it is paused before it."""

    id: UUID
    cycle: int
    subject_kind: SubjectKind
    subject_id: UUID
    subject_number: str | None
    subject_external_number: str | None
    customer_id: UUID | None
    agreement: Agreement
    metric: Metric
    policy: VersionRef
    calendar: VersionRef | None
    target: TargetOut
    priority: str | None = Field(description="A ticket's priority or a complaint's severity.")
    tier: str | None = Field(description="The customer's tier (客户等级) when the subject started.")
    category: str | None
    channel: str | None
    queue: str | None
    started_at: datetime
    pauses: list[PauseOut]
    retargets: list[RetargetOut]
    due_at: datetime | None
    warned_at: datetime | None
    breached_at: datetime | None
    fulfilled_at: datetime | None
    ended_at: datetime | None
    run_state: RunState
    state: ClockState

    @classmethod
    def of(cls, row: Any, now: datetime) -> "ClockOut":
        shown = state_shown(
            RunState(row["run_state"]),
            is_breached=row["breached_at"] is not None,
            due_at=row["due_at"],
            now=now,
        )
        calendar = None
        if row["calendar_id"] is not None:
            calendar = VersionRef(
                id=row["calendar_id"],
                name=row["calendar_name"],
                version_id=row["calendar_version_id"],
                version=row["calendar_number"],
            )
        return cls(
            **{name: row[name] for name in _COPIED},
            policy=VersionRef(
                id=row["policy_id"],
                name=row["policy_name"],
                version_id=row["policy_version_id"],
                version=row["policy_number"],
            ),
            calendar=calendar,
            target=TargetOut(amount=row["target_amount"], unit=Unit(row["target_unit"])),
            pauses=[PauseOut(start_at=start, end_at=end) for start, end in pauses_of(row["detail"])],
            retargets=[
                RetargetOut(at=one["at"], previous=one["from"], notice=one["notice"])
                for one in row["detail"]["retargets"]
            ],
            state=shown,
        )


_COPIED = (
    "id",
    "cycle",
    "subject_kind",
    "subject_id",
    "subject_number",
    "subject_external_number",
    "customer_id",
    "agreement",
    "metric",
    "priority",
    "tier",
    "category",
    "channel",
    "queue",
    "started_at",
    "due_at",
    "warned_at",
    "breached_at",
    "fulfilled_at",
    "ended_at",
    "run_state",
)


class ClockDetail(ApiModel):
    """A clock with all its cycles, oldest first; the last one counts now."""

    id: UUID
    cycles: list[ClockOut]


class SpanOut(ApiModel):
    """An interval from start to now: counted or skipped, and why. `counted` in the target's unit."""

    start_at: datetime
    end_at: datetime
    counts: bool
    reason: str = Field(examples=["business_hours", "outside_hours", "weekend", "holiday", "paused"])
    name: str | None = Field(description="The holiday's name, or what the subject was waiting for.")
    counted: float
    entry_id: UUID = Field(description="The ledger line that caused it.")


class LineOut(ApiModel):
    """A line of the subject's ledger, with what it did to the clocks it concerned."""

    id: UUID
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    claimed_at: datetime | None = Field(
        description="When it claimed to have happened, if that was not believed."
    )
    source: str
    sequence: int
    event_id: UUID
    data: dict[str, Any]
    effect: str = Field(examples=["sla resolution: paused", "no effect"])

    @classmethod
    def of(cls, line: Line) -> "LineOut":
        entry = line.entry
        return cls(
            id=entry.id,
            kind=entry.kind,
            occurred_at=entry.occurred_at,
            recorded_at=entry.recorded_at,
            claimed_at=entry.claimed_at,
            source=entry.source,
            sequence=entry.sequence,
            event_id=entry.event_id,
            data=dict(entry.data),
            effect=line.effect,
        )


class ClockExplanation(ApiModel):
    """Why the clock is due when it is."""

    clock: ClockOut
    matched: str = Field(description="The policy version and why it matched.")
    intervals: list[SpanOut]
    truncated: bool
    ledger: list[LineOut]
    arithmetic: list[str]

    @classmethod
    def of(cls, clock: ClockOut, explanation: Explanation, lines: list[Line]) -> "ClockExplanation":
        return cls(
            clock=clock,
            matched=explanation.matched,
            intervals=[SpanOut.model_validate(span) for span in explanation.spans],
            truncated=explanation.truncated,
            ledger=[LineOut.of(line) for line in lines],
            arithmetic=list(explanation.arithmetic),
        )
