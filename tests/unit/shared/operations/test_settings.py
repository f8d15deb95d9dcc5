"""Settings: where they come from, and what production refuses."""

from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from shared.operations.settings import DEVELOPMENT_ISSUER, ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="TICKETING_")


DEVELOPMENT: dict[str, Any] = {
    "database_url": "postgresql://a@127.0.0.1/a",
    "events_database_url": "postgresql://a@127.0.0.1/e",
    "jwks": "/keys.json",
}
PRODUCTION: dict[str, Any] = {
    "environment": "production",
    "database_url": "postgresql://a@db/a?sslmode=verify-full",
    "transport": "kafka",
    "kafka_bootstrap_servers": "kafka:9093",
    "kafka_security_protocol": "SASL_SSL",
    "kafka_username": "ticketing",
    "kafka_password": "secret",
    "issuer": "https://issuer.example",
    "jwks": "https://issuer.example/keys",
}


def test_a_services_own_variable_wins_over_the_common_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("CARELOOP_JWKS", "/common.json"),
        ("CARELOOP_AUDIENCE", "all"),
        ("TICKETING_AUDIENCE", "tickets"),
        ("TICKETING_DATABASE_URL", "postgresql://a@127.0.0.1/a"),
        ("CARELOOP_EVENTS_DATABASE_URL", "postgresql://a@127.0.0.1/e"),
        ("CARELOOP_TRUSTED_PROXIES", '["10.0.0.0/8"]'),
    ):
        monkeypatch.setenv(name, value)
    settings = Settings()  # type: ignore[call-arg]
    assert (settings.jwks, settings.audience) == ("/common.json", "tickets")
    assert settings.issuer == DEVELOPMENT_ISSUER
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8"]
    assert settings.rate_limits() is None


def test_production_takes_safe_settings() -> None:
    assert Settings(**PRODUCTION).environment == "production"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"issuer": DEVELOPMENT_ISSUER}, "issuer"),
        ({"issuer": "http://issuer.example"}, "issuer"),
        ({"jwks": "/keys.json"}, "https"),
        ({"database_url": "postgresql://a@db/a"}, "sslmode"),
        ({"database_url": "postgresql://a@db/a?sslmode=prefer"}, "sslmode"),
        ({"kafka_security_protocol": "PLAINTEXT"}, "TLS"),
        ({"kafka_password": None}, "kafka_password"),
        ({"transport": "postgres"}, "events_database_url"),
        ({"kafka_bootstrap_servers": None}, "kafka_bootstrap_servers"),
        ({"pool_min_size": 50}, "pool_min_size"),
    ],
)
def test_production_refuses_what_is_for_development(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Settings(**{**PRODUCTION, **change})


def test_a_network_of_its_own_may_do_without_tls_but_not_without_an_issuer() -> None:
    plain = {"database_url": "postgresql://a@db/a", "allow_plaintext_network": True}
    assert Settings(**{**PRODUCTION, **plain}).allow_plaintext_network
    with pytest.raises(ValidationError):
        Settings(**{**PRODUCTION, **plain, "issuer": DEVELOPMENT_ISSUER})


def test_what_is_secret_is_not_shown() -> None:
    shown = repr(Settings(**{**DEVELOPMENT, "database_url": "postgresql://a:hunter2@db/a"}))
    assert "hunter2" not in shown
    assert "secret" not in repr(Settings(**PRODUCTION))
