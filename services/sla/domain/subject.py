"""The subject: a ticket or complaint as sla knows it, with its ledger and its clocks. One lock, one event count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.sla.domain import events
from services.sla.domain.catalogue import Catalogue
from services.sla.domain.clock import DESCRIBED, RECOMMITMENT, Clock, Said
from services.sla.domain.firing import Decision
from services.sla.domain.fold import SubjectFold
from services.sla.domain.ledger import APPLIED, Entry, EntryKind
from services.sla.domain.metrics import SubjectKind
from services.sla.domain.pinned import fold_pinned
from services.sla.domain.policies import ClockKey
from services.sla.domain.thresholds import Threshold, ThresholdKind
from services.sla.domain.timers import Firing, Timer
from shared.kernel.aggregates import Aggregate

# Why a due date moved, in the words of the contract.
_REASONS = {
    EntryKind.PRIORITISED: "priority",
    EntryKind.SEVERITY_ASSESSED: "priority",
    EntryKind.CLASSIFIED: "classification",
    EntryKind.ASSIGNED: "classification",
    EntryKind.TRANSFERRED: "classification",
    EntryKind.CUSTOMER_CHANGED: "customer",
    EntryKind.TIER_CHANGED: "tier",
    EntryKind.INHERITED: "merge",
    EntryKind.COMMITTED: RECOMMITMENT,
    EntryKind.RECOMMITTED: RECOMMITMENT,
    EntryKind.POLICY_CHANGED: "policy",
    EntryKind.CALENDAR_CHANGED: "calendar",
}
LATE_INPUT = "late_input"


@dataclass
class Changes:
    """What a store has to write, since the last time it asked."""

    entries: list[Entry] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    firings: list[Firing] = field(default_factory=list)
    digest_lines: list[events.DigestLine] = field(default_factory=list)


@dataclass(kw_only=True)
class Subject(Aggregate):
    """`revision` is the catalogue's when the subject was first heard of: it pins what policies it can match."""

    kind: SubjectKind
    revision: int
    number: str | None = None
    external_number: str | None = None
    customer_id: UUID | None = None
    opened_at: datetime | None = None
    is_open: bool = True
    entries: list[Entry] = field(default_factory=list)
    clocks: dict[tuple[ClockKey, int], Clock] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes, repr=False, compare=False)

    def knows(self, entry: Entry) -> bool:
        return any(known.event_id == entry.event_id for known in self.entries)

    def folded(self, catalogue: Catalogue) -> SubjectFold:
        """What the ledger says, computed anew."""
        return fold_pinned(self.kind, self.entries, catalogue, self.revision)

    @property
    def needed_revision(self) -> int:
        """What a catalogue must reach to fold this: the pinned revision, or that of a version applied since."""
        applied = (int(entry.data.get("revision", 0)) for entry in self.entries if entry.kind in APPLIED)
        return max(self.revision, *applied, 0)

    def record(self, new: Sequence[Entry], catalogue: Catalogue, now: datetime) -> None:
        """Append lines and let every clock follow. Lines of events that are known already change nothing."""
        unknown = [entry for entry in new if not self.knows(entry)]
        if not unknown:
            return
        latest = max((entry.order for entry in self.entries), default=None)
        cause = unknown[-1]
        is_late = (latest is not None and cause.order < latest) or cause.kind is EntryKind.CORRECTED
        self.entries += unknown
        self.changes.entries += unknown
        self._follow(
            self.folded(catalogue),
            cause,
            LATE_INPUT if is_late and cause.kind not in APPLIED else _REASONS.get(cause.kind, LATE_INPUT),
            now,
        )

    def promises(self, at: datetime, catalogue: Catalogue) -> list[tuple[ClockKey, datetime]]:
        """When the clocks at work would be due if they ran from `at` on: what a merge hands over."""
        handed_over = []
        for clock in self.folded(catalogue).started():
            if not clock.is_at_work or clock.choice is None or clock.in_force:
                continue
            due_at = clock.projected_end(at)
            # What is overdue is missed by the merged subject: the survivor must not miss it once more.
            if due_at is not None and due_at >= at:
                handed_over.append((clock.key, due_at))
        return handed_over

    def clock(self, clock_id: UUID, cycle: int) -> Clock | None:
        return next(
            (clock for clock in self.clocks.values() if clock.id == clock_id and clock.cycle == cycle), None
        )

    def fire(self, fired: Iterable[tuple[Clock, Decision]], now: datetime) -> None:
        """Carry out what was decided about some clocks, announcements by instant, breaches first."""
        announced: list[tuple[Threshold, Clock]] = []
        for clock, decision in fired:
            announced += [(threshold, clock) for threshold in decision.announced]
            for threshold in decision.past:
                self._write_down(clock, threshold, now, is_capped=False)
            for threshold in decision.capped:
                self._write_down(clock, threshold, now, is_capped=True)
            if decision.next_timer is not None:
                self.changes.timers.append(decision.next_timer)
            if decision.thresholds:
                self._changed(clock)
        for threshold, clock in sorted(announced, key=lambda pair: pair[0].order):
            self._mark(clock, threshold, now, is_digest=False)
            self._say(clock, _announcement(threshold, now), now)

    def take_changes(self) -> Changes:
        taken, self.changes = self.changes, Changes()
        return taken

    def _follow(self, folded: SubjectFold, cause: Entry, reason: str, now: datetime) -> None:
        facts = folded.facts
        described = dict(
            zip(
                DESCRIBED,
                (facts.priority or facts.severity, folded.tier, facts.category, facts.channel, facts.queue),
                strict=True,
            )
        )
        self.customer_id = folded.facts.customer_id
        self.opened_at = folded.opened_at
        self.is_open = not (folded.closed or folded.gone)
        vanished = dict(self.clocks)
        for clock_fold in folded.started():
            vanished.pop((clock_fold.key, clock_fold.cycle), None)
            clock = self.clocks.get((clock_fold.key, clock_fold.cycle))
            if clock is None:
                clock = self.clocks[clock_fold.key, clock_fold.cycle] = Clock.of(self.id, clock_fold)
            clock.described = described
            generation = clock.generation
            self._tell(clock, clock.follow(clock_fold, cause, reason, gone=folded.gone, now=now), now)
            if clock.generation != generation and clock.plan:
                self.changes.timers.append(Timer.of(self.id, clock, clock.plan[0]))
        for clock in vanished.values():
            self._tell(clock, clock.vanish(now), now)

    def _tell(self, clock: Clock, said: Iterable[Said], now: datetime) -> None:
        for one in said:
            self._say(clock, one, now)
            if one.threshold is not None:
                self._journal(clock, one.threshold, now, is_digest=False)
        self._changed(clock)

    def _say(self, clock: Clock, said: Said, now: datetime) -> None:
        self.happened(
            said.event,
            now,
            clock_id=clock.id,
            subject_kind=self.kind,
            agreement=clock.key.agreement,
            metric=clock.key.metric,
            cycle=clock.cycle,
            policy_version_id=clock.policy_version_id,
            due_at=clock.due_at,
            **said.facts,
        )

    def _write_down(self, clock: Clock, threshold: Threshold, now: datetime, *, is_capped: bool) -> None:
        """A line for its target's digest: the threshold has taken effect, and is told of later with others."""
        self._mark(clock, threshold, now, is_digest=True)
        self.changes.digest_lines.append(
            events.DigestLine(
                target=threshold.target,
                subject_kind=self.kind,
                subject_id=self.id,
                clock_id=clock.id,
                cycle=clock.cycle,
                metric=clock.key.metric,
                kind=threshold.kind,
                level=threshold.level,
                threshold_at=threshold.at,
                fired_at=now,
                is_capped=is_capped,
            )
        )

    def _mark(self, clock: Clock, threshold: Threshold, now: datetime, *, is_digest: bool) -> None:
        clock.mark_fired(threshold)
        self._journal(clock, threshold, now, is_digest=is_digest)

    def _journal(self, clock: Clock, threshold: Threshold, now: datetime, *, is_digest: bool) -> None:
        self.changes.firings.append(
            Firing(
                clock_id=clock.id,
                cycle=clock.cycle,
                subject_id=self.id,
                kind=threshold.kind,
                level=threshold.level,
                repeat=threshold.repeat,
                arming=threshold.arming,
                threshold_at=threshold.at,
                fired_at=now,
                target=threshold.target,
                is_digest=is_digest,
            )
        )

    def _changed(self, clock: Clock) -> None:
        if not any(clock is changed for changed in self.changes.clocks):
            self.changes.clocks.append(clock)


def _announcement(threshold: Threshold, now: datetime) -> Said:
    if threshold.kind is ThresholdKind.BREACH:
        return Said(events.ClockBreached, {"breached_at": threshold.at, "fired_at": now})
    if threshold.kind is ThresholdKind.AT_RISK:
        projected_at = datetime.fromisoformat(threshold.label)
        return Said(
            events.CommitmentAtRisk,
            {"at_risk_at": threshold.at, "projected_at": projected_at, "fired_at": now},
        )
    facts: dict[str, object] = {"level": threshold.level, "threshold_at": threshold.at, "fired_at": now}
    if threshold.kind is ThresholdKind.WARNING:
        return Said(events.ClockWarned, {**facts, "threshold": threshold.label})
    return Said(events.EscalationDue, {**facts, "target": threshold.target})
