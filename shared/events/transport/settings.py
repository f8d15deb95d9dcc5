"""Which transport a process uses, from the environment (`EVENTS_…`)."""

from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class TransportSettings(BaseSettings):
    """`EVENTS_TRANSPORT=postgres` needs `EVENTS_POSTGRES_URL`, `kafka` needs `EVENTS_BOOTSTRAP_SERVERS`.

    `partitions` and `replication_factor` are those of topics that are made here; in a cluster they exist.
    """

    model_config = SettingsConfigDict(env_prefix="EVENTS_", frozen=True)

    transport: Literal["postgres", "kafka"] = "postgres"
    postgres_url: SecretStr = SecretStr("")
    bootstrap_servers: str = ""
    client_id: str = "careloop"
    partitions: int = 6
    replication_factor: int = 1
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str = ""
    sasl_password: SecretStr = SecretStr("")
    ssl_cafile: str = ""
