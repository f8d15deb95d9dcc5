"""The OpenAPI documents of the services and the merged one, from the applications themselves."""

import json
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from careloop.issuer import jwks_path
from careloop.registry import SERVICES, composition
from shared.events.consumer import Consumer
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SystemClock
from shared.operations.service import Service
from shared.web.openapi import merge_documents

# Composing connects to nothing, so any address will do.
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def compose_all() -> dict[str, Service]:
    """Every service, composed but not opened."""
    services = {}
    with TemporaryDirectory() as folder:
        for name in SERVICES:
            composed = composition(name)
            settings = composed.Settings(
                database_url=NOWHERE,
                events_database_url=NOWHERE,
                jwks=str(jwks_path(Path(folder))),
            )
            services[name] = composed.build(
                settings, clock=SystemClock(), transport=PostgresTransport(NOWHERE)
            )
    return services


def openapi_files() -> dict[str, str]:
    """Path below docs/ → text."""
    documents = {name: service.app.openapi() for name, service in compose_all().items()}
    files = {f"openapi/{name}.json": _text(document) for name, document in documents.items()}
    files["openapi/openapi.json"] = _text(merge_documents(documents))
    return files


def consumers_of() -> dict[str, list[str]]:
    """Event type → the services that subscribe to it."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, service in compose_all().items():
        for loop in service.loops:
            for contract in loop.contracts if isinstance(loop, Consumer) else ():
                found[contract.TYPE].append(name)
    return dict(found)


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=False) + "\n"
