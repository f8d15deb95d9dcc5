"""A service's loop as a process of its own, which a failpoint may kill; and a look at what it left behind."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any

import asyncpg

TIMEOUT_SECONDS = 60.0
# What `careloop serve <service> --role worker` runs of one loop, until it finds nothing to do any more.
UNTIL_IDLE = """
import asyncio, importlib, sys
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SystemClock

async def main():
    composition = importlib.import_module(f"services.{sys.argv[1]}.service")
    settings = composition.Settings()
    transport = PostgresTransport(settings.events_database_url)
    service = composition.build(settings, clock=SystemClock(), transport=transport)
    worker = next(loop for loop in service.loops if loop.name == sys.argv[2])
    await service.open()
    while await worker.run_once():
        pass
    await service.close()

asyncio.run(main())
"""


async def run_worker(
    loop: str,
    url: str,
    failpoint: str = "",
    *,
    program: str = UNTIL_IDLE,
    settings: Mapping[str, str] | None = None,
) -> int:
    """Run `loop` (such as `sla.timers`) on the database until it has nothing to do, or dies; the return code.

    `settings` are environment variables of the service; `program` gets the service's and the loop's names.
    """
    service = loop.partition(".")[0]
    environment = {
        **os.environ,
        "CARELOOP_FAILPOINT": failpoint,
        f"{service.upper()}_DATABASE_URL": url,
        f"{service.upper()}_EVENTS_DATABASE_URL": url,
        f"{service.upper()}_JWKS": "/nowhere/jwks.json",
        **(settings or {}),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, service, loop, env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def rows(url: str, query: str) -> list[Any]:
    """What the query finds, over a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        found: list[Any] = await connection.fetch(query)
    finally:
        await connection.close()
    return found
