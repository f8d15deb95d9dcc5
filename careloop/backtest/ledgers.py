"""An incident's log as the ledger that sla would have kept of it."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from careloop.sample.history import Incident
from careloop.sample.mapping import Step, steps_of
from careloop.sample.tickets import CHANNELS, DEFAULT_PRIORITY
from services.sla.domain.ledger import Entry, EntryKind
from shared.kernel.ids import derived_id


def _nothing(step: Step) -> Mapping[str, Any]:
    return {}


_LINES: Mapping[str, tuple[EntryKind, Callable[[Step], Mapping[str, Any]]]] = {
    "prioritise": (EntryKind.PRIORITISED, lambda step: {"priority": step.argument}),
    "classify": (EntryKind.CLASSIFIED, lambda step: {"category": step.argument}),
    "transfer": (EntryKind.TRANSFERRED, lambda step: {"queue": step.argument}),
    "assign": (EntryKind.ASSIGNED, _nothing),
    "start": (EntryKind.WORK_STARTED, _nothing),
    "wait_on_customer": (EntryKind.WAITING, lambda step: {"waiting_on": "customer"}),
    "wait_on_third_party": (EntryKind.WAITING, lambda step: {"waiting_on": "third_party"}),
    "resume": (EntryKind.RESUMED, _nothing),
    "resolve": (EntryKind.RESOLVED, _nothing),
    "reopen": (EntryKind.REOPENED, _nothing),
    "close": (EntryKind.CLOSED, _nothing),
}


def ledger_of(incident: Incident, counts: Counter[str]) -> list[Entry]:
    """The lines, in the log's order; `counts` gets each rule of the mapping that was used."""
    return [_line(incident, number, step) for number, step in enumerate(steps_of(incident, counts), 1)]


def _line(incident: Incident, number: int, step: Step) -> Entry:
    if step.command == "open":
        kind, data = EntryKind.OPENED, _opening(incident, step)
    else:
        kind, read = _LINES[step.command]
        data = read(step)
    # Ids only have to differ within a ledger, and to be the same in every run.
    id_ = UUID(int=number)
    return Entry(id_, kind, step.at, step.at, "log", number, id_, None, data)


def _opening(incident: Incident, step: Step) -> Mapping[str, Any]:
    first = incident.updates[0]
    return {
        "customer_id": str(derived_id("caller", incident.caller)),
        "kind": "incident",
        "channel": CHANNELS.get(incident.contact, CHANNELS["Phone"]),
        "priority": step.argument or DEFAULT_PRIORITY,
        "category": first.category,
        "queue": first.group,
        "state": "new",
    }
