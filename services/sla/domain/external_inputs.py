"""What other systems may say about subjects of their own, and the ledger line that each input becomes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.sla.domain.catalogue import Choice
from services.sla.domain.errors import InvalidExternalInputError
from services.sla.domain.ledger import EntryKind
from services.sla.domain.metrics import Metric, PauseCause
from shared.kernel.errors import FieldError


class ExternalInputKind(StrEnum):
    """Inputs after the start; `fulfilled` names the metric, the others concern every clock as in a ledger."""

    PRIORITISED = "prioritised"
    CLASSIFIED = "classified"
    ASSIGNED = "assigned"
    WORK_STARTED = "work_started"
    PAUSED = "paused"
    RESUMED = "resumed"
    ACKNOWLEDGED = "acknowledged"
    RESPONDED = "responded"
    DECIDED = "decided"
    FULFILLED = "fulfilled"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CLOSED = "closed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ExternalInput:
    """As it is written; which fields a kind needs and takes is in `FIELDS`."""

    kind: ExternalInputKind
    waiting_on: str | None = None
    reason: str | None = None
    priority: str | None = None
    category: str | None = None
    subject_type: str | None = None
    queue: str | None = None
    metric: Metric | None = None


@dataclass(frozen=True, slots=True)
class _Fields:
    needed: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()


FIELDS: Mapping[ExternalInputKind, _Fields] = {
    ExternalInputKind.PRIORITISED: _Fields(("priority",)),
    ExternalInputKind.CLASSIFIED: _Fields((), ("category", "subject_type", "queue")),
    ExternalInputKind.ASSIGNED: _Fields((), ("queue",)),
    ExternalInputKind.PAUSED: _Fields(("waiting_on",), ("reason",)),
    ExternalInputKind.REOPENED: _Fields((), ("reason",)),
    ExternalInputKind.CANCELLED: _Fields((), ("reason",)),
    ExternalInputKind.FULFILLED: _Fields(("metric",)),
}
_FULFILMENT: Mapping[Metric, EntryKind] = {
    Metric.TIME_TO_OWN: EntryKind.WORK_STARTED,
    Metric.RESOLUTION: EntryKind.RESOLVED,
    Metric.ACKNOWLEDGEMENT: EntryKind.ACKNOWLEDGED,
    Metric.RESPONSE: EntryKind.RESPONDED,
    Metric.DECISION: EntryKind.DECIDED,
}


def line_of(said: ExternalInput, promised: Iterable[tuple[Metric, Choice | None]]) -> EntryKind:
    """The kind of the ledger line. `promised`: the metrics of the subject's clocks with their targets.

    Raises `InvalidExternalInputError` naming a field that is missing, is not taken, or a metric that nobody
    promised for this subject.
    """
    _check_fields(said)
    if said.kind is ExternalInputKind.PAUSED:
        return EntryKind.WAITING
    if said.kind is not ExternalInputKind.FULFILLED:
        return EntryKind(said.kind)
    targets = [choice.target for metric, choice in promised if metric is said.metric and choice is not None]
    if said.metric is None or not targets:
        raise refused("metric", "promised", f"Nobody promised {said.metric} for this subject.")
    line = _FULFILMENT.get(said.metric)
    if line is None or any(line not in target.stops for target in targets):
        stops = ", ".join(sorted(set().union(*(target.stops for target in targets))))
        raise refused("metric", "stops_on", f"{said.metric} of this subject stops on {stops}: send that.")
    return line


def data_of(said: ExternalInput) -> dict[str, str]:
    """What of the input goes into the line, by the names that ledgers use."""
    given = {name: getattr(said, name) for name in ("waiting_on", "reason", "priority", "category", "queue")}
    given["kind"] = said.subject_type
    return {name: str(value) for name, value in given.items() if value is not None}


def refused(field: str, rule: str, message: str) -> InvalidExternalInputError:
    return InvalidExternalInputError(message, field_errors=[FieldError(field, rule, message)])


def _check_fields(said: ExternalInput) -> None:
    fields = FIELDS.get(said.kind, _Fields())
    for name in ("waiting_on", "reason", "priority", "category", "subject_type", "queue", "metric"):
        given = getattr(said, name) is not None
        if given and name not in fields.needed + fields.taken:
            raise refused(name, "not_taken", f"{said.kind} takes no {name}.")
        if not given and name in fields.needed:
            raise refused(name, "required", f"{said.kind} needs {name}.")
    if said.kind is ExternalInputKind.CLASSIFIED and not data_of(said):
        raise refused("category", "one_of", "classified says a category, a subject_type or a queue.")
    causes = {cause.removeprefix("waiting_on_") for cause in PauseCause}
    if said.waiting_on is not None and said.waiting_on not in causes:
        raise refused("waiting_on", "unknown", f"Known are {', '.join(sorted(causes))}.")
