"""From an import's body into its queue: one chunk of rows is written while the next one is read."""

import asyncio
from uuid import UUID

from services.valuation.persistence.imports import Import, ImportRow, Rejection
from services.valuation.usecases import receive_import as receiving
from services.valuation.usecases.receive_import import StageRows
from shared.web.commands import CommandEdge

STAGED_AT_ONCE = 2_000


class Staging:
    """Queues chunks of rows, one at a time; it holds that chunk and the next one, never more."""

    def __init__(self, edge: CommandEdge, import_id: UUID) -> None:
        self._edge = edge
        self._import_id = import_id
        self._rows: list[ImportRow] = []
        self._refused: list[Rejection] = []
        self._under_way: asyncio.Task[Import] | None = None

    async def add(self, one: ImportRow | Rejection) -> None:
        """Raises what went wrong with the chunk before."""
        if isinstance(one, ImportRow):
            self._rows.append(one)
        else:
            self._refused.append(one)
        if len(self._rows) + len(self._refused) == STAGED_AT_ONCE:
            await self._stage()

    async def end(self) -> None:
        """Every row is queued."""
        if self._rows or self._refused:
            await self._stage()
        if self._under_way is not None:
            await self._under_way

    async def stop(self) -> None:
        """Nothing is under way any more, whatever became of it: the import is given up."""
        if self._under_way is not None:
            await asyncio.wait([self._under_way])

    async def _stage(self) -> None:
        if self._under_way is not None:
            await self._under_way
        chunk = StageRows(self._import_id, self._rows, self._refused)
        self._rows, self._refused = [], []
        self._under_way = asyncio.create_task(
            self._edge.perform(lambda work: receiving.stage_rows(chunk, work))
        )
