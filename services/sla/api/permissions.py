"""Who may do what with promises. Customers reach their own subjects' clocks only; others' are not found."""

from collections.abc import Mapping

from shared.operations.operator_routes import OPERATOR_PERMISSIONS

_STAFF = frozenset({"agent", "supervisor", "quality", "admin", "system"})
_OWNERS = frozenset({"admin", "supervisor"})
# Other systems, each with its scope, and who may speak for them.
_OUTSIDE = _OWNERS | {"system"}
_READERS = _STAFF | {"customer"}

PERMISSIONS: Mapping[str, frozenset[str]] = {
    "create_calendar": _OWNERS,
    "add_calendar_version": _OWNERS,
    "import_closed_days": _OWNERS,
    "export_closed_days": _STAFF,
    "list_calendars": _STAFF,
    "get_calendar": _STAFF,
    "list_calendar_versions": _STAFF,
    "get_calendar_version": _STAFF,
    "find_due_instant": _STAFF,
    "find_elapsed_time": _STAFF,
    "create_policy": _OWNERS,
    "add_policy_version": _OWNERS,
    "list_policies": _STAFF,
    "get_policy": _STAFF,
    "list_policy_versions": _STAFF,
    "get_policy_version": _STAFF,
    "preview_policy": _OWNERS,
    "apply_version": _OWNERS,
    "list_jobs": _STAFF,
    "get_job": _STAFF,
    "retry_job": _OWNERS,
    "list_clocks": _READERS,
    "get_clock": _READERS,
    "explain_clock": _STAFF,
    "draw_clock": _STAFF,
    "get_subject": _READERS,
    "list_ledger": _STAFF,
    "correct_ledger": _OWNERS,
    "start_external_subject": _OUTSIDE,
    "record_external_input": _OUTSIDE,
    "get_attainment": _STAFF,
    "get_report": _STAFF,
    "create_objective": _OWNERS,
    "add_objective_version": _OWNERS,
    "list_objectives": _STAFF,
    "get_objective": _STAFF,
    "get_availability": _STAFF,
    "list_availability": _STAFF,
    "get_burn_rates": _STAFF,
    "record_outage": _STAFF,
    "correct_outage": _OUTSIDE,
    "list_outages": _STAFF,
    "get_outage": _STAFF,
    "record_probe_results": _OUTSIDE,
    "list_parked_timers": _OWNERS,
    "retry_parked_timer": _OWNERS,
    **OPERATOR_PERMISSIONS,
}
