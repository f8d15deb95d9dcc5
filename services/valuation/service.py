"""Composition: the only place where this service's objects are wired."""

from collections.abc import Callable

from services.valuation.api.consents import consent_routes
from services.valuation.api.cost_rates import cost_rate_routes
from services.valuation.api.customer_scores import customer_score_routes
from services.valuation.api.customers import customer_routes
from services.valuation.api.departures import departure_routes
from services.valuation.api.exchange_rates import exchange_rate_routes
from services.valuation.api.full_profile import full_profile_routes
from services.valuation.api.important_dates import important_date_routes
from services.valuation.api.indicator_measurements import indicator_measurement_routes
from services.valuation.api.indicator_systems import indicator_system_routes
from services.valuation.api.insight_report import insight_report_routes
from services.valuation.api.insight_rules import insight_rule_routes
from services.valuation.api.insights import insight_routes
from services.valuation.api.margin_rates import margin_rate_routes
from services.valuation.api.people import person_routes
from services.valuation.api.permissions import PERMISSIONS
from services.valuation.api.preferences import preference_routes
from services.valuation.api.referrals import referral_routes
from services.valuation.api.refit_jobs import refit_job_routes
from services.valuation.api.savings import saving_routes
from services.valuation.api.segment_rules import segment_rule_routes
from services.valuation.api.segments import segment_routes
from services.valuation.api.tier_contests import tier_contest_routes
from services.valuation.api.tier_explanation import tier_explanation_routes
from services.valuation.api.tier_overrides import tier_override_routes
from services.valuation.api.tier_rule_previews import tier_rule_preview_routes
from services.valuation.api.tier_rules import tier_rule_routes
from services.valuation.api.tier_runs import tier_run_routes
from services.valuation.api.tiers import tier_routes
from services.valuation.api.transaction_imports import import_routes
from services.valuation.api.transactions import transaction_routes
from services.valuation.api.value_models import value_model_routes
from services.valuation.api.value_reports import value_report_routes
from services.valuation.api.value_scores import value_score_routes
from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.ledger import LedgerRules
from services.valuation.domain.serving.moves import MoveRules
from services.valuation.domain.serving.scoring import ScoreRules
from services.valuation.messaging.inbound import subscriptions
from services.valuation.messaging.outbound import OUTBOUND
from services.valuation.persistence.history import HISTORY
from services.valuation.settings import Settings
from services.valuation.usecases.context import Serving, Valuation
from services.valuation.usecases.rebuild_standings import RebuildReport
from services.valuation.workers.imports import ImportLoop
from services.valuation.workers.insights import InsightLoop
from services.valuation.workers.measurements import MeasurementLoop
from services.valuation.workers.rebuild import rebuild_all
from services.valuation.workers.refits import RefitLoop
from services.valuation.workers.reviews import ReviewLoop
from services.valuation.workers.scores import ScoreLoop
from shared.db.database import Database
from shared.events.consumer import Consumer
from shared.events.outbox import OutboxWriter
from shared.events.relay import Relay
from shared.events.transport.base import Transport
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import Clock
from shared.operations.operator_routes import operator_routes
from shared.operations.service import Service
from shared.operations.upkeep import upkeep_loops
from shared.web.app import create_app

__all__ = ["HISTORY", "Settings", "build", "rebuild", "valuation_of"]

NAME = "valuation"
VERSION = "0.1.0"


def valuation_of(settings: Settings, clock: Clock) -> Valuation:
    """The rules of the ledger and the bounds of background work."""
    return Valuation(
        ledger=LedgerRules(
            currency=settings.currency,
            calendar=ReviewCalendar(settings.timezone, settings.review_every_days),
            default_margin_rate=settings.default_margin_rate,
            maximum_amount_minor=settings.maximum_amount_minor,
            clock_tolerance_seconds=settings.clock_tolerance_seconds,
        ),
        clock=clock,
        batch_rows=settings.batch_rows,
        import_batch_rows=settings.import_batch_rows,
        inline_rows=settings.import_inline_rows,
        demotion_cap=settings.demotion_cap,
        override_days=settings.override_days,
        receiving_seconds=settings.import_receiving_seconds,
        merge_limit_rows=settings.merge_limit_rows,
        export_limit_rows=settings.export_limit_rows,
        serving=Serving(
            scores=ScoreRules(settings.discount_rate, float(settings.default_margin_rate)),
            moves=MoveRules(
                settings.score_move_p_alive, settings.score_move_share, settings.score_move_minor
            ),
            buying_model=settings.buying_model,
            refit_hour=settings.refit_hour,
            most_attempts=settings.fit_attempts,
            most_told=settings.scores_told,
            batch_customers=settings.score_batch,
        ),
    )


