"""What every local server has in common: a folder that one process holds, a guarded child, start and stop."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from careloop.infrastructure.processes import DirectoryLock, GuardedProcess, in_thread


class LocalServer(ABC):
    """A server that belongs to this process and dies with it, even on ``kill -9``.

    Its files are in ``state_dir/<name>``, where one holder at a time is allowed (`StateDirectoryInUseError`).
    Use it as a context manager, plain or ``async``, or call `start`/`stop` (`astart`/`astop` in a coroutine: they
    run in a thread). `kill` ends it as a crash would; a following `start` on the same object keeps port and data.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    lock_wait_seconds: ClassVar[float]

    def __init__(self, state_dir: Path | str, port: int | None) -> None:
        self.directory = Path(state_dir).absolute() / self.name
        self.log = self.directory / "server.log"
        self._port = port
        self._lock = DirectoryLock(self.directory)
        self._process: GuardedProcess | None = None

    @property
    def port(self) -> int:
        if self._port is None:
            raise RuntimeError(f"{self.title} was not started")
        return self._port

    @property
    def pid(self) -> int:
        """The server's own process id."""
        if self._process is None:
            raise RuntimeError(f"{self.title} was not started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    def start(self) -> Self:
        """Start the server and return when it can be used; does nothing when it runs."""
        if self.is_running:
            return self
        # What an earlier, killed holder left behind gets a moment to finish stopping.
        self._lock.acquire_within(self.lock_wait_seconds)
        try:
            self.directory.chmod(0o700)
            self._launch()
        except BaseException:
            self.stop()
            raise
        return self

    @abstractmethod
    def _launch(self) -> None:
        """Set `_process` and `_port`, and return when the server serves. Raises `ServerStartError`."""

    def stop(self) -> None:
        """Stop in good order, by force when that takes too long."""
        if self._process is not None:
            self._process.stop()
        self._lock.release()

    def kill(self) -> None:
        """End the server as a crash would."""
        if self._process is not None:
            self._process.kill()
        self._lock.release()

    def restart(self) -> Self:
        self.stop()
        return self.start()

    async def astart(self) -> Self:
        return await in_thread(self.start)

    async def astop(self) -> None:
        await in_thread(self.stop)

    async def arestart(self) -> Self:
        return await in_thread(self.restart)

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

    def last_words(self, marks: Collection[str]) -> str:
        """The last line of its log that has one of these marks, or the last line at all."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        telling = [line for line in lines if any(mark in line for mark in marks)]
        return (telling or lines or ["it ended at once"])[-1]
