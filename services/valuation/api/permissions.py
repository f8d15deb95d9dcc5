"""Who may do what: one row an operation. A customer sees its own objects only; others are not found."""

from shared.operations.operator_routes import OPERATOR_PERMISSIONS

STAFF = frozenset({"agent", "supervisor", "quality", "admin", "system"})
DESK = frozenset({"agent", "supervisor", "admin", "system"})
LEADS = frozenset({"supervisor", "admin", "system"})
BOOKKEEPING = frozenset({"admin", "system"})

PERMISSIONS: dict[str, frozenset[str]] = {
    "register_customer": DESK,
    "list_customers": STAFF,
    "get_customer": STAFF | {"customer"},
    "change_customer": DESK,
    "list_tier_history": STAFF | {"customer"},
    "list_customer_transactions": STAFF | {"customer"},
    "record_transaction": LEADS,
    "get_transaction": STAFF | {"customer"},
    "import_transactions": BOOKKEEPING,
    "get_transaction_import": LEADS,
    "list_import_rows": LEADS,
    "summarise_tiers": LEADS | {"quality"},
    "plan_tier_rules": frozenset({"admin"}),
    "list_tier_rules": STAFF,
    "get_tier_rules": STAFF,
    "set_margin_rate": frozenset({"admin"}),
    "list_margin_rates": LEADS,
    "get_margin_rate": LEADS,
    "set_cost_rate": frozenset({"admin"}),
    "list_cost_rates": LEADS,
    "get_cost_rate": LEADS,
    "list_cost_rate_versions": LEADS,
    "record_referral": DESK,
    "list_customer_referrals": STAFF,
    "record_customer_saving": LEADS,
    "list_customer_savings": STAFF,
    "get_customer_values": STAFF,
    "get_customer_value_score": STAFF,
    "list_indicator_sources": STAFF,
    "preview_indicator_system": LEADS | {"quality"},
    "create_indicator_system": frozenset({"admin"}),
    "list_indicator_systems": STAFF,
    "get_indicator_system": STAFF,
    "start_indicator_measurement": BOOKKEEPING,
    "list_indicator_measurements": STAFF,
    "get_indicator_measurement": STAFF,
    **OPERATOR_PERMISSIONS,
}
