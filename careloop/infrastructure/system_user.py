"""The unprivileged user that a server which refuses to be root runs as when careloop itself is root."""

import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from careloop.infrastructure.errors import InfrastructureError
from careloop.infrastructure.processes import run_to_end

CREATED_USER = "careloop"
KNOWN_USERS = (CREATED_USER, "postgres")
CREATE_TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class SystemUser:
    """Numeric ids to switch to; both are None when no switch is needed."""

    uid: int | None = None
    gid: int | None = None

    @property
    def switches(self) -> bool:
        return self.uid is not None

    def own(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    @contextmanager
    def secret_file(self, text: str) -> Iterator[int]:
        """A descriptor from which this user, and nobody else, can read `text`; nothing touches the disk."""
        reading, writing = os.pipe()
        try:
            if self.uid is not None and self.gid is not None:
                os.fchown(reading, self.uid, self.gid)
            os.write(writing, text.encode())
            os.close(writing)
            yield reading
        finally:
            os.close(reading)

    def can_reach(self, path: Path) -> bool:
        """Whether every folder above `path`, and `path` itself, lets this user pass and read."""
        if self.uid is None:
            return True
        resolved = path.resolve()
        passable = all(self._allows(folder, 0o1) for folder in resolved.parents)
        return passable and self._allows(resolved, 0o5)

    def _allows(self, path: Path, wanted: int) -> bool:
        status = path.stat()
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return (status.st_mode >> shift) & wanted == wanted


def unprivileged_user() -> SystemUser:
    """Nobody to switch to unless we are root; then `careloop`, `postgres`, or a system user made for this."""
    if os.geteuid() != 0:
        return SystemUser()
    for name in KNOWN_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return SystemUser(entry.pw_uid, entry.pw_gid)
    useradd = shutil.which("useradd")
    if useradd is None:
        raise InfrastructureError(
            "PostgreSQL refuses to run as root, and there is neither a system user 'careloop' or 'postgres' "
            "nor useradd to make one: run careloop as an ordinary user, or add a system user 'careloop'"
        )
    system = ("--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin")
    done = run_to_end(
        [useradd, *system, CREATED_USER],
        timeout_seconds=CREATE_TIMEOUT_SECONDS,
        env=os.environ,
    )
    if done.returncode != 0:
        raise InfrastructureError(f"could not add the system user {CREATED_USER!r}: {done.stderr.strip()}")
    entry = pwd.getpwnam(CREATED_USER)
    return SystemUser(entry.pw_uid, entry.pw_gid)
