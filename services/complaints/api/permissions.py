"""Who may do what with complaints. Customers reach their own only; whatever they may not see is 404."""

from collections.abc import Mapping

from shared.operations.operator_routes import OPERATOR_PERMISSIONS

PEOPLE = frozenset({"agent", "supervisor", "admin"})
CHECKERS = frozenset({"supervisor", "quality", "admin"})
CUSTOMERS = frozenset({"customer"})
SYSTEMS = frozenset({"system"})
READERS = PEOPLE | {"quality"} | SYSTEMS

PERMISSIONS: Mapping[str, frozenset[str]] = {
    "file_complaint": PEOPLE | CUSTOMERS | SYSTEMS,
    "list_complaints": READERS | CUSTOMERS,
    "get_complaint": READERS | CUSTOMERS,
    "get_complaint_contact": PEOPLE,
    "list_complaint_messages": READERS | CUSTOMERS,
    "list_complaint_timeline": READERS | CUSTOMERS,
    "list_cause_codes": READERS | CUSTOMERS,
    "assign_complaint": PEOPLE,
    "respond_to_complaint": PEOPLE,
    "wait_for_others": PEOPLE,
    "resume_complaint": PEOPLE,
    "assess_severity": PEOPLE | {"quality"},
    "add_investigation_note": PEOPLE | {"quality"},
    "record_contact_attempt": PEOPLE,
    "record_root_cause": PEOPLE | {"quality"},
    "record_corrective_action": PEOPLE | {"quality"},
    "verify_corrective_action": CHECKERS,
    "decide_complaint": PEOPLE,
    "withdraw_complaint": PEOPLE | CUSTOMERS,
    "record_delivery": PEOPLE,
    "record_satisfaction": PEOPLE | CUSTOMERS,
    "close_complaint": PEOPLE,
    "reopen_complaint": PEOPLE | CUSTOMERS,
    **OPERATOR_PERMISSIONS,
}
