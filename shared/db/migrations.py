"""Alembic for every service: one history a service, run on the service's own database."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.kernel.errors import UnavailableError

T = TypeVar("T")

# A migration that cannot get its lock soon gives up, rather than queue every request behind it.
LOCK_TIMEOUT = "5s"
_ADVISORY_LOCK = 7_021_995


class SchemaNotAtHeadError(UnavailableError):
    """The database's schema is not the one this code needs."""


@dataclass(frozen=True)
class History:
    """A service's migrations: its name, where its revisions are, and the tables they must add up to."""

    service: str
    metadata: sa.MetaData

    @property
    def location(self) -> Path:
        return Path(str(files(f"services.{self.service}.persistence") / "migrations"))

    def config(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(self.location))
        config.attributes["metadata"] = self.metadata
        return config

    def head(self) -> str | None:
        """The newest revision in the code."""
        return ScriptDirectory.from_config(self.config()).get_current_head()

    def revisions(self) -> list[str]:
        """All revisions, oldest first."""
        script = ScriptDirectory.from_config(self.config())
        return [revision.revision for revision in script.walk_revisions()][::-1]


def run_env() -> None:
    """What each `env.py` calls: run the requested migrations on the connection that was handed over."""
    connection: sa.Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=context.config.attributes["metadata"],
        transaction_per_migration=True,
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def frozen_sql(package: str, name: str) -> str:
    """The text of a frozen SQL file (`shared.events`, `0001`): what a revision ran once never changes."""
    return (files(package) / "sql" / f"{name}.sql").read_text(encoding="utf-8")


async def upgrade(history: History, url: str, revision: str = "head") -> None:
    """Bring the database to `revision`; two callers at once take turns."""
    await _with_connection(url, lambda connection: _upgrade(history, connection, revision))


async def downgrade(history: History, url: str, revision: str) -> None:
    """Bring the database back to `revision`."""
    await _with_connection(url, lambda connection: _downgrade(history, connection, revision))


async def current(url: str) -> str | None:
    """The database's revision, or None when it has none."""
    return await _with_connection(url, lambda c: MigrationContext.configure(c).get_current_revision())


async def require_head(history: History, url: str) -> None:
    """Raises `SchemaNotAtHeadError`, which names the command to run, unless the database is at head."""
    found, head = await current(url), history.head()
    if found != head:
        raise SchemaNotAtHeadError(
            f"the database of {history.service} is at revision {found or 'none'}, this code needs {head}: "
            f"run `careloop migrate {history.service}`"
        )


async def drift(history: History, url: str) -> Sequence[Any]:
    """What differs between the database and the tables that the code describes (empty = nothing)."""

    def compare(connection: sa.Connection) -> Sequence[Any]:
        options = {"include_name": _ours, "compare_type": True}
        differences: Sequence[Any] = compare_metadata(
            MigrationContext.configure(connection, opts=options), history.metadata
        )
        return differences

    return await _with_connection(url, compare)


def _ours(name: str | None, kind: str, parents: Any) -> bool:
    # Partitions are made by the running system, not by the metadata.
    return not (kind == "table" and name is not None and name.startswith("published_events_"))


def _upgrade(history: History, connection: sa.Connection, revision: str) -> None:
    config = history.config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _downgrade(history: History, connection: sa.Connection, revision: str) -> None:
    config = history.config()
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


async def _with_connection(url: str, run: Callable[[sa.Connection], T]) -> T:
    engine = create_async_engine(_async_url(url), poolclass=NullPool)
    try:
        async with asyncio.timeout(600), engine.connect() as connection:
            await connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            await connection.exec_driver_sql(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})")
            await connection.commit()
            try:
                result = await connection.run_sync(run)
                await connection.commit()
                return result
            finally:
                await connection.rollback()
                await connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_ADVISORY_LOCK})")
    finally:
        await engine.dispose()


def _async_url(url: str) -> str:
    return "postgresql+asyncpg://" + url.partition("://")[2]
