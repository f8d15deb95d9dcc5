"""The demo's report on the terminal."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

Figures = Mapping[str, Any]


def show(console: Console, figures: Figures) -> None:
    """Print all of it as tables."""
    _attainment(console, figures["clocks"]["attainment"])
    _pairs(console, "Tickets (工单) by state", figures["tickets"]["by_state"])
    _pairs(console, "Promises and what followed", _what_followed(figures))
    _pairs(console, "Complaints (投诉)", _complaints(figures["complaints"]))
    _pairs(console, "Customers by tier (客户等级)", figures["tiers"]["by_tier"])
    _events(console, figures["events"]["services"])
    _pairs(console, "How the incident log was read", figures["mapping"]["incidents"])
    _pairs(console, "How the complaints were read", figures["mapping"]["complaints"])
    _pairs(console, "Filled in by assumption", figures["assumptions"])
    _time(console, figures["time"])


def _attainment(console: Console, lines: Iterable[Figures]) -> None:
    table = _titled(console, "Attainment (SLA 达成率) by metric and priority")
    table.add_column("metric")
    table.add_column("priority")
    for name in ("clocks", "met", "missed", "other", "attainment"):
        table.add_column(name, justify="right")
    for line in lines:
        share = line["attainment"]
        table.add_row(
            line["metric"],
            line["priority"],
            *(f"{line[name]:,}" for name in ("clocks", "met", "missed", "other")),
            "–" if share is None else f"{share:.1%}",
        )
    console.print(table)


def _what_followed(figures: Figures) -> dict[str, int]:
    clocks, tiers = figures["clocks"], figures["tiers"]
    return {
        "clocks": clocks["clocks"],
        "warnings": clocks["warnings"],
        "breaches": clocks["breaches"],
        "escalations due": clocks["escalations"],
        "tickets escalated": clocks["tickets_escalated"],
        "tier moves": tiers["moves"],
        "tier demotions announced": tiers["demotion_warnings"],
        "dead letters": figures["dead_letters"],
    }


def _complaints(complaints: Figures) -> dict[str, int]:
    states = {f"state {name}": count for name, count in complaints["by_state"].items()}
    outcomes = {f"outcome {name}": count for name, count in complaints["by_outcome"].items()}
    return {
        "received": complaints["total"],
        "answered within 24 h": complaints["answered_within_24_hours"],
        **states,
        **outcomes,
        "satisfied": complaints["satisfied"],
    }


def _events(console: Console, services: Mapping[str, Figures]) -> None:
    table = _titled(console, "Events by service")
    table.add_column("service")
    columns = ("published", "consumed", "skipped", "unread", "parked", "dead_letters")
    for name in columns:
        table.add_column(name.replace("_", " "), justify="right")
    for service, counts in services.items():
        table.add_row(service, *(f"{counts[name]:,}" for name in columns))
    console.print(table)


def _time(console: Console, time: Figures) -> None:
    table = _titled(console, "Time")
    table.add_column("phase")
    for name in ("steps", "wall", "own CPU", "rate"):
        table.add_column(name, justify="right")
    for phase in time["phases"]:
        wall = phase["wall_seconds"]
        rate = f"{phase['done'] / wall:,.0f}/s" if wall and phase["done"] else "–"
        table.add_row(
            phase["name"], f"{phase['done']:,}", f"{wall:.1f} s", f"{phase['cpu_seconds']:.1f} s", rate
        )
    console.print(table)
    console.print(
        f"{time['simulated_days']:,.0f} days, {time['simulated_from'][:10]} to {time['simulated_to'][:10]}, "
        f"replayed in {time['wall_seconds']:.0f} s of wall time."
    )


def _titled(console: Console, title: str, *, show_header: bool = True) -> Table:
    """A table below its title, which may be wider than the table."""
    console.print(f"\n[bold]{title}[/bold]")
    return Table(show_header=show_header)


def _pairs(console: Console, title: str, pairs: Mapping[str, int]) -> None:
    if not pairs:
        return
    table = _titled(console, title, show_header=False)
    table.add_column("what")
    table.add_column("count", justify="right")
    for name, count in pairs.items():
        table.add_row(name, f"{count:,}")
    console.print(table)
