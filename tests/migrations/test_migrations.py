"""Migrations add up to the tables, run from any earlier revision, and are asked for by name."""

import asyncio
import os
import subprocess
import sys

import pytest

from careloop.registry import SERVICES, composition
from shared.db.migrations import SchemaNotAtHeadError, current, drift, require_head, upgrade
from shared.testing.plugin import MakeDatabase


@pytest.mark.parametrize("name", SERVICES)
async def test_all_migrations_add_up_to_the_tables_of_the_code(
    name: str, make_database: MakeDatabase
) -> None:
    history = composition(name).HISTORY
    url = await make_database(None)
    for revision in history.revisions():
        await upgrade(history, url, revision)
        assert await current(url) == revision
    assert await current(url) == history.head()
    assert list(await drift(history, url)) == []


@pytest.mark.parametrize("name", SERVICES)
async def test_drift_is_seen(name: str, make_database: MakeDatabase) -> None:
    import asyncpg

    history = composition(name).HISTORY
    url = await make_database(history)
    connection = await asyncpg.connect(url)
    await connection.execute("ALTER TABLE inbox ADD COLUMN forgotten text")
    await connection.close()
    assert "forgotten" in str(await drift(history, url))


@pytest.mark.parametrize("name", SERVICES)
async def test_the_revision_before_upgrades_to_head(name: str, make_database: MakeDatabase) -> None:
    history = composition(name).HISTORY
    before = history.revisions()[-2:-1]
    url = await make_database(None)
    for revision in before:
        await upgrade(history, url, revision)
    await upgrade(history, url)
    assert list(await drift(history, url)) == []


async def test_two_who_migrate_at_once_take_turns(make_database: MakeDatabase) -> None:
    history = composition("ticketing").HISTORY
    url = await make_database(None)
    await asyncio.gather(upgrade(history, url), upgrade(history, url))
    assert await current(url) == history.head()


async def test_a_database_that_is_not_at_head_is_refused_with_the_command_that_mends_it(
    make_database: MakeDatabase,
) -> None:
    url = await make_database(None)
    with pytest.raises(SchemaNotAtHeadError, match="careloop migrate sla"):
        await require_head(composition("sla").HISTORY, url)


async def test_serve_refuses_to_start_on_a_database_that_is_not_at_head(
    make_database: MakeDatabase, issuer_jwks: str
) -> None:
    url = await make_database(None)
    environment = {
        **os.environ,
        "SLA_DATABASE_URL": url,
        "SLA_TRANSPORT": "postgres",
        "SLA_EVENTS_DATABASE_URL": url,
        "SLA_JWKS": issuer_jwks,
        "SLA_PORT": "0",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "careloop", "serve", "sla", "--role", "api"),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, error = await process.communicate()
    assert process.returncode == 1
    assert "careloop migrate sla" in error.decode()
    assert "Traceback" not in error.decode()
