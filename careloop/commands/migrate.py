"""`careloop migrate`: bring databases to the revision that this code needs."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from shared.operations.settings import ServiceSettings


def migrate(
    service: Annotated[str | None, typer.Argument(help="One service; without it all of them")] = None,
) -> None:
    """Migrate the database of one service or of all (each takes its URL from <SERVICE>_DATABASE_URL)."""
    from careloop.registry import SERVICES, composition
    from shared.db.migrations import current, upgrade

    async def run() -> None:
        for name in [service] if service else SERVICES:
            composed = composition(name)
            settings = composed.Settings()
            url = settings.database_url
            before = await current(url)
            await upgrade(composed.HISTORY, url)
            await _event_log(name, settings)
            head = composed.HISTORY.head()
            console.print(
                f"{name}: already at {head}" if before == head else f"{name}: {before or 'empty'} → {head}"
            )

    console = Console()
    asyncio.run(run())


async def _event_log(name: str, settings: "ServiceSettings") -> None:
    """The PostgreSQL transport's tables, this service's topic and those of others outside the suite.

    Kafka's topics are made by its operator.
    """
    if settings.transport != "postgres" or settings.events_database_url is None:
        return
    from careloop.registry import OUTSIDE_PRODUCERS
    from shared.events.transport.postgres import PostgresTransport

    log = PostgresTransport(settings.events_database_url)
    try:
        await log.migrate()
        await log.create_topics([f"{producer}.events" for producer in (name, *OUTSIDE_PRODUCERS)])
    finally:
        await log.close()
