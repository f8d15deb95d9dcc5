"""The tables of sla. `migrations/` makes them; the drift check compares."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.migrations import History
from shared.events import tables as events_tables
from shared.web import tables as web_tables

METADATA = sa.MetaData()
AT = sa.DateTime(timezone=True)

events_tables.add_to(METADATA)
web_tables.add_to(METADATA)

# One row: the number of the newest policy or calendar version. Its lock makes commit order revision order.
catalogue = sa.Table(
    "catalogue",
    METADATA,
    sa.Column("singleton", sa.Boolean, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.CheckConstraint("singleton", name="catalogue_singleton"),
)

calendars = sa.Table(
    "calendars",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", AT, nullable=False),
    sa.UniqueConstraint("name", name="calendars_name"),
)

calendar_versions = sa.Table(
    "calendar_versions",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("calendar_id", sa.Uuid, sa.ForeignKey("calendars.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("effective_from", AT, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("resolved", JSONB, nullable=False),
    sa.Column("created_at", AT, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.UniqueConstraint("calendar_id", "number", name="calendar_versions_number"),
)

policies = sa.Table(
    "policies",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", AT, nullable=False),
    sa.UniqueConstraint("name", name="policies_name"),
)

policy_versions = sa.Table(
    "policy_versions",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("policy_id", sa.Uuid, sa.ForeignKey("policies.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("effective_from", AT, nullable=False),
    sa.Column("effective_until", AT),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("created_at", AT, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.UniqueConstraint("policy_id", "number", name="policy_versions_number"),
)

# Customers as valuation tells of them: `tiers` is their history, effective-dated, never shortened.
customers = sa.Table(
    "customers",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("tiers", JSONB, nullable=False),
)

subjects = sa.Table(
    "subjects",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("number", sa.Text),
    sa.Column("external_number", sa.Text),
    sa.Column("customer_id", sa.Uuid),
    sa.Column("opened_at", AT),
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("last_occurred_at", AT),
    sa.Column("version", sa.Integer, nullable=False),
    sa.CheckConstraint("kind = ANY (ARRAY['ticket', 'complaint', 'external'])", name="subjects_kind"),
)
sa.Index("subjects_by_customer", subjects.c.customer_id)

ledger = sa.Table(
    "ledger",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("subject_id", sa.Uuid, sa.ForeignKey("subjects.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("occurred_at", AT, nullable=False),
    sa.Column("recorded_at", AT, nullable=False),
    sa.Column("claimed_at", AT),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("event_id", sa.Uuid, nullable=False),
    sa.Column("data", JSONB, nullable=False),
    # When sla wrote it: what a report as known at an instant may read. Absent in lines older than the column.
    sa.Column("stored_at", AT),
    sa.UniqueConstraint("subject_id", "event_id", name="ledger_event_once"),
)
# Reports ask for the subjects that something happened to in a range; lines come nearly in that order.
sa.Index("ledger_by_instant", ledger.c.occurred_at, postgresql_using="brin")
_CORRECTED = ledger.c.kind == "corrected"
sa.Index("ledger_corrections", ledger.c.subject_id, postgresql_where=_CORRECTED)

_STATES = "ARRAY['running', 'paused', 'overdue', 'overdue_paused', 'met', 'missed', 'cancelled']"

clocks = sa.Table(
    "clocks",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("cycle", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("subject_id", sa.Uuid, sa.ForeignKey("subjects.id"), nullable=False),
    sa.Column("subject_kind", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Uuid),
    sa.Column("agreement", sa.Text, nullable=False),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("policy_version_id", sa.Uuid, nullable=False),
    sa.Column("calendar_version_id", sa.Uuid),
    sa.Column("target_amount", sa.Integer, nullable=False),
    sa.Column("target_unit", sa.Text, nullable=False),
    sa.Column("priority", sa.Text),
    sa.Column("tier", sa.Text),
    sa.Column("category", sa.Text),
    sa.Column("channel", sa.Text),
    sa.Column("queue", sa.Text),
    sa.Column("run_state", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # For the index of lists by state: `state` itself changes with every threshold, and an update that changes no
    # index is written in place, at half the cost.
    sa.Column(
        "is_over",
        sa.Boolean,
        sa.Computed("run_state = ANY (ARRAY['ended', 'cancelled'])", persisted=True),
        nullable=False,
    ),
    sa.Column("started_at", AT, nullable=False),
    sa.Column("due_at", AT),
    sa.Column("due_position", sa.BigInteger, nullable=False),
    sa.Column("rearmed_at", AT),
    sa.Column("fulfilled_at", AT),
    sa.Column("ended_at", AT),
    sa.Column("breached_at", AT),
    sa.Column("warned_at", AT),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("arming", sa.Integer, nullable=False),
    sa.Column("armed_at", AT),
    # Pauses, retargets, announced breaches, what fired and what is to fire: read and written as a whole.
    sa.Column("detail", JSONB, nullable=False),
    sa.CheckConstraint(
        "run_state = ANY (ARRAY['running', 'paused', 'ended', 'cancelled'])", name="clocks_run_state"
    ),
    sa.CheckConstraint(f"state = ANY ({_STATES})", name="clocks_state"),
)
sa.Index("clocks_by_subject", clocks.c.subject_id)
sa.Index("clocks_by_customer", clocks.c.customer_id, clocks.c.started_at, clocks.c.id, clocks.c.cycle)
sa.Index("clocks_by_start", clocks.c.started_at, clocks.c.id, clocks.c.cycle)
sa.Index("clocks_by_end", clocks.c.is_over, clocks.c.started_at, clocks.c.id, clocks.c.cycle)
sa.Index("clocks_by_metric", clocks.c.metric, clocks.c.started_at, clocks.c.id, clocks.c.cycle)

# Alarms, one for the next threshold of each clock. Without foreign keys: the hot path, under the subject's lock.
timers = sa.Table(
    "timers",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("clock_id", sa.Uuid, nullable=False),
    sa.Column("cycle", sa.Integer, nullable=False),
    sa.Column("subject_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("due_at", AT, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("shard", sa.SmallInteger, nullable=False),
    sa.Column("parked_at", AT),
    sa.Column("error", sa.Text),
    sa.CheckConstraint(
        "kind = ANY (ARRAY['warning', 'at_risk', 'breach', 'escalation'])", name="timers_kind"
    ),
)
sa.Index("timers_pending", timers.c.due_at, timers.c.id, postgresql_where=timers.c.parked_at.is_(None))
sa.Index("timers_parked", timers.c.id, postgresql_where=timers.c.parked_at.is_not(None))

# One row: below this instant no pending timer is expected, so that claims need not walk over deleted ones.
timer_marks = sa.Table(
    "timer_marks",
    METADATA,
    sa.Column("singleton", sa.Boolean, primary_key=True),
    sa.Column("low_water_at", AT, nullable=False),
    sa.CheckConstraint("singleton", name="timer_marks_singleton"),
)

# The journal of thresholds: the primary key is what makes each fire once, whatever else goes wrong.
firings = sa.Table(
    "firings",
    METADATA,
    sa.Column("clock_id", sa.Uuid, primary_key=True),
    sa.Column("cycle", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("repeat", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("arming", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("subject_id", sa.Uuid, nullable=False),
    sa.Column("threshold_at", AT, nullable=False),
    sa.Column("fired_at", AT, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("is_digest", sa.Boolean, nullable=False),
)
_ESCALATED = sa.and_(firings.c.kind == "escalation", ~firings.c.is_digest)
sa.Index(
    "firings_escalated_by_subject", firings.c.subject_id, firings.c.fired_at, postgresql_where=_ESCALATED
)
sa.Index("firings_escalated_to_target", firings.c.target, firings.c.fired_at, postgresql_where=_ESCALATED)

# Written with the line of the journal that says so; told to the target together with those of other subjects.
digest_lines = sa.Table(
    "digest_lines",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("subject_kind", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Uuid, nullable=False),
    sa.Column("clock_id", sa.Uuid, nullable=False),
    sa.Column("cycle", sa.Integer, nullable=False),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("threshold_at", AT, nullable=False),
    sa.Column("fired_at", AT, nullable=False),
    sa.Column("is_capped", sa.Boolean, nullable=False),
    sa.Column("told_at", AT),
)
sa.Index(
    "digest_lines_waiting",
    digest_lines.c.target,
    digest_lines.c.fired_at,
    digest_lines.c.is_capped,
    postgresql_where=digest_lines.c.told_at.is_(None),
)

# Whom digests are for: their events are counted here. `window_start`, `part`: how far the target was told.
digest_targets = sa.Table(
    "digest_targets",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("last_occurred_at", AT),
    sa.Column("window_start", AT),
    sa.Column("part", sa.Integer, nullable=False),
    sa.UniqueConstraint("target", name="digest_targets_target"),
)

# Availability. `evaluate_at`: when the worker looks again (absent: nothing can change before somebody reports);
# `evaluated_until`: breaches before it were looked for. `version` counts the versions written.
availability_objectives = sa.Table(
    "availability_objectives",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("offering", sa.Text, nullable=False),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("last_occurred_at", AT),
    sa.Column("created_at", AT, nullable=False),
    sa.Column("evaluated_until", AT, nullable=False),
    sa.Column("evaluate_at", AT),
    sa.UniqueConstraint("name", name="availability_objectives_name"),
)
sa.Index("availability_objectives_by_offering", availability_objectives.c.offering)
sa.Index(
    "availability_objectives_to_evaluate",
    availability_objectives.c.evaluate_at,
    postgresql_where=availability_objectives.c.evaluate_at.is_not(None),
)

availability_objective_versions = sa.Table(
    "availability_objective_versions",
    METADATA,
    sa.Column("objective_id", sa.Uuid, sa.ForeignKey("availability_objectives.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("effective_from", AT, nullable=False),
    sa.Column("effective_until", AT),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("created_at", AT, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
)

# The primary key is what makes a breach known once a month and objective, whatever else goes wrong.
availability_breaches = sa.Table(
    "availability_breaches",
    METADATA,
    sa.Column("objective_id", sa.Uuid, sa.ForeignKey("availability_objectives.id"), primary_key=True),
    sa.Column("month", sa.Text, primary_key=True),
    sa.Column("version_number", sa.Integer, nullable=False),
    sa.Column("breached_at", AT, nullable=False),
    sa.Column("fired_at", AT, nullable=False),
)

availability_alerts = sa.Table(
    "availability_alerts",
    METADATA,
    sa.Column("objective_id", sa.Uuid, sa.ForeignKey("availability_objectives.id"), primary_key=True),
    sa.Column("rule", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("raised_at", AT, primary_key=True),
    sa.Column("cleared_at", AT),
)
# A rule is raised once until it is cleared.
sa.Index(
    "availability_alerts_raised",
    availability_alerts.c.objective_id,
    availability_alerts.c.rule,
    unique=True,
    postgresql_where=availability_alerts.c.cleared_at.is_(None),
)

# `earliest_at` and `latest_at` bound all that was ever said of it, so that a range finds it as it was known, too.
outages = sa.Table(
    "outages",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("offering", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("earliest_at", AT, nullable=False),
    sa.Column("latest_at", AT),
    sa.Column("created_at", AT, nullable=False),
)
sa.Index("outages_by_offering", outages.c.offering, outages.c.earliest_at)
sa.Index("outages_by_creation", outages.c.created_at, outages.c.id)

outage_facts = sa.Table(
    "outage_facts",
    METADATA,
    sa.Column("outage_id", sa.Uuid, sa.ForeignKey("outages.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("start_at", AT, nullable=False),
    sa.Column("end_at", AT),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("is_planned", sa.Boolean, nullable=False),
    sa.Column("is_retracted", sa.Boolean, nullable=False),
    sa.Column("evidence", sa.Text),
    sa.Column("recorded_at", AT, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
)

probe_results = sa.Table(
    "probe_results",
    METADATA,
    sa.Column("offering", sa.Text, primary_key=True),
    sa.Column("probe", sa.Text, primary_key=True),
    sa.Column("at", AT, primary_key=True),
    sa.Column("is_good", sa.Boolean, nullable=False),
    sa.Column("recorded_at", AT, nullable=False),
)

# A version of a policy or calendar applied to open subjects in batches; `after_id` is the last one dealt with.
jobs = sa.Table(
    "jobs",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("version_id", sa.Uuid, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("effective_from", AT, nullable=False),
    sa.Column("subject_kinds", JSONB, nullable=False),
    sa.Column("applied_at", AT, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("after_id", sa.Uuid),
    sa.Column("subjects_total", sa.Integer, nullable=False),
    sa.Column("subjects_done", sa.Integer, nullable=False),
    sa.Column("subjects_changed", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("created_at", AT, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("finished_at", AT),
    sa.Column("version", sa.Integer, nullable=False),
    sa.CheckConstraint("kind = ANY (ARRAY['apply_policy', 'apply_calendar'])", name="jobs_kind"),
    sa.CheckConstraint("state = ANY (ARRAY['pending', 'running', 'done', 'failed'])", name="jobs_state"),
)
sa.Index("jobs_unfinished", jobs.c.id, postgresql_where=jobs.c.finished_at.is_(None))
# Jobs and previews walk over the open subjects, which are few among all.
sa.Index("subjects_open", subjects.c.id, postgresql_where=subjects.c.is_open)

HISTORY = History("sla", METADATA)
