"""Jobs: a version applied to the subjects that run, in bounded batches, resumable wherever it was broken off."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.sla.domain.catalogue import Catalogue
from services.sla.domain.errors import VersionNotInForceError
from services.sla.domain.ledger import Entry, EntryKind
from services.sla.domain.metrics import SubjectKind
from services.sla.domain.subject import Subject
from shared.kernel.errors import FieldError
from shared.kernel.ids import derived_id, new_id


class JobKind(StrEnum):
    APPLY_POLICY = "apply_policy"
    APPLY_CALENDAR = "apply_calendar"


class JobState(StrEnum):
    """`failed` is broken off with an error and may be retried: it goes on where it stopped."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Application:
    """What a job applies: a version, from `applied_at` on, to open subjects of some kinds."""

    kind: JobKind
    version_id: UUID
    revision: int
    effective_from: datetime
    subject_kinds: frozenset[SubjectKind]
    applied_at: datetime

    def line(self, subject: Subject, recorded_at: datetime) -> Entry | None:
        """The line for one subject; None where the version held from its start already."""
        opened_at = subject.opened_at
        if opened_at is None or opened_at > self.applied_at:
            return None
        if subject.revision >= self.revision and opened_at >= self.effective_from:
            return None
        applies_policy = self.kind is JobKind.APPLY_POLICY
        entry_id = derived_id("applied", str(self.version_id), str(subject.id))
        return Entry(
            id=new_id(),
            kind=EntryKind.POLICY_CHANGED if applies_policy else EntryKind.CALENDAR_CHANGED,
            occurred_at=self.applied_at,
            recorded_at=recorded_at,
            source="sla",
            sequence=self.revision,
            # The same version is applied to a subject once, however often a job dies or is asked for.
            event_id=entry_id,
            data={"version_id": str(self.version_id), "revision": self.revision},
        )


def policy_application(catalogue: Catalogue, version_id: UUID, now: datetime) -> Application:
    """Of a policy version that is in force. Raises `VersionNotInForceError`."""
    version = catalogue.policy_version(version_id)
    assert version is not None, "callers have read the version from its row"
    if not version.is_effective(now):
        raise _not_in_force(version.effective_from)
    versions = [other for other in catalogue.policy_versions() if other.policy_id == version.policy_id]
    kinds = frozenset(other.match.subject_kind for other in versions)
    return Application(JobKind.APPLY_POLICY, version_id, version.revision, version.effective_from, kinds, now)


def calendar_application(
    catalogue: Catalogue, calendar_id: UUID, version_id: UUID, now: datetime
) -> Application:
    """Of a calendar version that is in force. Raises `VersionNotInForceError`."""
    version = next(one for one in catalogue.calendar_versions(calendar_id) if one.id == version_id)
    if version.effective_from > now:
        raise _not_in_force(version.effective_from)
    kinds = frozenset(
        policy.match.subject_kind
        for policy in catalogue.policy_versions()
        if policy.calendar_id == calendar_id
    )
    return Application(
        JobKind.APPLY_CALENDAR, version_id, version.revision, version.effective_from, kinds, now
    )


def _not_in_force(effective_from: datetime) -> VersionNotInForceError:
    message = (
        f"It holds from {effective_from.isoformat()} on: only what is in force can be applied to what runs."
    )
    return VersionNotInForceError(message, field_errors=[FieldError("version", "in_force", message)])
