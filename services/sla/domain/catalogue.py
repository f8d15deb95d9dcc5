"""The catalogue: every policy version and calendar version, and what of it held for a subject."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from services.sla.domain.calendars import BusinessTimeline, ResolvedCalendar
from services.sla.domain.commitment_policy import COMMITMENTS
from services.sla.domain.matching import Facts, conditions, matches, most_specific_first
from services.sla.domain.metrics import SubjectKind
from services.sla.domain.policies import ClockKey, PolicyVersion, Target
from services.sla.domain.units import Duration

_REMEMBERED_CHOICES = 4_096
_REMEMBERED_SELECTIONS = 256


class CatalogueTooOldError(Exception):
    """A version was applied to a subject that this catalogue was read too early to hold."""


@dataclass(frozen=True)
class CalendarVersion:
    """One version of a calendar; it never changes once stored, nor do the dates it was resolved to."""

    id: UUID
    calendar_id: UUID
    name: str
    number: int
    effective_from: datetime
    revision: int
    resolved: ResolvedCalendar

    @cached_property
    def timeline(self) -> BusinessTimeline:
        return BusinessTimeline(self.resolved)


@dataclass(frozen=True, slots=True)
class Choice:
    """The target that counts for one clock, with the versions that it is pinned to."""

    version: PolicyVersion
    target: Target
    calendar: CalendarVersion | None

    @property
    def timeline(self) -> BusinessTimeline | None:
        return None if self.calendar is None else self.calendar.timeline

    @property
    def timing(self) -> tuple[Duration, UUID | None]:
        """What its due date comes from."""
        return self.target.duration, None if self.calendar is None else self.calendar.id

    def is_same(self, other: "Choice | None") -> bool:
        """Whether both are the same target of the same policy version."""
        return other is not None and other.version.id == self.version.id

    def times_like(self, other: "Choice | None") -> bool:
        """Whether both give the same due date: then changing over is no retarget."""
        return other is not None and self.timing == other.timing


class Selection:
    """The versions that hold for subjects that started at one instant and pinned one revision."""

    def __init__(self, versions: Iterable[PolicyVersion], calendars: Mapping[UUID, CalendarVersion]) -> None:
        self._versions = most_specific_first(versions)
        self._calendars = calendars
        self._conditions = tuple(sorted({name for v in self._versions for name in conditions(v.match)}))
        self._keys = {kind: self._keys_of(kind) for kind in SubjectKind}
        self._chosen: dict[tuple[str | None, ...], dict[ClockKey, Choice]] = {}

    def keys(self, kind: SubjectKind) -> tuple[ClockKey, ...]:
        """Every agreement and metric that any policy promises to subjects of a kind, in order."""
        return self._keys[kind]

    def choose(self, facts: Facts, tier: str | None) -> Mapping[ClockKey, Choice]:
        """One winner for each agreement and metric: the most specific policy that has such a target."""
        # Only what some policy asks about is remembered, so that customers do not fill the memory.
        asked = facts.subject_kind, *(facts.value(name, tier) for name in self._conditions)
        found = self._chosen.get(asked)
        if found is None:
            if len(self._chosen) >= _REMEMBERED_CHOICES:
                self._chosen.clear()
            found = self._chosen[asked] = self._choose(facts, tier)
        return found

    def _keys_of(self, kind: SubjectKind) -> tuple[ClockKey, ...]:
        versions = [version for version in self._versions if version.match.subject_kind is kind]
        return tuple(sorted({ClockKey(v.agreement, metric) for v in versions for metric in v.targets}))

    def _choose(self, facts: Facts, tier: str | None) -> dict[ClockKey, Choice]:
        chosen: dict[ClockKey, Choice] = {}
        for version in self._versions:
            if not matches(version.match, facts, tier):
                continue
            calendar = None if version.calendar_id is None else self._calendars.get(version.calendar_id)
            for metric, target in version.targets.items():
                if target.duration.unit.needs_calendar and calendar is None:
                    continue
                chosen.setdefault(ClockKey(version.agreement, metric), Choice(version, target, calendar))
        return chosen


class Catalogue:
    """All versions up to `revision`. Grows only: a new version is a new catalogue."""

    def __init__(
        self, revision: int, policies: Iterable[PolicyVersion], calendars: Iterable[CalendarVersion]
    ) -> None:
        self.revision = revision
        self._policies = {COMMITMENTS.id: COMMITMENTS} | {version.id: version for version in policies}
        self._calendars = tuple(sorted(calendars, key=lambda version: version.effective_from))
        edges = {v.effective_from for v in self._policies.values()} | {
            v.effective_from for v in self._calendars
        }
        edges |= {v.effective_until for v in self._policies.values() if v.effective_until is not None}
        self._edges = sorted(edges)
        self._selections: dict[tuple[int, int, tuple[UUID, ...]], Selection] = {}

    def selection(self, started_at: datetime, revision: int, applied: tuple[UUID, ...] = ()) -> Selection:
        """What holds for a subject: of each policy and calendar the version effective when it started,
        among those of its pinned revision. So later versions move no due date of older subjects, save those
        that were `applied` to it: each takes the place of the version that held of its policy or calendar.
        Raises `CatalogueTooOldError` where one of these is not known."""
        key = revision, bisect_right(self._edges, started_at), applied
        selection = self._selections.get(key)
        if selection is None:
            if len(self._selections) >= _REMEMBERED_SELECTIONS:
                self._selections.clear()
            selection = self._selections[key] = self._select(started_at, revision, applied)
        return selection

    def policy_version(self, version_id: UUID) -> PolicyVersion | None:
        return self._policies.get(version_id)

    def policy_versions(self) -> Iterable[PolicyVersion]:
        """All of them."""
        return self._policies.values()

    def calendar_versions(self, calendar_id: UUID) -> list[CalendarVersion]:
        """Of one calendar, in the order in which they come into force."""
        return [version for version in self._calendars if version.calendar_id == calendar_id]

    def all_calendar_versions(self) -> Iterable[CalendarVersion]:
        """Of every calendar."""
        return self._calendars

    def _select(self, started_at: datetime, revision: int, applied: tuple[UUID, ...]) -> Selection:
        known = [version for version in self._policies.values() if version.revision <= revision]
        calendars = {
            version.calendar_id: version
            for version in self._calendars
            if version.revision <= revision and version.effective_from <= started_at
        }
        holding = {version.policy_id: version for version in _effective(known, started_at)}
        for version_id in applied:
            self._apply(version_id, holding, calendars)
        return Selection(holding.values(), calendars)

    def _apply(
        self,
        version_id: UUID,
        holding: dict[UUID, PolicyVersion],
        calendars: dict[UUID, CalendarVersion],
    ) -> None:
        policy = self._policies.get(version_id)
        if policy is None:
            calendar = next((version for version in self._calendars if version.id == version_id), None)
            if calendar is None:
                raise CatalogueTooOldError(f"version {version_id} is not among those up to {self.revision}")
            calendars[calendar.calendar_id] = calendar
            return
        holding[policy.policy_id] = policy
        if policy.calendar_id is None or policy.calendar_id in calendars:
            return
        # A calendar younger than the subject: the version that held when the policy came into force.
        for younger in self.calendar_versions(policy.calendar_id):
            if younger.revision <= policy.revision and younger.effective_from <= policy.effective_from:
                calendars[policy.calendar_id] = younger


def _effective(versions: Iterable[PolicyVersion], at: datetime) -> list[PolicyVersion]:
    """Of each policy the latest version that has begun, unless it has ended."""
    latest: dict[UUID, PolicyVersion] = {}
    for version in sorted(versions, key=lambda version: version.effective_from):
        if version.effective_from <= at:
            latest[version.policy_id] = version
    return [version for version in latest.values() if version.is_effective(at)]
