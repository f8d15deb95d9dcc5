"""Events through Apache Kafka."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KafkaSecurity:
    """How to talk to the broker: protocol, SASL mechanism with user and password, file of trusted CAs."""

    protocol: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password: str = ""
    cafile: str = ""


class KafkaTransport:
    """aiokafka: idempotent, `acks=all`, explicit commits."""

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        client_id: str = "careloop",
        partitions: int = 6,
        replication_factor: int = 1,
        security: KafkaSecurity | None = None,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
