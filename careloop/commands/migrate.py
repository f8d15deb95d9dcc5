"""`careloop migrate`: bring databases to the revision that this code needs."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console


def migrate(
    service: Annotated[str | None, typer.Argument(help="One service; without it all of them")] = None,
) -> None:
    """Migrate the database of one service or of all (each takes its URL from <SERVICE>_DATABASE_URL)."""
    from careloop.registry import SERVICES, composition
    from shared.db.migrations import current, upgrade

    async def run() -> None:
        for name in [service] if service else SERVICES:
            composed = composition(name)
            url = composed.Settings().database_url
            before = await current(url)
            await upgrade(composed.HISTORY, url)
            head = composed.HISTORY.head()
            console.print(
                f"{name}: already at {head}" if before == head else f"{name}: {before or 'empty'} → {head}"
            )

    console = Console()
    asyncio.run(run())
