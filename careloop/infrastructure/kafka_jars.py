"""Apache Kafka's jars: pinned in ``kafka.lock``, fetched from Maven Central by jgo, kept in the user's cache."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from careloop.infrastructure.errors import InfrastructureError, MissingExtraError

LOCK_FILE = Path(__file__).with_name("kafka.lock")
KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"
# Kafka logs through slf4j, and its published dependencies bring no way from there to log4j.
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
RUNTIME_SCOPES = (None, "compile", "runtime")
FETCH_ATTEMPTS = 3
FETCH_TIMEOUT_SECONDS = 30
FETCH_PAUSE_SECONDS = 1.0
FETCHES_AT_ONCE = 4

Progress = Callable[[int, int], None]
"""Called with how many jars are there and how many there will be."""


@dataclass(frozen=True)
class Jar:
    """One artifact: Maven coordinates ``group:artifact:version`` and the SHA-256 of its file."""

    coordinates: str
    sha256: str

    @property
    def filename(self) -> str:
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


class JarsUnavailableError(InfrastructureError):
    """A jar could not be had from Maven Central, or is not the one that was pinned."""


def cache_directory() -> Path:
    """``$CARELOOP_CACHE_DIR``, else ``careloop`` in the user's cache folder."""
    chosen = os.environ.get("CARELOOP_CACHE_DIR")
    if chosen:
        return Path(chosen).absolute()
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "careloop"


def locked_jars() -> list[Jar]:
    lines = LOCK_FILE.read_text().splitlines()
    return [Jar(*line.split()) for line in lines if line and not line.startswith("#")]


def kafka_jars(progress: Progress | None = None) -> list[Path]:
    """The jars of Kafka's class path, fetched on first use; `JarsUnavailableError` when that fails."""
    jars = locked_jars()
    version = KAFKA.rpartition(":")[2]
    mark = hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()[:12]
    folder = cache_directory() / f"kafka-{version}-{mark}"
    if not folder.exists():
        _fill(folder, jars, progress or (lambda done, total: None))
    return [folder / jar.filename for jar in jars]


def _fill(folder: Path, jars: Sequence[Jar], progress: Progress) -> None:
    """Fetch into a folder beside it and rename that, so that a folder that exists is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        with ThreadPoolExecutor(FETCHES_AT_ONCE) as threads:
            fetches = [threads.submit(fetch, jar, partial) for jar in jars]
            try:
                for done, fetched in enumerate(as_completed(fetches), start=1):
                    fetched.result()
                    progress(done, len(jars))
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                raise
        shutil.rmtree(partial / "downloads", ignore_errors=True)
        try:
            partial.rename(folder)
        except OSError:
            # Another process was faster; its folder is as complete.
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def fetch(jar: Jar, folder: Path, attempts: int = FETCH_ATTEMPTS) -> None:
    """Download one jar into `folder`. jgo only warns of a wrong checksum and leaves half a file behind when it is
    interrupted, so every attempt starts afresh and is checked."""
    try:
        from jgo.maven import MavenContext
    except ImportError:
        raise MissingExtraError("jgo", "stack") from None
    group, artifact, version = jar.coordinates.split(":")
    problem = ""
    for attempt in range(1, attempts + 1):
        downloads = folder / "downloads" / f"{jar.filename}.{attempt}"
        context = MavenContext(repo_cache=downloads, timeout=FETCH_TIMEOUT_SECONDS)
        try:
            file = context.project(group, artifact).at_version(version).artifact().resolve()
        except (OSError, RuntimeError) as error:
            problem = str(error)
            time.sleep(FETCH_PAUSE_SECONDS * attempt)
            continue
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found == jar.sha256:
            file.replace(folder / jar.filename)
            return
        problem = f"its SHA-256 is {found}, expected {jar.sha256}"
    raise JarsUnavailableError(f"{jar.coordinates} cannot be had from Maven Central: {problem}")


def resolve(endpoint: str, downloads: Path) -> list[Jar]:
    """Resolve coordinates with everything they need at run time; this is how ``kafka.lock`` is made."""
    from jgo.maven import MavenContext
    from jgo.parse import Coordinate

    context = MavenContext(repo_cache=downloads, timeout=FETCH_TIMEOUT_SECONDS)
    inputs, others = context.resolver.resolve([context.create_dependency(Coordinate.parse(endpoint))])
    artifacts = [one.artifact for one in [*inputs, *others] if one.scope in RUNTIME_SCOPES]
    return [
        Jar(
            f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}",
            hashlib.sha256(artifact.resolve().read_bytes()).hexdigest(),
        )
        for artifact in artifacts
    ]


def write_lock() -> None:
    """Resolve `KAFKA` and `LOGGING` anew and write ``kafka.lock``; run after changing either."""
    with tempfile.TemporaryDirectory() as downloads:
        # One by one: resolved together, the parent of the second would choose versions for the first.
        jars = {*resolve(KAFKA, Path(downloads)), *resolve(LOGGING, Path(downloads))}
    head = "# Made by: python -m careloop.infrastructure.kafka_jars\n"
    LOCK_FILE.write_text(head + "".join(f"{jar.coordinates} {jar.sha256}\n" for jar in sorted(jars, key=str)))


if __name__ == "__main__":
    write_lock()
