"""Who may do what with tickets. A customer only reaches their own; others' are not found.

`system` principals (imports, mail and chat gateways) also need a scope, `ticketing:<operation>` or
`ticketing:*`.
"""

from shared.operations.operator_routes import OPERATOR_PERMISSIONS

_STAFF = frozenset({"agent", "supervisor", "admin"})
_DESK = _STAFF | {"system"}
_READERS = _DESK | {"quality", "customer"}

PERMISSIONS: dict[str, frozenset[str]] = {
    "open_ticket": _DESK | {"customer"},
    "get_ticket": _READERS,
    "list_tickets": _READERS,
    "get_timeline": _READERS,
    "classify_ticket": _DESK,
    "prioritise_ticket": _DESK,
    "change_customer": _DESK,
    "assign_ticket": _DESK,
    "transfer_ticket": _DESK,
    "start_work": _DESK,
    "send_message": _DESK,
    "record_customer_message": _DESK | {"customer"},
    "put_on_wait": _DESK,
    "resume_ticket": _DESK,
    "escalate_ticket": _DESK,
    "commit_date": _DESK,
    "resolve_ticket": _DESK,
    "reopen_ticket": _DESK,
    "close_ticket": _DESK,
    "record_follow_up": _DESK | {"quality", "customer"},
    "cancel_ticket": _DESK,
    "merge_tickets": _STAFF,
    "delete_ticket": frozenset({"admin"}),
    **OPERATOR_PERMISSIONS,
}
