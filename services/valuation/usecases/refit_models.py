"""Refit the value models: start a job, try its fit, and decide whether what it found may score."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.valuation.domain.serving.promotion import Candidate, Check, carries, judge
from services.valuation.domain.serving.refit import Refitted
from services.valuation.domain.serving.refit_status import RefitCommand, RefitStatus, next_status
from services.valuation.persistence import model_versions, refit_jobs, standings
from services.valuation.persistence.model_versions import FitReport, ModelVersion
from services.valuation.persistence.refit_jobs import RefitCause, RefitJob
from services.valuation.usecases.context import Valuation
from shared.db.work import Session, Work
from shared.kernel import failpoints
from shared.kernel.ids import new_id

FIT_DECIDED = failpoints.declare(
    "valuation.fit_decided", "the fit is lost with its process; the job tries again, and no version was added"
)


@dataclass(frozen=True, slots=True)
class ConcludeFit:
    """What the process of a job's fit found."""

    job_id: UUID
    found: Refitted


async def start_refit(work: Work, valuation: Valuation, cause: RefitCause = "asked") -> RefitJob:
    """A new job as of today; the one that is open, if there is one."""
    job = await new_job(work, valuation, cause)
    if await refit_jobs.add(work, job):
        return job
    running = await refit_jobs.find_open(work)
    return job if running is None else running


async def new_job(work: Work, valuation: Valuation, cause: RefitCause) -> RefitJob:
    """A job that begins now; one after a rollback has nothing to fit."""
    return RefitJob(
        id=new_id(),
        cause=cause,
        status=RefitStatus.SCORING if cause == "rollback" else RefitStatus.FITTING,
        history_day=valuation.ledger.calendar.day_of(work.now),
        customers=await standings.count(work),
        started_at=work.now,
        started_by=str(work.actor),
    )


async def start_due_refit(work: Work, valuation: Valuation) -> int:
    """Start the nightly job when its time has come; how many were started."""
    due = await next_refit_at(work, valuation)
    if due is None or due > work.now or await refit_jobs.find_open(work) is not None:
        return 0
    await start_refit(work, valuation, "nightly")
    return 1


async def next_refit_at(session: Session, valuation: Valuation) -> datetime | None:
    """The set hour after the last fit began, or after the ledger's first row; None before, and when none is set."""
    hour = valuation.serving.refit_hour
    if hour is None:
        return None
    last = await refit_jobs.last_fit_started_at(session)
    since = await refit_jobs.first_booked_at(session) if last is None else last
    return None if since is None else valuation.ledger.calendar.next_hour(hour, since)


async def begin_attempt(work: Work, valuation: Valuation) -> RefitJob | None:
    """The job whose fit may be tried (again), or None; one that was tried too often has failed."""
    job = await refit_jobs.lock_open(work)
    if job is None or job.status is not RefitStatus.FITTING:
        return None
    if job.attempts >= valuation.serving.most_attempts:
        await _fail(work, job, job.problem or "the fit did not come to an end")
        return None
    job = replace(job, attempts=job.attempts + 1)
    await refit_jobs.save(work, job)
    return job


async def note_problem(work: Work, job_id: UUID, problem: str) -> None:
    """Keep why an attempt came to nothing."""
    job = await refit_jobs.lock_open(work)
    if job is not None and job.id == job_id and job.status is RefitStatus.FITTING:
        await refit_jobs.save(work, replace(job, problem=problem))


async def give_up(work: Work, job_id: UUID, problem: str) -> None:
    """There is nothing to fit: the job fails at once."""
    job = await refit_jobs.lock_open(work)
    if job is not None and job.id == job_id and job.status is RefitStatus.FITTING:
        await _fail(work, job, problem)


async def conclude_fit(command: ConcludeFit, work: Work) -> ModelVersion | None:
    """Keep the fit as a new version, and put it in force when every check passes.

    Does nothing for a job that is not waiting for a fit any more: one was concluded already, or a person went back.
    """
    before = await model_versions.decide(work)
    job = await refit_jobs.lock_open(work)
    if job is None or job.id != command.job_id or job.status is not RefitStatus.FITTING:
        return None
    current = await model_versions.in_force(work)
    found = command.found
    checks = judge(
        Candidate(
            buying=found.buying,
            spend=found.spend,
            expected=found.expected,
            expected_now=found.expected_now,
            pace=found.pace,
            spend_needed=current is not None and current.spend.parameters is not None,
            on_hold=job.cause == "nightly" and before is not None and before.cause == "rollback",
        )
    )
    version = _version(await model_versions.next_version(work), job, found, checks, work.now)
    await model_versions.add(work, version)
    if all(check.passed for check in checks):
        version = await model_versions.put_in_force(work, version, before, "refit", None)
    has_model = current is not None or version.state == "promoted"
    done = RefitCommand.SCORE if has_model else RefitCommand.COMPLETE
    await refit_jobs.save(
        work,
        replace(
            job,
            status=next_status(job.status, done),
            model_version=version.version,
            problem=None,
            completed_at=None if has_model else work.now,
        ),
    )
    failpoints.hit(FIT_DECIDED)
    return version


def _version(
    number: int, job: RefitJob, found: Refitted, checks: Sequence[Check], at: datetime
) -> ModelVersion:
    spend = FitReport.of(found.spend)
    return ModelVersion(
        version=number,
        job_id=job.id,
        state="rejected",
        buying=FitReport.of(found.buying),
        spend=spend if carries(found.spend) else replace(spend, parameters=None),
        unit="day",
        history_day=job.history_day,
        customers=found.customers,
        checks=tuple(checks),
        fitted_at=at,
    )


async def _fail(work: Work, job: RefitJob, problem: str) -> None:
    status = next_status(job.status, RefitCommand.FAIL)
    await refit_jobs.save(work, replace(job, status=status, problem=problem, completed_at=work.now))
