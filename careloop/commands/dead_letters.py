"""`careloop dead-letters`: what failed, and what to do about it, through the suite's API."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import UUID

import typer

app = typer.Typer(help="Events that failed: list, replay, discard.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="ticketing, sla, valuation or complaints")]
Url = Annotated[str, typer.Option(help="Where the suite answers")]
StateDir = Annotated[Path, typer.Option(help="Of a suite on this machine, for a token of its own")]
DEFAULT_URL = "http://127.0.0.1:8080"
DEFAULT_STATE = Path(".careloop")
TIMEOUT_SECONDS = 30.0


@app.command("list")
def list_letters(
    service: Service,
    state: Annotated[str, typer.Option(help="open, replayed or discarded")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    url: Url = DEFAULT_URL,
    state_dir: StateDir = DEFAULT_STATE,
) -> None:
    """Show a service's dead letters, oldest first, with how many events wait behind each."""
    from rich.console import Console
    from rich.table import Table

    page = _call(
        "GET", f"{url}/{service}/v1/dead-letters", state_dir, params={"state": state, "limit": limit}
    )
    table = Table(title=f"{state} dead letters of {service}")
    for column in ("id", "failed", "type", "key", "error", "waiting"):
        table.add_column(column, overflow="fold")
    for letter in page["items"]:
        failed_at = datetime.fromisoformat(letter["failed_at"]).astimezone(UTC)
        error = f"{letter['error_code']}: {letter['error_message']}"
        table.add_row(
            letter["id"],
            f"{failed_at:%Y-%m-%d %H:%M:%S}",
            letter["type"],
            letter["key"],
            error,
            str(letter["parked"]),
        )
    Console().print(table)
    if page.get("next_cursor"):
        typer.echo("There are more: raise --limit.")


@app.command()
def replay(
    service: Service, letter_id: UUID, url: Url = DEFAULT_URL, state_dir: StateDir = DEFAULT_STATE
) -> None:
    """Handle a dead letter's event again, and after it what waits behind it, in order."""
    _resolve("replay", service, letter_id, url, state_dir)


@app.command()
def discard(
    service: Service, letter_id: UUID, url: Url = DEFAULT_URL, state_dir: StateDir = DEFAULT_STATE
) -> None:
    """Give a dead letter's event up for good, and handle what waits behind it."""
    _resolve("discard", service, letter_id, url, state_dir)


def _resolve(action: str, service: str, letter_id: UUID, url: str, state_dir: Path) -> None:
    path = f"{url}/{service}/v1/dead-letters/{letter_id}/{action}"
    answer = _call("POST", path, state_dir)
    typer.echo(f"{letter_id}: {action} done, {answer['released']} events behind it handled")


def _call(method: str, url: str, state_dir: Path, **request: Any) -> Any:
    """The JSON of an answer; a problem is shown as its sentence and ends the command."""
    import httpx

    token = os.environ.get("CARELOOP_TOKEN") or _own_token(state_dir)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = httpx.request(method, url, headers=headers, timeout=TIMEOUT_SECONDS, **request)
    except httpx.HTTPError as error:
        _fail(f"{url} does not answer ({error}); is the suite running, and is --url right?")
    if answer.is_error:
        _fail(_reason(answer))
    return answer.json()


def _reason(answer: Any) -> str:
    problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    return f"{answer.status_code}: {answer.json()['detail'] if problem else answer.text[:200]}"


def _own_token(state_dir: Path) -> str:
    from careloop.issuer import FOLDER, issue_token

    if not (state_dir / FOLDER).is_dir():
        _fail(f"set CARELOOP_TOKEN, or name the suite's state with --state-dir ({state_dir} has no issuer)")
    return issue_token(state_dir, "admin", "careloop-cli", minutes=5)


def _fail(why: str) -> NoReturn:
    typer.secho(f"careloop: {why}", err=True, fg="red")
    raise typer.Exit(1)
