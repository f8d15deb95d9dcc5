"""The demo's outcome in figures: what `--report` writes and the terminal shows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from careloop.sample.client import SuiteClient
from careloop.sample.clock_rows import ClockRow
from careloop.sample.event_counts import EventCounts, Flow
from careloop.sample.phases import PhaseTime

ANSWER_HOURS = 24
PRIORITY_ORDER = ("critical", "high", "moderate", "low", "complaint")


async def ticket_figures(client: SuiteClient) -> dict[str, Any]:
    """Tickets by state, as the API lists them."""
    states: Counter[str] = Counter()
    escalated = 0
    async for ticket in client.pages("/ticketing/v1/tickets"):
        states[ticket["status"]] += 1
        escalated += ticket["escalation_level"] > 0
    return {"total": states.total(), "by_state": dict(sorted(states.items())), "escalated": escalated}


async def complaint_figures(client: SuiteClient) -> dict[str, Any]:
    """Complaints by state and outcome, and how many were answered within 24 hours by their own two instants."""
    states: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    in_time = satisfied = asked = 0
    async for complaint in client.pages("/complaints/v1/complaints"):
        states[complaint["status"]] += 1
        if complaint["decision"] is not None:
            outcomes[complaint["decision"]["outcome"]] += 1
        if complaint["satisfaction"] is not None:
            asked += 1
            satisfied += complaint["satisfaction"]["satisfied"]
        if complaint["responded_at"] is not None:
            took = _instant(complaint["responded_at"]) - _instant(complaint["received_at"])
            in_time += took.total_seconds() <= ANSWER_HOURS * 3600
    return {
        "total": states.total(),
        "by_state": dict(sorted(states.items())),
        "by_outcome": dict(sorted(outcomes.items())),
        "answered_within_24_hours": in_time,
        "closed": states["closed"],
        "satisfaction_recorded": asked,
        "satisfied": satisfied,
    }


async def tier_figures(client: SuiteClient, counts: EventCounts) -> dict[str, Any]:
    """Customers by tier, and how often tiers moved."""
    summary = (await client.get("/valuation/v1/tiers")).body
    return {
        "customers": summary["customers"],
        "by_tier": {tier["tier"]: tier["customers"] for tier in summary["tiers"]},
        "moves": counts.of_type("valuation.customer_tier_changed.v1"),
        "demotion_warnings": counts.of_type("valuation.tier_demotion_warned.v1"),
        "value_share_of_top_fifth": summary["concentration"]["value_share"],
    }


def attainment(rows: Iterable[ClockRow]) -> list[dict[str, Any]]:
    """Met and missed clocks by metric and group; the share is of those two, None where there are none."""
    groups: dict[tuple[str, str], Counter[str]] = {}
    for row in rows:
        groups.setdefault((row.metric, row.group), Counter())[row.state] += 1
    lines = []
    for (metric, group), states in sorted(
        groups.items(), key=lambda item: (item[0][0], _place(item[0][1]), item[0][1])
    ):
        judged = states["met"] + states["missed"]
        lines.append(
            {
                "metric": metric,
                "priority": group,
                "clocks": states.total(),
                "met": states["met"],
                "missed": states["missed"],
                "other": states.total() - judged,
                "attainment": states["met"] / judged if judged else None,
            }
        )
    return lines


def clock_figures(rows: Sequence[ClockRow], counts: EventCounts) -> dict[str, Any]:
    """How the promises went, by clocks and by published events."""
    return {
        "clocks": len(rows),
        "by_state": dict(sorted(Counter(row.state for row in rows).items())),
        "attainment": attainment(rows),
        "warnings": counts.of_type("sla.clock_warned.v1"),
        "breaches": counts.of_type("sla.clock_breached.v1"),
        "escalations": counts.of_type("sla.escalation_due.v1"),
        "digests": counts.of_type("sla.escalation_digest.v1"),
        "breaches_retracted": counts.of_type("sla.breach_retracted.v1"),
        "tickets_escalated": counts.of_type("ticketing.ticket_escalated.v1"),
    }


def event_figures(counts: EventCounts, flows: Mapping[str, Flow]) -> dict[str, Any]:
    """Published and consumed by service. `unread`: events of its producers that a service has not dealt with."""
    services: dict[str, Any] = {}
    for name, flow in flows.items():
        consumed, skipped = counts.consumed_by(name), counts.skipped[name]
        offered = sum(counts.published_by(producer) for producer in flow.reads)
        services[name] = {
            "published": counts.published_by(name),
            "consumed": consumed,
            "skipped": skipped,
            "reads": list(flow.reads),
            "unread": offered - consumed - skipped,
            "waiting": flow.waiting,
            "parked": flow.parked,
            "dead_letters": flow.dead_letters,
        }
    return {
        "services": services,
        "published_by_type": {
            event_type: count for (_, event_type), count in sorted(counts.published.items())
        },
    }


def time_figures(times: Sequence[PhaseTime], begins_at: datetime, ends_at: datetime) -> dict[str, Any]:
    """Wall time against simulated time."""
    wall = sum(phase.wall_seconds for phase in times)
    simulated = (ends_at - begins_at).total_seconds()
    return {
        "simulated_from": begins_at.isoformat(),
        "simulated_to": ends_at.isoformat(),
        "simulated_days": simulated / 86_400,
        "wall_seconds": wall,
        "cpu_seconds": sum(phase.cpu_seconds for phase in times),
        "times_faster": simulated / wall if wall else None,
        "phases": [asdict(phase) for phase in times],
    }


def _place(group: str) -> int:
    return PRIORITY_ORDER.index(group) if group in PRIORITY_ORDER else len(PRIORITY_ORDER)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
