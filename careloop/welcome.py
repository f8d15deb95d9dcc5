"""What a newcomer is shown when a suite is up: where things are and what to try first."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from careloop.registry import SERVICES


def welcome(url: str, state_dir: Path) -> None:
    """Print one table of addresses, and the first request to try."""
    console = Console()
    table = Table(title="careloop is up", show_header=False)
    table.add_row("documents", f"{url}/docs")
    table.add_row("OpenAPI, all services", f"{url}/openapi.json")
    for name in SERVICES:
        table.add_row(name, f"{url}/{name}/v1/")
    console.print(table)
    console.print(
        f"A token:  export TOKEN=$(careloop token --role agent --state-dir {state_dir})", soft_wrap=True
    )
    console.print(
        f'Then:     curl -H "Authorization: Bearer $TOKEN" {url}/ticketing/v1/tickets', soft_wrap=True
    )
    console.print("Ctrl-C ends it; the data stays.")
