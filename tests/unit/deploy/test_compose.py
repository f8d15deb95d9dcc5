"""The compose file without an engine: by its schema, by the stack's own settings, and by what it must not do."""

import importlib.util
import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from careloop.infrastructure.gateway import gateway_environment
from careloop.infrastructure.kafka import DEFAULT_PARTITIONS
from careloop.infrastructure.kafka_properties import RETENTION_HOURS
from careloop.infrastructure.postgres import SETTINGS as POSTGRES_SETTINGS
from careloop.infrastructure.service_process import ROLES, service_environment
from careloop.registry import SERVICES, composition

DEPLOY = Path(__file__).parents[3] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
PROCESSES = [f"{service}-{role}" for service in SERVICES for role in ROLES]
ONCE = {"access", "migrate", "keys", "token", "documents"}
OURS = {*PROCESSES, *ONCE} - {"access"}
OFFICIAL = {"postgres:18", "apache/kafka:4.3.1", "caddy:2"}

# What a cluster has and one machine has not.
CLUSTER_ONLY = {
    "KAFKA_SECURITY_PROTOCOL",
    "KAFKA_SASL_MECHANISM",
    "KAFKA_USERNAME",
    "KAFKA_PASSWORD",
    "ALLOW_PLAINTEXT_NETWORK",
    "RATE_LIMIT_PER_PRINCIPAL",
    "RATE_LIMIT_PER_ADDRESS",
}
MAIL_ONLY = {"MAIL", "MAIL_FROM", "SMTP_HOST", "SMTP_ALLOWED_HOSTS"}
PRODUCTION = {
    "ENVIRONMENT": "production",
    "ISSUER": "https://login.example.com",
    "JWKS": "https://login.example.com/.well-known/jwks.json",
    "COMPLAINTS_MAIL": "smtp",
    "COMPLAINTS_SMTP_HOST": "smtp.example.com",
}
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


def interpolated(text: str, given: dict[str, str]) -> str:
    """As compose does it; a variable that must be given and is not becomes `secret`."""

    def value(found: re.Match[str]) -> str:
        if found["name"] in given:
            return given[found["name"]]
        return found["rest"] if found["kind"] == "-" else "secret"

    return VARIABLE.sub(value, text)


def environment(container: str, **given: str) -> dict[str, str]:
    return {
        name: interpolated(str(text), given) for name, text in CONTAINERS[container]["environment"].items()
    }


def the_stacks_variables(service: str) -> dict[str, str]:
    return service_environment(
        service, database_url="-", kafka_bootstrap_servers="-", jwks="-", host="-", port=1
    )


def test_it_follows_the_compose_specification() -> None:
    package = importlib.util.find_spec("check_jsonschema")
    if package is None or package.origin is None:
        reason = "check-jsonschema, which ships the compose specification's schema, is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    file = Path(package.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(file.read_text())

    validator = jsonschema.validators.validator_for(schema)(schema)

    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(COMPOSE)] == []


def test_it_runs_every_process_of_the_stack() -> None:
    assert set(CONTAINERS) == {*PROCESSES, *ONCE, "postgres", "kafka", "gateway"}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("role", ROLES)
def test_a_process_gets_the_variables_that_the_stack_sets(service: str, role: str) -> None:
    prefix = f"{service.upper()}_"
    found = environment(f"{service}-{role}")
    expected = {*the_stacks_variables(service), *(prefix + name for name in CLUSTER_ONLY)}
    if service == "complaints":
        expected |= {prefix + name for name in MAIL_ONLY}

    assert set(found) == expected
    assert CONTAINERS[f"{service}-{role}"]["command"] == ["serve", service, "--role", role]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("given", [{}, PRODUCTION], ids=["development", "production"])
