"""The services there are, and how to compose each. Imported only when a command needs a service."""

from importlib import import_module
from typing import Any, Protocol, cast

from shared.db.migrations import History
from shared.events.transport.base import Transport
from shared.kernel.clock import Clock
from shared.kernel.errors import InvalidInputError
from shared.operations.service import Service
from shared.operations.settings import ServiceSettings

SERVICES = ("ticketing", "sla", "valuation", "complaints")
# Systems outside the suite that publish what a service reads, each on a topic of its own.
OUTSIDE_PRODUCERS = ("billing",)
TOPICS = tuple(f"{producer}.events" for producer in (*SERVICES, *OUTSIDE_PRODUCERS))


class UnknownServiceError(InvalidInputError):
    """There is no such service."""


class Composition(Protocol):
    """What each `services/<name>/service.py` offers."""

    HISTORY: History
    Settings: type[ServiceSettings]

    def build(self, settings: Any, *, clock: Clock, transport: Transport) -> Service: ...


def composition(name: str) -> Composition:
    """The service's composition module. Raises `UnknownServiceError`, which names those there are."""
    if name not in SERVICES:
        raise UnknownServiceError.of("service", "known", f"{name!r} is not one of {', '.join(SERVICES)}")
    return cast("Composition", import_module(f"services.{name}.service"))
