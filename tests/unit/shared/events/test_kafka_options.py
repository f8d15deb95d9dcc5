"""How a Kafka client is told to authenticate."""

from shared.events.transport.kafka_options import KafkaOptions, KafkaSecurity


def test_security_becomes_client_options_and_stays_out_of_logs() -> None:
    security = KafkaSecurity(protocol="SASL_SSL", username="ticketing", password="open sesame")
    options = security.client_options()
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["ssl_context"].check_hostname
    assert "open sesame" not in repr(security)
    assert KafkaSecurity().client_options() == {"security_protocol": "PLAINTEXT"}


def test_every_client_knows_the_address_and_gives_up_in_bounded_time() -> None:
    client = KafkaOptions("one:9092,two:9092", "sla.worker", KafkaSecurity()).client()
    assert (client["bootstrap_servers"], client["client_id"]) == ("one:9092,two:9092", "sla.worker")
    assert client["request_timeout_ms"] == 10_000
