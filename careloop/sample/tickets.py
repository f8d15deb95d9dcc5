"""Replays incidents as tickets through the ticketing API, one command a step of the mapping."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import Any

from careloop.sample.client import SuiteClient
from careloop.sample.customers import Register
from careloop.sample.history import Incident
from careloop.sample.mapping import Step, steps_of
from careloop.sample.timeline import AT_ONCE, Action

TICKETS = "/ticketing/v1/tickets"

CHANNELS: Mapping[str, str] = {
    "Phone": "phone",
    "IVR": "phone",
    "Email": "email",
    "Self service": "web",
    "Direct opening": "api",
}
DEFAULT_PRIORITY = "moderate"
RESOLUTION_CODE = "solved"
REOPENING_REASON = "reopened_in_log"

# A ticket's first threshold lies further ahead than this (see promises.py), what stops or pauses clocks sets none, and
# no promise depends on a category; what starts a clock again or moves its due date may set one for the next second.
OPENING_SETTLES_WITHIN = timedelta(minutes=15)
SETTLES_WITHIN: Mapping[str, timedelta] = dict.fromkeys(
    (
        "open",
        "assign",
        "classify",
        "start",
        "wait_on_customer",
        "wait_on_third_party",
        "transfer",
        "resolve",
        "close",
    ),
    OPENING_SETTLES_WITHIN,
)


@dataclass(slots=True)
class _Open:
    """One ticket as the desk last saw it."""

    path: str
    etag: str | None


class TicketDesk:
    """Opens and moves the tickets of a log.

    counts       how often each rule of the mapping was used
    assumptions  what the log does not say and was filled in, with how often
    """

    def __init__(self, client: SuiteClient, register: Register) -> None:
        self._client = client
        self._register = register
        self._tickets: dict[str, _Open] = {}
        self.counts: Counter[str] = Counter()
        self.assumptions: Counter[str] = Counter()

    def actions(self, incidents: Sequence[Incident]) -> list[Action]:
        """All commands of the log in order of time; within one minute in the log's own order."""
        planned = [(incident, step) for incident in incidents for step in steps_of(incident, self.counts)]
        actions = [
            Action(
                step.at,
                place,
                partial(self._do, incident, step),
                SETTLES_WITHIN.get(step.command, AT_ONCE),
            )
            for place, (incident, step) in enumerate(planned)
        ]
        return sorted(actions, key=attrgetter("at", "place"))

    async def _do(self, incident: Incident, step: Step) -> None:
        if step.command == "open":
            await self._open(incident, step)
            return
        ticket = self._tickets[incident.number]
        path, body = _request(step)
        answer = await self._client.change(ticket.path, path, body, etag=ticket.etag)
        ticket.etag = answer.etag
        if step.command == "start" and answer.body["assignee_id"] == "demo-agent":
            self.assumptions["work began and the log names nobody: the desk took it"] += 1

    async def _open(self, incident: Incident, step: Step) -> None:
        first = incident.updates[0]
        channel = CHANNELS.get(incident.contact)
        if channel is None:
            self.assumptions[f"contact {incident.contact!r} is unknown: opened by phone"] += 1
        self.assumptions["customer drawn by a stable hash of the caller"] += 1
        self.assumptions["subject written from the incident's number"] += 1
        body = {
            "channel": channel or CHANNELS["Phone"],
            "subject": f"Incident {incident.number}",
            "customer_id": self._register.of(incident.caller),
            "kind": "incident",
            "priority": step.argument or DEFAULT_PRIORITY,
            "category": first.category,
            "queue": first.group,
            "external_number": incident.number,
        }
        answer = await self._client.post(TICKETS, body)
        self._tickets[incident.number] = _Open(f"{TICKETS}/{answer.body['id']}", answer.etag)


def _request(step: Step) -> tuple[str, Any]:
    """Path below the ticket, and body."""
    match step.command:
        case "assign":
            return "assignment", {"assignee_id": step.argument}
        case "transfer":
            return "transfer", {"queue": step.argument}
        case "prioritise":
            return "priority", {"priority": step.argument}
        case "classify":
            return "classification", {"category": step.argument}
        case "start":
            return "work-start", None
        case "wait_on_customer":
            return "wait", {"waiting_on": "customer"}
        case "wait_on_third_party":
            return "wait", {"waiting_on": "third_party"}
        case "resume":
            return "resumption", None
        case "resolve":
            return "resolution", {"resolution_code": RESOLUTION_CODE}
        case "reopen":
            return "reopening", {"reason": REOPENING_REASON}
        case "close":
            return "closure", None
    raise ValueError(f"the mapping has no request for {step.command!r}")
