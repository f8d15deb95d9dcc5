"""Policies: versioned, effective-dated sets of targets for the subjects that they match (sla.md §2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.sla.domain.ledger import EntryKind
from services.sla.domain.metrics import (
    DEFAULTS,
    Agreement,
    Metric,
    OnReopen,
    OnTierChange,
    PauseCause,
    SubjectKind,
)
from services.sla.domain.units import Duration


class ClockKey(NamedTuple):
    """What a subject has at most one running clock for."""

    agreement: Agreement
    metric: Metric


@dataclass(frozen=True, slots=True)
class Match:
    """Which subjects a policy is for: each given condition must hold, an empty one always does.

    Conditions are sets of accepted values; `severity` is a complaint's, `priority` a ticket's.
    """

    subject_kind: SubjectKind
    customer: frozenset[str] = frozenset()
    contract: frozenset[str] = frozenset()
    entitlement: frozenset[str] = frozenset()
    offering: frozenset[str] = frozenset()
    tier: frozenset[str] = frozenset()
    priority: frozenset[str] = frozenset()
    severity: frozenset[str] = frozenset()
    category: frozenset[str] = frozenset()
    kind: frozenset[str] = frozenset()
    queue: frozenset[str] = frozenset()
    channel: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WarningLevel:
    """Before due: at a share of the target, or so many units before it. `notify` says whom."""

    share: float | None = None
    before: int | None = None
    notify: str = "assignee"

    def position(self, due_position: int, target: Duration) -> int:
        """Where on the clock it lies; zero or less when it falls away. Day units round down to whole days."""
        if self.before is not None:
            return due_position - target.unit.position(self.before)
        return int(due_position * (self.share or 0.0))

    def __str__(self) -> str:
        if self.before is not None:
            return f"{self.before} before due"
        return f"{(self.share or 0.0):.0%} of target"


@dataclass(frozen=True, slots=True)
class Escalation:
    """After due: `offset` in the target's unit, to `target`; then every `repeat_every`, `repeat_cap` times more."""

    offset: int
    target: str
    repeat_every: int | None = None
    repeat_cap: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """One promise of a policy. What is None follows the metric's default."""

    metric: Metric
    duration: Duration
    starts_on: frozenset[EntryKind] | None = None
    stops_on: frozenset[EntryKind] | None = None
    pauses_on: frozenset[PauseCause] | None = None
    warn_at: tuple[WarningLevel, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    on_reopen: OnReopen | None = None
    on_tier_change: OnTierChange = OnTierChange.KEEP
    notice: int | None = None

    @property
    def starts(self) -> frozenset[EntryKind]:
        return DEFAULTS[self.metric].starts_on if self.starts_on is None else self.starts_on

    @property
    def stops(self) -> frozenset[EntryKind]:
        return DEFAULTS[self.metric].stops_on if self.stops_on is None else self.stops_on

    @property
    def pauses(self) -> frozenset[PauseCause]:
        return DEFAULTS[self.metric].pauses_on if self.pauses_on is None else self.pauses_on

    @property
    def reopening(self) -> OnReopen:
        return DEFAULTS[self.metric].on_reopen if self.on_reopen is None else self.on_reopen

    @property
    def notice_position(self) -> int:
        """What a retarget leaves at least (rule 3): as declared, else half the target, whole days rounded up."""
        if self.notice is not None:
            return self.duration.unit.position(self.notice)
        return -(-self.duration.position // 2)


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a policy; it never changes once stored.

    Effective in [effective_from, effective_until), and no longer once a later version is effective.
    `revision` is the catalogue's when it was added: subjects pin one, and see nothing newer.
    """

    id: UUID
    policy_id: UUID
    name: str
    number: int
    agreement: Agreement
    match: Match
    calendar_id: UUID | None
    targets: Mapping[Metric, Target]
    effective_from: datetime
    effective_until: datetime | None
    revision: int

    def is_effective(self, at: datetime) -> bool:
        return self.effective_from <= at and (self.effective_until is None or at < self.effective_until)
