"""Sla, composed: the only place where its objects are wired."""

from datetime import timedelta

from services.sla.api import (
    attainment,
    availability,
    calendars,
    clocks,
    external_subjects,
    jobs,
    outages,
    parked_timers,
    policies,
    policy_previews,
    reports,
    subjects,
)
from services.sla.api.availability import AvailabilityContext
from services.sla.api.catalogue_access import SlaContext
from services.sla.api.permissions import PERMISSIONS
from services.sla.messaging.inbound import Inbound
from services.sla.messaging.outbound import OUTBOUND
from services.sla.persistence.catalogue_store import Catalogues
from services.sla.persistence.tables import HISTORY
from services.sla.settings import SlaSettings
from services.sla.usecases.apply_version import RunJob
from services.sla.usecases.evaluate_objectives import EvaluateObjectives
from services.sla.usecases.fire_timers import FireTimers
from services.sla.usecases.write_calendar import ResolvedYears
from services.sla.workers.digests import DigestWorker
from services.sla.workers.jobs import JobWorker
from services.sla.workers.objectives import ObjectiveWorker
from services.sla.workers.timers import TimerWorker, Upkeep
from shared.db.database import Database
from shared.events.consumer import Consumer
from shared.events.outbox import OutboxWriter
from shared.events.relay import Relay
from shared.events.transport.base import Transport
from shared.kernel.clock import Clock
from shared.operations.operator_routes import operator_routes
from shared.operations.service import Service
from shared.operations.upkeep import upkeep_loops
from shared.web.app import create_app

__all__ = ["HISTORY", "Settings", "build"]

NAME = "sla"
VERSION = "1.0.0"
Settings = SlaSettings
RESOURCES = (
    calendars,
    policies,
    policy_previews,
    clocks,
    subjects,
    external_subjects,
    jobs,
    attainment,
    reports,
    availability,
    outages,
    parked_timers,
)


def build(settings: SlaSettings, *, clock: Clock, transport: Transport) -> Service:
    """The service, nothing of it connected yet."""
    database = Database(
        settings.database_url,
        clock=clock,
        name=NAME,
        min_size=settings.pool_min_size,
        max_size=settings.pool_max_size,
        command_timeout_seconds=settings.command_timeout_seconds,
    )
    OutboxWriter(NAME, OUTBOUND).attach(database)
    catalogues = Catalogues()
    tolerance = timedelta(seconds=settings.backdating_tolerance_seconds)
    inbound = Inbound(catalogues, tolerance)
    timers = timer_worker(settings, database)
    consumer = Consumer(NAME, database, transport, inbound.subscriptions(), wakes=[timers.wake])
    app = create_app(
        NAME,
        title="careloop sla",
        summary="Promises about time (服务级别协议): calendars, policies, clocks (计时) that can be explained",
        version=VERSION,
        routers=[
            *(resource.router for resource in RESOURCES),
            operator_routes(consumer.dead_letters),
        ],
        permissions=PERMISSIONS,
        database=database,
        verifier=settings.verifier(),
        history=HISTORY,
        limits=settings.rate_limits(),
        body_limit_bytes=settings.body_limit_bytes,
        access_log=settings.access_log,
    )
    years = ResolvedYears(settings.calendar_years_before, settings.calendar_years_after)
    app.state.sla = SlaContext(catalogues, years, clock, tolerance)
    app.state.report_subjects = settings.report_subjects
    app.state.availability = AvailabilityContext(settings.availability_check_seconds)
    return Service(
        name=NAME,
        app=app,
        database=database,
        history=HISTORY,
        loops=(
            Relay(NAME, database, transport),
            consumer,
            timers,
            DigestWorker(database, settings.storm_caps()),
            objective_worker(settings, database),
            JobWorker(database, RunJob(settings.job_batch), catalogues),
            *upkeep_loops(NAME, database),
        ),
        checks={"broker": transport.check},
    )


def objective_worker(settings: SlaSettings, database: Database) -> ObjectiveWorker:
    """The worker that looks for spent and burning error budgets."""
    command = EvaluateObjectives(
        limit=settings.availability_batch,
        months=settings.availability_months,
        check_seconds=settings.availability_check_seconds,
        retry_seconds=settings.availability_retry_seconds,
    )
    return ObjectiveWorker(database, command)


def timer_worker(settings: SlaSettings, database: Database) -> TimerWorker:
    """The worker that fires due thresholds."""
    command = FireTimers(
        limit=settings.timer_batch,
        caps=settings.storm_caps(),
        hold=timedelta(seconds=settings.timer_hold_seconds),
    )
    upkeep = Upkeep(
        sweep_seconds=settings.timer_sweep_seconds,
        mark_seconds=settings.timer_mark_seconds,
        mark_lag=timedelta(seconds=settings.timer_mark_lag_seconds),
        longest_hold_seconds=settings.timer_longest_hold_seconds,
        catch_up_per_second=settings.timer_catch_up_per_second,
    )
    return TimerWorker(database, command, upkeep)
