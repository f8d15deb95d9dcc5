"""From a service's settings to the transport that they name."""

from shared.events.transport.base import Transport
from shared.events.transport.kafka import KafkaSecurity, KafkaTransport
from shared.events.transport.postgres import PostgresTransport
from shared.operations.settings import ServiceSettings


def open_transport(settings: ServiceSettings, *, client_id: str) -> Transport:
    """The transport; it connects when first used. The settings have checked that its address is there."""
    if settings.transport == "postgres":
        assert settings.events_database_url is not None
        return PostgresTransport(settings.events_database_url)
    assert settings.kafka_bootstrap_servers is not None
    security = KafkaSecurity(
        protocol=settings.kafka_security_protocol,
        mechanism=settings.kafka_sasl_mechanism,
        username=settings.kafka_username or "",
        password=settings.kafka_password.get_secret_value() if settings.kafka_password else "",
        cafile=str(settings.kafka_ca_file) if settings.kafka_ca_file else "",
    )
    return KafkaTransport(settings.kafka_bootstrap_servers, client_id=client_id, security=security)
