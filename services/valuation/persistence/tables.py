"""The service's tables, described once for statements, migrations and the drift check."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from services.valuation.persistence.metadata import AT, metadata

# The register: people's data stands here and nowhere else.
customers = sa.Table(
    "customers",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
    sa.Column("external_id", sa.Text, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("display_name", sa.Text),
    sa.Column("contacts", JSONB, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("registered_at", AT, nullable=False),
    sa.Column("changed_at", AT, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("merged_into_id", sa.Uuid, sa.ForeignKey("customers.id")),
    sa.Column("erased_at", AT),
)
sa.Index(
    "customers_merged_into",
    customers.c.merged_into_id,
    postgresql_where=customers.c.merged_into_id.is_not(None),
)

# The row that every event of a customer locks: its `sequence` counts what is published.
standings = sa.Table(
    "standings",
    metadata,
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("last_occurred_at", AT, nullable=False),
    sa.Column("first_day", sa.Date),
    sa.Column("last_day", sa.Date),
    sa.Column("purchase_days", sa.Integer, nullable=False),
    sa.Column("purchases", sa.Integer, nullable=False),
    sa.Column("spend_minor", sa.BigInteger, nullable=False),
    sa.Column("first_day_spend_minor", sa.BigInteger, nullable=False),
    sa.Column("margin_minor", sa.BigInteger, nullable=False),
    sa.Column("window_opens_on", sa.Date, nullable=False),
    sa.Column("window_margin_minor", sa.BigInteger, nullable=False),
    sa.Column("window_oldest", sa.Date),
    sa.Column("window_has_loss", sa.Boolean, nullable=False),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("tier_since", AT, nullable=False),
    sa.Column("warned_at", AT),
    sa.Column("demotes_at", AT),
    sa.Column("next_review_at", AT),
    # The version of the rules that the tier is judged by; NULL: a row from before versions were kept.
    sa.Column("rule_version", sa.Integer),
    sa.Column("override_id", sa.Uuid),
    sa.Column("override_until", AT),
)
sa.Index("standings_value", standings.c.margin_minor.desc(), standings.c.customer_id)
sa.Index("standings_tier_value", standings.c.tier, standings.c.margin_minor.desc(), standings.c.customer_id)
sa.Index("standings_tier", standings.c.tier, standings.c.customer_id)
sa.Index(
    "standings_due",
    standings.c.next_review_at,
    postgresql_where=standings.c.next_review_at.is_not(None),
)

# Rows are append-only, except for the five net columns of a purchase: what its amendments leave of it. The last
# five stand where the currency is not the ledger's: `amount_minor` and `given_margin_minor` are as they were told.
transactions = sa.Table(
    "transactions",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("external_id", sa.Text, nullable=False, unique=True),
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("occurred_at", AT, nullable=False),
    sa.Column("product_kind", sa.Text),
    sa.Column("margin_minor", sa.BigInteger, nullable=False),
    sa.Column("margin_source", sa.Text, nullable=False),
    sa.Column("margin_rate", sa.Numeric(7, 6)),
    sa.Column("corrects_id", sa.Uuid, sa.ForeignKey("transactions.id")),
    sa.Column("corrects_external_id", sa.Text),
    sa.Column("import_id", sa.Uuid),
    sa.Column("recorded_at", AT, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("net_amount_minor", sa.BigInteger),
    sa.Column("net_margin_minor", sa.BigInteger),
    sa.Column("net_margin_source", sa.Text),
    sa.Column("net_occurred_at", AT),
    sa.Column("net_day", sa.Date),
    sa.Column("ledger_amount_minor", sa.BigInteger),
    sa.Column("given_margin_minor", sa.BigInteger),
    sa.Column("exchange_rate", sa.Numeric(20, 10)),
    sa.Column("exchange_day", sa.Date),
    sa.Column("exchange_version", sa.Integer),
)
sa.Index("transactions_customer", transactions.c.customer_id, transactions.c.occurred_at, transactions.c.id)
sa.Index(
    "transactions_day",
    transactions.c.customer_id,
    transactions.c.net_day,
    postgresql_where=transactions.c.net_day.is_not(None),
)
sa.Index(
    "transactions_corrects",
    transactions.c.corrects_id,
    postgresql_where=transactions.c.corrects_id.is_not(None),
)

tier_changes = sa.Table(
    "tier_changes",
    metadata,
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("previous_tier", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("rule_version", sa.Integer, nullable=False),
    sa.Column("value_minor", sa.BigInteger, nullable=False),
    sa.Column("threshold_minor", sa.BigInteger, nullable=False),
    sa.Column("effective_at", AT, nullable=False),
    sa.Column("override_id", sa.Uuid),
)

# `reviewed_through` is the last customer looked at since the version took effect; NULL before the first.
tier_rules = sa.Table(
    "tier_rules",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("tiers", JSONB, nullable=False),
    sa.Column("window_days", sa.Integer, nullable=False),
    sa.Column("band", sa.Numeric(7, 6), nullable=False),
    sa.Column("grace_days", sa.Integer, nullable=False),
    sa.Column("tenure_days", sa.Integer, nullable=False),
    sa.Column("effective_from", AT, nullable=False),
    sa.Column("created_at", AT, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("reviewed_through", sa.Uuid),
    sa.Column("reviewed_at", AT),
)
sa.Index(
    "tier_rules_to_review",
    tier_rules.c.effective_from,
    postgresql_where=tier_rules.c.reviewed_at.is_(None),
)

margin_rates = sa.Table(
    "margin_rates",
    metadata,
    sa.Column("product_kind", sa.Text, primary_key=True),
    sa.Column("rate", sa.Numeric(7, 6), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("changed_at", AT, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
)

transaction_imports = sa.Table(
    "transaction_imports",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("register_customers", sa.Boolean, nullable=False),
    sa.Column("rows_received", sa.BigInteger, nullable=False),
    sa.Column("rows_processed", sa.BigInteger, nullable=False),
    sa.Column("accepted", sa.BigInteger, nullable=False),
    sa.Column("repeated", sa.BigInteger, nullable=False),
    sa.Column("rejected", sa.BigInteger, nullable=False),
    sa.Column("started_at", AT, nullable=False),
    sa.Column("progress_at", AT, nullable=False),
    sa.Column("completed_at", AT),
    sa.Column("started_by", sa.Text, nullable=False),
)
sa.Index(
    "transaction_imports_open",
    transaction_imports.c.id,
    postgresql_where=transaction_imports.c.state == "processing",
)
sa.Index(
    "transaction_imports_receiving",
    transaction_imports.c.progress_at,
    postgresql_where=transaction_imports.c.state == "receiving",
)

# Rows received and not yet booked: a queue, emptied batch by batch in the transaction that books them.
import_rows = sa.Table(
    "import_rows",
    metadata,
    sa.Column("import_id", sa.Uuid, primary_key=True),
    sa.Column("row_number", sa.BigInteger, primary_key=True),
    sa.Column("customer_id", sa.Uuid),
    sa.Column("customer_external_id", sa.Text),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("occurred_at", AT, nullable=False),
    sa.Column("product_kind", sa.Text),
    sa.Column("margin_minor", sa.BigInteger),
    sa.Column("corrects_external_id", sa.Text),
    sa.Column("turn", sa.SmallInteger, nullable=False, server_default="0"),
)
sa.Index("import_rows_turn", import_rows.c.import_id, import_rows.c.turn, import_rows.c.row_number)

import_rejections = sa.Table(
    "import_rejections",
    metadata,
    sa.Column("import_id", sa.Uuid, sa.ForeignKey("transaction_imports.id"), primary_key=True),
    sa.Column("row_number", sa.BigInteger, primary_key=True),
    sa.Column("external_id", sa.Text),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("field", sa.Text),
    sa.Column("message", sa.Text, nullable=False),
)

# V1, service history: what ticketing and complaints said about this customer's cases.
service_cases = sa.Table(
    "service_cases",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("customer_id", sa.Uuid),
    sa.Column("opened_at", AT),
    sa.Column("closed_at", AT),
    sa.Column("csat", sa.SmallInteger),
    sa.Column("nps", sa.SmallInteger),
    sa.Column("satisfied", sa.Boolean),
    sa.Column("outcome", sa.Text),
)
sa.Index("service_cases_customer", service_cases.c.customer_id, service_cases.c.kind)
