"""Replays published complaints through the complaints API, one command a step of the plan."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from operator import attrgetter
from typing import Any

from careloop.sample.client import SuiteClient
from careloop.sample.complaint_plan import ComplaintStep, complaint_steps
from careloop.sample.customers import Register
from careloop.sample.history import LoggedComplaint
from careloop.sample.timeline import AT_ONCE, Action

COMPLAINTS = "/complaints/v1/complaints"

# Whoever has no mail address in the demo gets a visit or a letter.
WITHOUT_MAIL = frozenset({"letter"})
MAIL_DOMAIN = "customers.example"

# Nothing pauses the clock of a complaint, and its first threshold lies hours ahead. Only what sends a mail is drained
# at its own instant, so that it is delivered then.
SETTLES_WITHIN: Mapping[str, timedelta] = {
    command: timedelta(minutes=30)
    for command in (
        "assign",
        "respond",
        "assess_severity",
        "find_root_cause",
        "correct",
        "verify_correction",
        "hand_over",
        "record_satisfaction",
        "close",
    )
}


@dataclass(slots=True)
class _Filed:
    """One complaint as the desk last saw it."""

    path: str
    etag: str | None
    channel: str


class ComplaintDesk:
    """Takes in and handles the complaints of a log.

    counts       how the log's own words were read
    assumptions  what the log does not say and was filled in, with how often
    """

    def __init__(self, client: SuiteClient, register: Register) -> None:
        self._client = client
        self._register = register
        self._filed: dict[str, _Filed] = {}
        self.counts: Counter[str] = Counter()
        self.assumptions: Counter[str] = Counter()

    def actions(self, complaints: Sequence[LoggedComplaint], month: date) -> list[Action]:
        """All commands on all complaints in order of time; `month` is the first day of the demo's month."""
        planned = [
            (complaint, step)
            for complaint in complaints
            for step in complaint_steps(complaint, month, self.counts)
        ]
        actions = [
            Action(
                step.at,
                place,
                partial(self._do, complaint, step),
                SETTLES_WITHIN.get(step.command, AT_ONCE),
            )
            for place, (complaint, step) in enumerate(planned)
        ]
        return sorted(actions, key=attrgetter("at", "place"))

    async def _do(self, complaint: LoggedComplaint, step: ComplaintStep) -> None:
        if step.command == "receive":
            await self._file(complaint, step)
            return
        filed = self._filed[complaint.number]
        path, body, role = _request(step, filed.channel)
        answer = await self._client.change(filed.path, path, body, etag=filed.etag, role=role)
        filed.etag = answer.etag

    async def _file(self, complaint: LoggedComplaint, step: ComplaintStep) -> None:
        channel = str(step.facts["channel"])
        contact = {}
        if channel not in WITHOUT_MAIL:
            contact["email"] = f"{complaint.number.lower()}@{MAIL_DOMAIN}"
            self.assumptions["mail address made up, mail captured"] += 1
        for assumed in (
            "moved to the demo's month; hour and minute by a stable hash",
            "customer drawn by a stable hash of the number",
            "owner and the time to assign by a stable hash",
            "hours to the answer drawn on the side of 24 h that the record says",
        ):
            self.assumptions[assumed] += 1
        body = {
            "channel": channel,
            "description": complaint.issue or complaint.product,
            "contact": contact,
            "category": step.facts["category"],
            "external_number": complaint.number,
            "customer_id": self._register.of(complaint.number),
        }
        answer = await self._client.post(COMPLAINTS, body)
        self._filed[complaint.number] = _Filed(f"{COMPLAINTS}/{answer.body['id']}", answer.etag, channel)


def _request(step: ComplaintStep, channel: str) -> tuple[str, Any, str]:
    """Path below the complaint, body, and who does it."""
    facts = step.facts
    match step.command:
        case "assign":
            return "assignment", {"owner_id": facts["owner"]}, "supervisor"
        case "respond":
            return "response", {"channel": channel, "text": "We are looking into it."}, "agent"
        case "assess_severity":
            return "severity", {"severity": facts["severity"], "reason": "money was paid back"}, "agent"
        case "find_root_cause":
            return "root-cause", {"cause_code": facts["cause"], "analysis": "taken from the record"}, "agent"
        case "correct":
            action = {"corrective": "put right for the customer", "preventive": "procedure amended"}
            return "corrective-action", action, "agent"
        case "verify_correction":
            return "corrective-action/verification", {"evidence": "sample of later cases"}, "supervisor"
        case "decide":
            decision = {
                "outcome": facts["outcome"],
                "cause_code": facts["cause"],
                "explanation": "This is what we found and what follows from it.",
            }
            return "decision", decision, "agent"
        case "hand_over":
            return "deliveries", {"channel": facts["channel"], "customer_asked": True}, "agent"
        case "record_satisfaction":
            return "satisfaction", {"satisfied": facts["satisfied"]}, "agent"
        case "close":
            return "closure", {}, "agent"
    raise ValueError(f"the plan has no request for {step.command!r}")
