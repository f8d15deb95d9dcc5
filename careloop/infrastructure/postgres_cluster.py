"""The parts of a PostgreSQL state directory: passwords, the cluster made by initdb, roles and databases."""

import json
import os
import secrets
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from careloop.infrastructure.errors import ServerStartError, StateUnusableError
from careloop.infrastructure.processes import LOOPBACK, run_to_end
from careloop.infrastructure.system_user import SystemUser

SUPERUSER = "postgres"
MAJOR_VERSION = "18"
PASSWORD_BYTES = 24
PROGRAM_TIMEOUT_SECONDS = 60.0

ROLE_AND_DATABASE = """
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', :'name', :'password')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \\gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
"""


def stored_passwords(directory: Path, databases: Sequence[str]) -> dict[str, str]:
    """The passwords of this directory by role, completed for new roles and stored before they are used."""
    path = directory / "passwords.json"
    stored: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if (directory / "data").exists() and SUPERUSER not in stored:
        raise StateUnusableError(f"{path} is lost, and without it the data beside it cannot be opened")
    missing = {SUPERUSER, *databases} - stored.keys()
    if missing:
        stored |= {role: secrets.token_urlsafe(PASSWORD_BYTES) for role in sorted(missing)}
        partial = path.with_suffix(".partial")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(stored, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    return stored


def make_cluster(
    directory: Path, programs: Path, user: SystemUser, password: str, durable: bool, lock_fd: int
) -> None:
    """``initdb`` beside the final place, so that an interrupted first start leaves nothing half made.

    It inherits the lock of the directory: should we be killed, nobody starts before it has ended.
    """
    partial = directory / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    user.own(partial)
    with user.secret_file(password) as secret:
        command = [
            str(programs / "initdb"),
            f"--pgdata={path_for(user, partial)}",
            f"--username={SUPERUSER}",
            f"--pwfile=/dev/fd/{secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            # From libc: under C trigrams find no Chinese.
            "--locale-provider=libc",
            "--locale=C.UTF-8",
        ]
        done = run_to_end(
            command if durable else [*command, "--no-sync"],
            timeout_seconds=PROGRAM_TIMEOUT_SECONDS,
            env=clean_environment(),
            cwd=partial,
            user=user.uid,
            group=user.gid,
            keep_fds=[secret, lock_fd],
        )
    if done.returncode != 0:
        raise ServerStartError("PostgreSQL", f"initdb failed: {(done.stderr or done.stdout).strip()}")
    partial.rename(directory / "data")


def check_version(data: Path) -> None:
    """`StateUnusableError` when another major version made these data."""
    version = (data / "PG_VERSION").read_text().strip()
    if version != MAJOR_VERSION:
        raise StateUnusableError(
            f"{data} was made by PostgreSQL {version}; this version runs {MAJOR_VERSION}: "
            "dump it with the old one, or remove it to start empty"
        )


def provision(programs: Path, port: int, passwords: Mapping[str, str], databases: Sequence[str]) -> None:
    """Make the roles and databases that are missing, each database owned by the role of its name."""
    script = "".join(
        f"\\set name {name}\n\\set password {passwords[name]}\n{ROLE_AND_DATABASE}" for name in databases
    )
    done = run_to_end(
        [str(programs / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname=postgres"],
        timeout_seconds=PROGRAM_TIMEOUT_SECONDS,
        env={
            **clean_environment(),
            "PGHOST": LOOPBACK,
            "PGPORT": str(port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": passwords[SUPERUSER],
        },
        text=script,
    )
    if done.returncode != 0:
        raise ServerStartError("PostgreSQL", f"its databases cannot be made: {done.stderr.strip()}")


def path_for(user: SystemUser, directory: Path) -> str:
    """A path to a program's working folder `directory` that works for `user` even below folders closed to it.

    As root the state often lies below a closed folder (a home, a temporary folder). The program is started
    inside its folder and names it by ``/proc/self/cwd``, which needs no passage through the folders above.
    """
    if user.switches and sys.platform.startswith("linux"):
        return "/proc/self/cwd"
    return str(directory)


def clean_environment() -> dict[str, str]:
    """Nothing of the caller's environment, which may hold PG* variables or another locale."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
