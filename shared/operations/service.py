"""What a service is to those who run it: a name, an HTTP application, a database, and loops."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import FastAPI

from shared.db.database import Database
from shared.db.migrations import History
from shared.operations.loops import Loop


@dataclass
class Service:
    """One service, composed by its `service.py` and run by the suite (all in one) or by `careloop serve`.

    `app` serves its paths under `/<name>/v1/`; `loops` run where the role is worker or where all runs in
    one process. Nothing is connected before `open`. `checks` are what a worker needs besides its database to be
    ready, by name: `{"broker": transport.check}`.
    """

    name: str
    app: FastAPI
    database: Database
    history: History
    loops: Sequence[Loop] = field(default_factory=tuple)
    checks: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)

    async def open(self) -> None:
        await self.database.open()

    async def close(self) -> None:
        await self.database.close()
