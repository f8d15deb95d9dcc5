"""A version of a policy or calendar applied to what runs already: asked for at once, done by a job (sla.md §4)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.sla.domain.catalogue import Catalogue
from services.sla.domain.firing import Decision
from services.sla.domain.jobs import Application, calendar_application, policy_application
from services.sla.domain.subject import Subject
from services.sla.domain.thresholds import ThresholdKind
from services.sla.persistence import calendar_store, job_store, open_subjects, policy_store, subject_store
from services.sla.persistence.catalogue_store import (
    Catalogues,
    calendar_version_of,
    policy_version_of,
)
from services.sla.usecases.fire_timers import GROUP
from shared.db.work import Work
from shared.events.progress import horizon, parked_keys
from shared.kernel import failpoints
from shared.kernel.ids import new_id

DIGESTED = (ThresholdKind.WARNING, ThresholdKind.ESCALATION)
AFTER_LINES = failpoints.declare(
    "jobs.after_lines", "lines, clocks and the job's progress roll back together"
)


@dataclass(frozen=True, slots=True)
class ApplyPolicyVersion:
    policy_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class ApplyCalendarVersion:
    calendar_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class RetryJob:
    """A failed job is to go on where it stopped."""

    job_id: UUID


@dataclass(frozen=True, slots=True)
class RunJob:
    """`batch` subjects at most in one transaction."""

    batch: int


@dataclass(frozen=True, slots=True)
class Ran:
    """What one batch did; `job_id` None: there was nothing to do."""

    job_id: UUID | None = None
    subjects: int = 0
    is_done: bool = False


async def apply_policy_version(command: ApplyPolicyVersion, work: Work, *, catalogues: Catalogues) -> Any:
    """The row of the new job. Raises `PolicyVersionNotFoundError`, `VersionNotInForceError`."""
    row = await policy_store.version(work, command.policy_id, command.number)
    catalogue = await catalogues.at(work, row["revision"])
    return await _start(work, policy_application(catalogue, row["id"], work.now))


async def apply_calendar_version(command: ApplyCalendarVersion, work: Work, *, catalogues: Catalogues) -> Any:
    """The row of the new job. Raises `CalendarVersionNotFoundError`, `VersionNotInForceError`."""
    row = await calendar_store.version(work, command.calendar_id, command.number)
    catalogue = await catalogues.newest(work)
    return await _start(work, calendar_application(catalogue, command.calendar_id, row["id"], work.now))


async def apply_new_policy(policy_id: UUID, work: Work, *, catalogues: Catalogues) -> Any:
    """The row of a job for the version that this very transaction has added. Raises `VersionNotInForceError`."""
    row = await policy_store.latest(work, policy_id)
    version = policy_version_of(row)
    known = await catalogues.at(work, version.revision - 1)
    # A catalogue for this once: what is not committed must not stay in the memory of the process.
    policies = [*known.policy_versions(), version]
    catalogue = Catalogue(version.revision, policies, known.all_calendar_versions())
    return await _start(work, policy_application(catalogue, version.id, work.now))


async def apply_new_calendar(calendar_id: UUID, work: Work, *, catalogues: Catalogues) -> Any:
    """As `apply_new_policy`, of a calendar's version."""
    row = await calendar_store.latest(work, calendar_id)
    version = calendar_version_of(row)
    known = await catalogues.at(work, version.revision - 1)
    calendars = [*known.all_calendar_versions(), version]
    catalogue = Catalogue(version.revision, known.policy_versions(), calendars)
    return await _start(work, calendar_application(catalogue, calendar_id, version.id, work.now))


async def run_job(command: RunJob, work: Work, works: Callable[[], Work], *, catalogues: Catalogues) -> Ran:
    """One batch of the oldest unfinished job: lines, clocks and how far it came, in one transaction.

    Whatever is killed in between goes on after the last subject that was committed.
    """
    job = await job_store.claim(work)
    if job is None:
        return Ran()
    application = job_store.application_of(job)
    after = job["after_id"] or open_subjects.FIRST
    kinds = dict(await open_subjects.ids(work, application.subject_kinds, after=after, limit=command.batch))
    if not kinds:
        await job_store.finish(work, job["id"])
        return Ran(job["id"], is_done=True)
    subjects = await subject_store.lock_or_add(work, kinds)
    changed = await _apply(application, subjects, work, works, catalogues)
    failpoints.hit(AFTER_LINES)
    total = max(job["subjects_total"], job["subjects_done"] + len(kinds))
    reached = max(kinds)
    await job_store.advance(work, job["id"], reached=reached, total=total, done=len(kinds), changed=changed)
    return Ran(job["id"], len(kinds))


async def retry_job(command: RetryJob, work: Work) -> Any:
    """Its row. Raises `JobNotFoundError`, `JobNotFailedError`."""
    return await job_store.retry(work, command.job_id)


async def _start(work: Work, application: Application) -> Any:
    total = await open_subjects.count(work, application.subject_kinds)
    return await job_store.add(work, new_id(), application, total)


async def _apply(
    application: Application,
    subjects: dict[UUID, Subject],
    work: Work,
    works: Callable[[], Work],
    catalogues: Catalogues,
) -> int:
    """How many subjects got the line."""
    up_to = await horizon(work, GROUP, work.now)
    parked = await parked_keys(work, GROUP)
    changed = []
    for subject in sorted(subjects.values(), key=lambda subject: subject.id):
        line = application.line(subject, work.now)
        if line is None or not subject.is_open or subject.knows(line):
            continue
        catalogue = await catalogues.at(work, max(subject.needed_revision, application.revision))
        subject.record([line], catalogue, work.now)
        if subject.id not in parked:
            _write_down(subject, min(up_to, work.now), work)
        works().record(*subject.take_events())
        changed.append(subject)
    await subject_store.save(work, changed)
    return len(changed)


def _write_down(subject: Subject, up_to: datetime, work: Work) -> None:
    """Warnings and escalations that the change has put into the past are told in their targets' digests.

    Breaches and dates at risk stay with the timers, which announce each at its instant; so does what lies beyond
    the horizon.
    """
    decided = []
    for clock in subject.clocks.values():
        past = [one for one in clock.due_thresholds(up_to) if one.kind in DIGESTED]
        if past:
            decided.append((clock, Decision(past=past)))
    if decided:
        subject.fire(decided, work.now)
