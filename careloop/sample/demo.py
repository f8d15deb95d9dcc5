"""The main job on real input: orders, incidents and complaints through a suite's API, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from careloop.sample.client import SuiteClient
from careloop.sample.clock_rows import ClockRow
from careloop.sample.clocks import read_clocks
from careloop.sample.complaints import ComplaintDesk
from careloop.sample.customers import read_register
from careloop.sample.event_counts import event_counts, event_flows
from careloop.sample.figures import (
    clock_figures,
    complaint_figures,
    event_figures,
    ticket_figures,
    tier_figures,
    time_figures,
)
from careloop.sample.generator import generate_complaints, generate_incidents
from careloop.sample.history import Incident, LoggedComplaint, Purchase, UnreadableHistoryError
from careloop.sample.orders import shifted, weekly_imports
from careloop.sample.phases import Phases
from careloop.sample.promises import CALENDAR_FORMS, policies, post_promises
from careloop.sample.readers import read_complaints, read_incidents, read_purchases
from careloop.sample.tickets import TicketDesk
from careloop.sample.timeline import play
from careloop.suite import Suite


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is replayed, and where it came from. `purchases` are already moved to end where the incidents begin."""

    purchases: Sequence[Purchase]
    incidents: Sequence[Incident]
    complaints: Sequence[LoggedComplaint]
    sources: dict[str, str]

    @property
    def begins_at(self) -> datetime:
        """Midnight of the first order."""
        return datetime.combine(min(one.day for one in self.purchases), time(), UTC)

    @property
    def incidents_begin_on(self) -> date:
        """The first day of the demo's month."""
        return min(incident.opened_at for incident in self.incidents).date()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The report, and a row for each clock."""

    figures: dict[str, Any]
    clocks: Sequence[ClockRow]


def read_inputs(incidents: Path | None, complaints: Path | None, orders: Path | None, seed: int) -> Inputs:
    """Read the files that are given; generate what is not. Raises `UnreadableHistoryError`."""
    logged = read_incidents(incidents) if incidents else generate_incidents(seed)
    if not logged:
        raise UnreadableHistoryError(f"{incidents} holds no incidents")
    first_day = min(incident.opened_at for incident in logged).date()
    purchases = shifted(read_purchases(orders), first_day)
    if not purchases:
        raise UnreadableHistoryError(f"{orders} holds no orders")
    generated = f"generated, seed {seed}"
    return Inputs(
        purchases=purchases,
        incidents=logged,
        complaints=read_complaints(complaints) if complaints else generate_complaints(seed),
        sources={
            "orders": orders.name if orders else "CDNOW 1/10 sample",
            "incidents": incidents.name if incidents else generated,
            "complaints": complaints.name if complaints else generated,
        },
    )


async def replay(suite: Suite, client: SuiteClient, inputs: Inputs, phases: Phases) -> Outcome:
    """Replay all of it, in order of time, to the end of the log. The suite's clock stands at `inputs.begins_at`."""
    before = await event_counts(suite)
    with phases.phase("promises", 1) as done:
        await post_promises(client)
        await suite.drain()
        done(1)
    with phases.phase("orders, by week", len(inputs.purchases)) as done:
        await play(suite, weekly_imports(client, inputs.purchases), progress=done)
    register = await read_register(client)
    tickets, complaints = TicketDesk(client, register), ComplaintDesk(client, register)
    incident_actions = tickets.actions(inputs.incidents)
    complaint_actions = complaints.actions(inputs.complaints, inputs.incidents_begin_on)
    total = len(incident_actions) + len(complaint_actions)
    with phases.phase("incidents, complaints", total) as done:
        await play(suite, incident_actions, complaint_actions, progress=done)
    clocks_at_least = 2 * len(inputs.incidents) + len(inputs.complaints)
    with phases.phase("clocks", clocks_at_least) as done:
        rows = await read_clocks(client, progress=done)
    counts = (await event_counts(suite)).since(before)
    flows = await event_flows(client, suite.services)
    figures = {
        "inputs": inputs.sources,
        "requests": client.requests,
        "time": time_figures(phases.times, inputs.begins_at, suite.clock.now()),
        "tickets": await ticket_figures(client),
        "complaints": await complaint_figures(client),
        "tiers": await tier_figures(client, counts),
        "clocks": clock_figures(rows, counts),
        "events": event_figures(counts, flows),
        "dead_letters": sum(flow.dead_letters for flow in flows.values()),
        "mapping": {
            "incidents": dict(tickets.counts.most_common()),
            "complaints": dict(complaints.counts.most_common()),
            "read again because the suite had changed it meanwhile": client.reread,
        },
        "assumptions": dict((tickets.assumptions + complaints.assumptions).most_common()),
        "calendars": CALENDAR_FORMS,
        "policies": policies(),
    }
    return Outcome(figures, rows)
