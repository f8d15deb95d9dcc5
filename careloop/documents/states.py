"""State machines as pages: a drawing and a table, made from the very tables that the services obey."""

from collections import defaultdict
from dataclasses import dataclass

from services.complaints.domain import complaint_status
from services.sla.domain import clock_status
from services.ticketing.domain import ticket_status
from services.valuation.domain.insights import insight_status
from services.valuation.domain.serving import refit_status
from services.valuation.domain.tiering import contest_status


@dataclass(frozen=True)
class Arrow:
    """`event` leads from `source` to `target` (None: the state stays), and why that is so."""

    source: str
    event: str
    target: str | None
    why: str


@dataclass(frozen=True)
class Machine:
    """One state machine to be drawn."""

    name: str
    title: str
    initial: str
    source: str
    arrows: tuple[Arrow, ...]
    otherwise: str = "refused with a named error"


def machines() -> list[Machine]:
    """Every state machine of the suite."""
    return [
        Machine(
            "ticket",
            "Ticket (工单)",
            ticket_status.TicketStatus.NEW.value,
            "services/ticketing/domain/ticket_status.py",
            tuple(
                Arrow(source.value, row.command.value, row.target.value if row.target else None, row.why)
                for row in ticket_status.TRANSITIONS
                for source in sorted(row.sources)
            ),
        ),
        Machine(
            "complaint",
            "Complaint (投诉)",
            complaint_status.Status.RECEIVED.value,
            "services/complaints/domain/complaint_status.py",
            tuple(
                Arrow(source.value, row.command.value, row.target.value if row.target else None, row.why)
                for row in complaint_status.TRANSITIONS
                for source in sorted(row.sources)
            ),
        ),
        Machine(
            "tier_contest",
            "Contest of a tier (客户等级异议)",
            contest_status.ContestStatus.OPEN.value,
            "services/valuation/domain/tiering/contest_status.py",
            tuple(
                Arrow(source.value, row.command.value, row.target.value, row.why)
                for row in contest_status.TRANSITIONS
                for source in sorted(row.sources)
            ),
        ),
        Machine(
            "refit",
            "Refit of the value models (价值模型重估)",
            refit_status.RefitStatus.FITTING.value,
            "services/valuation/domain/serving/refit_status.py",
            tuple(
                Arrow(source.value, row.command.value, row.target.value, row.why)
                for row in refit_status.TRANSITIONS
                for source in sorted(row.sources)
            ),
        ),
        Machine(
            "clock",
            "SLA clock (计时)",
            clock_status.RunState.RUNNING.value,
            "services/sla/domain/clock_status.py",
            tuple(
                Arrow(source.value, "", target.value, why)
                for source, targets in clock_status.TRANSITIONS.items()
                for target, why in targets.items()
            ),
            otherwise="kept in the ledger and marked *no effect*: no input to a clock is an error",
        ),
        Machine(
            "insight",
            "Insight (主动服务建议)",
            insight_status.InsightStatus.OPEN.value,
            "services/valuation/domain/insights/insight_status.py",
            tuple(
                Arrow(source.value, row.command.value, row.target.value, row.why)
                for row in insight_status.TRANSITIONS
                for source in sorted(row.sources)
            ),
        ),
    ]


def state_files() -> dict[str, str]:
    """Path below docs/ → text."""
    drawn = machines()
    index = "\n".join(f"- [{machine.title}]({machine.name}.md)" for machine in drawn)
    pages = {f"states/{machine.name}.md": _page(machine) for machine in drawn}
    return {
        "states/README.md": f"# State machines\n\nDrawn from the tables in the code.\n\n{index}\n",
        **pages,
    }


def _page(machine: Machine) -> str:
    return (
        f"# {machine.title}\n\nFrom `{machine.source}`; what is not in the table is {machine.otherwise}.\n\n"
        f"```mermaid\n{_drawing(machine)}\n```\n\n"
        "| from | command | to | why |\n| --- | --- | --- | --- |\n" + "\n".join(_rows(machine)) + "\n"
    )


def _drawing(machine: Machine) -> str:
    moves: dict[tuple[str, str], list[str]] = defaultdict(list)
    for arrow in machine.arrows:
        if arrow.target is not None and arrow.target != arrow.source:
            moves[arrow.source, arrow.target].append(arrow.event)
    lines = ["stateDiagram-v2", f"    [*] --> {machine.initial}"]
    for (source, target), events in moves.items():
        label = ", ".join(dict.fromkeys(event for event in events if event))
        lines.append(f"    {source} --> {target}" + (f": {label}" if label else ""))
    return "\n".join(lines)


def _rows(machine: Machine) -> list[str]:
    grouped: dict[tuple[str, str | None, str], list[str]] = defaultdict(list)
    for arrow in machine.arrows:
        grouped[arrow.event, arrow.target, arrow.why].append(arrow.source)
    return [
        f"| {', '.join(sources)} | {event and f'`{event}`'} | {target or '(stays)'} | {why} |"
        for (event, target, why), sources in grouped.items()
    ]
