"""From settings to a transport."""

from shared.events.transport.base import Transport
from shared.events.transport.kafka import KafkaSecurity, KafkaTransport
from shared.events.transport.postgres import PostgresTransport
from shared.events.transport.settings import TransportSettings
from shared.kernel.errors import InvalidInputError


class TransportSettingsError(InvalidInputError):
    """The settings of the transport do not name where it is."""


def open_transport(settings: TransportSettings) -> Transport:
    """The transport that the settings name; it connects when first used.

    Raises `TransportSettingsError` when its address is missing.
    """
    if settings.transport == "postgres":
        url = settings.postgres_url.get_secret_value()
        if not url:
            raise TransportSettingsError.of("EVENTS_POSTGRES_URL", "required", "set EVENTS_POSTGRES_URL")
        return PostgresTransport(url)
    if not settings.bootstrap_servers:
        raise TransportSettingsError.of(
            "EVENTS_BOOTSTRAP_SERVERS", "required", "set EVENTS_BOOTSTRAP_SERVERS"
        )
    security = KafkaSecurity(
        protocol=settings.security_protocol,
        mechanism=settings.sasl_mechanism,
        username=settings.sasl_username,
        password=settings.sasl_password.get_secret_value(),
        cafile=settings.ssl_cafile,
    )
    return KafkaTransport(
        settings.bootstrap_servers,
        client_id=settings.client_id,
        partitions=settings.partitions,
        replication_factor=settings.replication_factor,
        security=security,
    )
