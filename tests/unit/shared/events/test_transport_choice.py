"""Settings choose the transport, and what is missing is named."""

import pytest

from shared.events.transport import TransportSettings, TransportSettingsError, open_transport
from shared.events.transport.kafka import KafkaTransport
from shared.events.transport.kafka_options import KafkaSecurity
from shared.events.transport.postgres import PostgresTransport


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTS_POSTGRES_URL", "postgresql://events@localhost/events")
    assert isinstance(open_transport(TransportSettings()), PostgresTransport)
    monkeypatch.setenv("EVENTS_TRANSPORT", "kafka")
    monkeypatch.setenv("EVENTS_BOOTSTRAP_SERVERS", "localhost:9092")
    assert isinstance(open_transport(TransportSettings()), KafkaTransport)


@pytest.mark.parametrize(
    ("transport", "field"), [("postgres", "EVENTS_POSTGRES_URL"), ("kafka", "EVENTS_BOOTSTRAP_SERVERS")]
)
def test_a_missing_address_is_named(transport: str, field: str) -> None:
    with pytest.raises(TransportSettingsError) as refusal:
        open_transport(TransportSettings(transport=transport))  # type: ignore[arg-type]
    assert refusal.value.field_errors[0].field == field


def test_security_becomes_client_options_and_stays_out_of_logs() -> None:
    security = KafkaSecurity(protocol="SASL_SSL", username="ticketing", password="open sesame")
    options = security.client_options()
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["ssl_context"].check_hostname
    assert "open sesame" not in repr(security)
    assert KafkaSecurity().client_options() == {"security_protocol": "PLAINTEXT"}