def build(settings: Settings, *, clock: Clock, transport: Transport) -> Service:
    """The service on its database, publishing and consuming through `transport`."""
    database = _database(settings, clock)
    valuation = valuation_of(settings, clock)
    relay = Relay(NAME, database, transport)
    consumer = Consumer(NAME, database, transport, subscriptions(valuation))
    imports = ImportLoop(database, valuation, poll_seconds=settings.import_poll_seconds)
    reviews = ReviewLoop(database, valuation, poll_seconds=settings.review_poll_seconds)
    measurements = MeasurementLoop(database, valuation, poll_seconds=settings.measurement_poll_seconds)
    insights = InsightLoop(database, valuation, poll_seconds=settings.insight_poll_seconds)
    refits = RefitLoop(
        database, valuation, poll_seconds=settings.refit_poll_seconds, fit_seconds=settings.fit_seconds
    )
    scores = ScoreLoop(database, valuation, poll_seconds=settings.score_poll_seconds)
    database.on_commit.append(scores.wake.set)
    app = create_app(
        NAME,
        title="careloop valuation",
        summary="Customers (客户), what they have brought (既成价值), and the tier (客户等级) they hold",
        version=VERSION,
        routers=[
            customer_routes(valuation),
            full_profile_routes(valuation),
            person_routes(),
            preference_routes(),
            consent_routes(valuation),
            important_date_routes(valuation),
            departure_routes(valuation),
            insight_routes(),
            insight_rule_routes(),
            insight_report_routes(valuation),
            transaction_routes(valuation),
            import_routes(valuation, imports.wake.set, settings.import_limit_bytes),
            tier_routes(valuation),
            tier_rule_routes(reviews.wake.set),
            tier_rule_preview_routes(valuation),
            tier_run_routes(reviews.wake.set),
            tier_override_routes(valuation),
            tier_contest_routes(valuation),
            tier_explanation_routes(valuation),
            segment_routes(valuation),
            segment_rule_routes(),
            margin_rate_routes(valuation),
            cost_rate_routes(),
            value_score_routes(valuation),
            value_report_routes(valuation),
            referral_routes(valuation),
            saving_routes(valuation),
            indicator_system_routes(),
            indicator_measurement_routes(measurements.wake.set),
            exchange_rate_routes(valuation),
            customer_score_routes(valuation),
            value_model_routes(valuation, refits.wake.set),
            refit_job_routes(valuation, refits.wake.set),
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
    return Service(
        NAME,
        app,
        database,
        HISTORY,
        loops=(
            relay,
            consumer,
            imports,
            reviews,
            measurements,
            insights,
            refits,
            scores,
            *upkeep_loops(
                NAME, database, log=transport if isinstance(transport, PostgresTransport) else None
            ),
        ),
        checks={"broker": transport.check},
    )


async def rebuild(
    settings: Settings,
    *,
    clock: Clock,
    check: bool,
    on_progress: Callable[[RebuildReport], None] = lambda report: None,
) -> RebuildReport:
    """`careloop value rebuild [--check]`: compare every standing with its ledger, and repair unless `check`."""
    database = _database(settings, clock)
    await database.open()
    try:
        return await rebuild_all(
            database, valuation_of(settings, clock), check=check, on_progress=on_progress
        )
    finally:
        await database.close()


def _database(settings: Settings, clock: Clock) -> Database:
    database = Database(
        settings.database_url,
        clock=clock,
        name=NAME,
        min_size=settings.pool_min_size,
        max_size=settings.pool_max_size,
        command_timeout_seconds=settings.command_timeout_seconds,
    )
    OutboxWriter(NAME, OUTBOUND).attach(database)
    return database