def test_a_service_accepts_these_settings(
    service: str, given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(f"{service}-worker", **given).items():
        monkeypatch.setenv(name, value)

    settings = composition(service).Settings()

    assert settings.environment == given.get("ENVIRONMENT", "development")
    assert settings.kafka_security_protocol == "SASL_PLAINTEXT"
    assert settings.kafka_username == service
    assert settings.database_url == f"postgresql://{service}:secret@postgres:5432/{service}"
    assert settings.port == 8000


def test_migrations_see_every_database() -> None:
    urls = {name for name in environment("migrate") if name.endswith("_DATABASE_URL")}

    assert urls == {f"{service.upper()}_DATABASE_URL" for service in SERVICES}


def test_the_gateway_gets_the_variables_that_the_stack_sets() -> None:
    expected = gateway_environment(
        address="https://care.example.com",
        upstreams={service: ["a:1"] for service in SERVICES},
        documents_dir=Path("/srv/documents"),
        issuer_dir=Path("/srv/jwks"),
        tls="files",
        certificate=Path("/c"),
        key=Path("/k"),
    )

    assert set(environment("gateway")) == set(expected)


@pytest.mark.parametrize("service", SERVICES)
def test_the_gateway_lists_the_api_processes_by_name(service: str) -> None:
    upstreams = environment("gateway")[f"GATEWAY_{service.upper()}_UPSTREAMS"].split()

    assert upstreams == [f"{COMPOSE['name']}-{service}-api-{number}:8000" for number in range(1, 5)]
    for role in ROLES:
        replicas = interpolated(CONTAINERS[f"{service}-{role}"]["deploy"]["replicas"], {})
        assert 1 < int(replicas) <= len(upstreams)


def test_the_gateway_runs_the_stacks_own_caddyfile() -> None:
    mounts = [mount for mount in CONTAINERS["gateway"]["volumes"] if "/etc/caddy/Caddyfile" in mount]

    source = (DEPLOY / mounts[0].split(":")[0]).resolve()
    assert source == (DEPLOY / "gateway" / "Caddyfile").resolve()
    assert source.name == "Caddyfile"
    assert source.is_file()


def test_servers_are_set_up_as_in_the_stack() -> None:
    database = dict(
        option.removeprefix("--").split("=") for option in CONTAINERS["postgres"]["command"] if "=" in option
    )
    of_one_machine = {"listen_addresses", "unix_socket_directories", "wal_level", "max_wal_senders"}
    defaults = {"password_encryption", "log_checkpoints"}
    assert set(database) == set(POSTGRES_SETTINGS) - of_one_machine - defaults
    for name in set(database) - {"max_connections"}:
        assert database[name] == POSTGRES_SETTINGS[name]
    assert "--locale-provider=libc --locale=C.UTF-8" in environment("postgres")["POSTGRES_INITDB_ARGS"]

    broker = dict(
        line.split("=", 1)
        for line in (DEPLOY / "kafka" / "server.properties").read_text().splitlines()
        if line and not line.startswith("#")
    )
    assert int(broker["log.retention.hours"]) == RETENTION_HOURS
    assert int(environment("access")["PARTITIONS"]) == DEFAULT_PARTITIONS


def test_pools_of_all_processes_fit_the_database() -> None:
    option = next(one for one in CONTAINERS["postgres"]["command"] if "max_connections" in one)
    connections = int(interpolated(option, {}).partition("=")[2])
    pool: int = composition("ticketing").Settings.model_fields["pool_max_size"].default
    processes = sum(int(interpolated(CONTAINERS[name]["deploy"]["replicas"], {})) for name in PROCESSES)

    assert processes * pool < connections


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_has_no_more_rights_than_it_needs(name: str) -> None:
    container = CONTAINERS[name]
    user, _, group = container["user"].partition(":")

    assert int(user) > 0
    assert int(group) > 0
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "gateway" else [])
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in container
    limits = container["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= set(limits)
    assert bool(container.get("ports")) == (name == "gateway")
    assert (container["image"] in OFFICIAL) == (name not in OURS)


@pytest.mark.parametrize("name", sorted(set(CONTAINERS) - ONCE))
def test_what_stays_up_is_watched_and_stops_in_good_order(name: str) -> None:
    container = CONTAINERS[name]

    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(container["healthcheck"])
    assert container["restart"] == "unless-stopped"
    assert container["stop_grace_period"]


def test_database_and_broker_are_out_of_reach_from_outside() -> None:
    assert COMPOSE["networks"]["data"]["internal"] is True
    for name in ("postgres", "kafka", "access", "migrate"):
        assert CONTAINERS[name]["networks"] == ["data"]
    assert "data" not in CONTAINERS["gateway"]["networks"]
    assert CONTAINERS["gateway"]["ports"] == ["${GATEWAY_PUBLISH:-127.0.0.1:8080}:8080"]


def test_no_secret_is_written_down() -> None:
    for name, container in CONTAINERS.items():
        for variable, text in container.get("environment", {}).items():
            if variable.endswith(("_PASSWORD", "_DATABASE_URL")):
                assert VARIABLE.search(str(text)), f"{name} {variable}"
    assert not re.search(r"PASSWORD=.", (DEPLOY / "env.example").read_text())


def test_the_key_of_the_development_issuer_is_in_no_services_reach() -> None:
    holders = {
        name
        for name, one in CONTAINERS.items()
        if any("issuer:" in mount for mount in one.get("volumes", []))
    }

    assert holders == {"keys", "token"}


def test_make_env_gives_every_variable_that_must_be_given(tmp_path: Path) -> None:
    for name in ("make-env.sh", "env.example"):
        (tmp_path / name).write_bytes((DEPLOY / name).read_bytes())
    command = ["bash", str(tmp_path / "make-env.sh")]
    subprocess.run(command, check=True, capture_output=True)
    written = tmp_path / ".env"
    first = written.read_text()
    subprocess.run(command, check=True, capture_output=True)

    text = (DEPLOY / "docker-compose.yml").read_text()
    required = {found["name"] for found in VARIABLE.finditer(text) if found["kind"] == "?"}
    given = dict(line.split("=", 1) for line in first.splitlines() if line and not line.startswith("#"))
    assert set(given) == required
    assert all(len(value) >= 22 for value in given.values())
    assert len(set(given.values())) == len(given)
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert written.read_text() == first


def test_the_image_is_built_from_the_lock_and_runs_as_nobody_in_particular() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()

    bases = [line.split()[1] for line in lines if line.startswith("FROM")]
    assert bases == ["python:3.11-slim"] * 2
    assert any("--require-hashes -r requirements/service.txt" in line for line in lines)
    assert "USER 10001:10001" in lines
    assert 'ENTRYPOINT ["careloop"]' in lines
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY") and "--from" not in line]
    assert all(f"!{source}" in kept for source in copied)
