"""Measure how each source is distributed over all customers: a job in bounded steps, each a transaction."""

from dataclasses import replace
from datetime import datetime, timedelta

from services.valuation.domain.indicators.sources import SOURCES
from services.valuation.persistence import indicator_facts, measurements
from services.valuation.persistence.indicator_facts import Moment
from services.valuation.persistence.measurements import Measurement
from services.valuation.usecases.context import Valuation
from shared.db.work import Session, Work
from shared.kernel.ids import new_id

# A step reads about so many rows: every source at once of few customers, one source of many.
ROWS_A_STEP = 200_000


async def start_measurement(work: Work) -> Measurement:
    """A new job; the one that is running, if there is one."""
    job = Measurement(
        id=new_id(),
        state="running",
        customers=await measurements.count_customers(work),
        sources_total=len(SOURCES),
        sources_done=0,
        started_at=work.now,
        completed_at=None,
        started_by=str(work.actor),
    )
    if await measurements.add(work, job):
        return job
    running = await measurements.running(work)
    return job if running is None else running


async def start_due_measurement(work: Work, valuation: Valuation) -> int:
    """Start one when its time has come; how many were started."""
    due = await next_measurement_at(work, valuation)
    if due is None or due > work.now or await measurements.running(work) is not None:
        return 0
    await start_measurement(work)
    return 1


async def next_measurement_at(session: Session, valuation: Valuation) -> datetime | None:
    """The first review instant after the last measurement began, or after the first customer came; None before."""
    last = await measurements.latest(session)
    since = await measurements.first_registered_at(session) if last is None else last.started_at
    if since is None:
        return None
    return valuation.ledger.calendar.review_from(since + timedelta(microseconds=1))


async def measure_step(work: Work, valuation: Valuation) -> Measurement | None:
    """The next sources of the running job, which is completed with the last; None without a job to take."""
    job = await measurements.lock_running(work)
    if job is None:
        return None
    done = await measurements.measured_sources(work, job.id)
    left = [source for source in SOURCES if source not in done]
    taken = left[: max(1, ROWS_A_STEP // max(1, job.customers))]
    moment = Moment.of(job.started_at, valuation.ledger.calendar)
    found = [await indicator_facts.distribution(work, source, moment) for source in taken]
    await measurements.add_distributions(work, job.id, found)
    is_last = len(taken) == len(left)
    job = replace(
        job,
        sources_done=len(done) + len(taken),
        state="completed" if is_last else "running",
        completed_at=work.now if is_last else None,
    )
    await measurements.save(work, job)
    return job
