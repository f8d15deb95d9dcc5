"""How to reach a Kafka cluster: what every client of it is told."""

import ssl
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import KafkaConnectionError, KafkaError

REQUEST_TIMEOUT_SECONDS = 10.0
START_TIMEOUT_SECONDS = 15.0
STOP_TIMEOUT_SECONDS = 5.0
METADATA_MAX_AGE_SECONDS = 10.0

# What aiokafka, its sockets and our own limits raise while the broker is away.
AWAY = (KafkaConnectionError, KafkaError, ConnectionError, TimeoutError, OSError)


@dataclass(frozen=True)
class KafkaSecurity:
    """How to talk to the broker: protocol, SASL mechanism with user and password, file of trusted CAs."""

    protocol: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password: str = field(default="", repr=False)
    cafile: str = ""

    def client_options(self) -> dict[str, Any]:
        """As keyword arguments of an aiokafka client."""
        options: dict[str, Any] = {"security_protocol": self.protocol}
        if self.protocol.endswith("SSL"):
            options["ssl_context"] = ssl.create_default_context(cafile=self.cafile or None)
        if self.protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options


@dataclass(frozen=True)
class KafkaOptions:
    """The cluster's address (`host:port,…`), this process' name, and how to authenticate."""

    bootstrap_servers: str
    client_id: str
    security: KafkaSecurity

    def client(self) -> dict[str, Any]:
        """Keyword arguments common to producer, consumer and admin client."""
        return {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": self.client_id,
            "request_timeout_ms": int(REQUEST_TIMEOUT_SECONDS * 1000),
            "metadata_max_age_ms": int(METADATA_MAX_AGE_SECONDS * 1000),
            **self.security.client_options(),
        }
