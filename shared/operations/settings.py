"""What every service is told from outside: where its database, transport and issuer are."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from shared.web.authentication import TokenVerifier
from shared.web.keys import key_source
from shared.web.rate_limits import Rate, RateLimits

DEVELOPMENT_ISSUER = "urn:careloop:development-issuer"
AUDIENCE = "careloop"
COMMON_PREFIX = "CARELOOP_"
_ENCRYPTED_MODES = frozenset({"require", "verify-ca", "verify-full"})


class UnsafeSettingsError(ValueError):
    """These settings are for development; production refuses them."""


class ServiceSettings(BaseSettings):
    """Base of a service's settings. A subclass sets its prefix:

        model_config = SettingsConfigDict(env_prefix="TICKETING_")

    What is not set under the service's prefix is looked up under `CARELOOP_`, which suits what all services
    share (issuer, transport). Durations carry their unit in the name.
    """

    model_config = SettingsConfigDict(env_prefix=COMMON_PREFIX, extra="ignore", frozen=True)

    environment: Literal["development", "production"] = "development"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    access_log: bool = True

    database_url: str = Field(repr=False)
    pool_min_size: int = Field(default=2, ge=0, le=100)
    pool_max_size: int = Field(default=10, ge=1, le=100)
    command_timeout_seconds: float = Field(default=30.0, gt=0)

    transport: Literal["postgres", "kafka"] = "postgres"
    events_database_url: str | None = Field(default=None, repr=False)
    kafka_bootstrap_servers: str | None = None
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca_file: Path | None = None

    issuer: str = DEVELOPMENT_ISSUER
    audience: str = AUDIENCE
    jwks: str = Field(description="Path of a JWK set, or its https URL")

    rate_limit_per_principal: int = Field(default=0, ge=0, description="Requests a window; 0 is no limit")
    rate_limit_per_address: int = Field(default=0, ge=0, description="Requests a window; 0 is no limit")
    rate_limit_window_seconds: int = Field(default=60, ge=1, le=3600)
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    body_limit_bytes: int = Field(default=1_048_576, ge=1_024)

    shutdown_seconds: float = Field(default=20.0, gt=0, description="What is unfinished then is cut off")
    allow_plaintext_network: bool = Field(
        default=False, description="Production without TLS to database and broker, on a network of its own"
    )

    def rate_limits(self) -> RateLimits | None:
        """What `create_app` needs; None when no limit is set."""
        per_principal, per_address = (
            Rate(requests, self.rate_limit_window_seconds) if requests else None
            for requests in (self.rate_limit_per_principal, self.rate_limit_per_address)
        )
        if per_principal is None and per_address is None:
            return None
        return RateLimits(
            per_principal=per_principal, per_address=per_address, trusted_proxies=self.trusted_proxies
        )

    def verifier(self) -> TokenVerifier:
        """The verifier of this issuer's tokens."""
        return TokenVerifier(issuer=self.issuer, audience=self.audience, keys=key_source(self.jwks))

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.transport == "postgres" and self.events_database_url is None:
            raise ValueError("transport postgres needs events_database_url")
        if self.transport == "kafka" and self.kafka_bootstrap_servers is None:
            raise ValueError("transport kafka needs kafka_bootstrap_servers")
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_username and self.kafka_password
        ):
            raise ValueError("SASL needs kafka_username and kafka_password")
        if self.pool_min_size > self.pool_max_size:
            raise ValueError("pool_min_size is above pool_max_size")
        return self

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.environment != "production":
            return self
        if self.issuer == DEVELOPMENT_ISSUER or not self.issuer.startswith("https://"):
            raise UnsafeSettingsError("production needs an issuer of its own, with an https URL")
        if not self.jwks.startswith("https://"):
            raise UnsafeSettingsError("production reads the issuer's keys over https")
        if self.allow_plaintext_network:
            return self
        for name in ("database_url", "events_database_url"):
            url = getattr(self, name)
            if url is not None and not _is_encrypted(url):
                raise UnsafeSettingsError(f"production needs sslmode=require or stronger in {name}")
        if self.transport == "kafka" and self.kafka_security_protocol not in ("SSL", "SASL_SSL"):
            raise UnsafeSettingsError("production needs TLS to Kafka: kafka_security_protocol SASL_SSL")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        common = EnvSettingsSource(settings_cls, env_prefix=COMMON_PREFIX)
        return init_settings, env_settings, common, file_secret_settings


def _is_encrypted(url: str) -> bool:
    return parse_qs(urlsplit(url).query).get("sslmode", [""])[-1] in _ENCRYPTED_MODES
