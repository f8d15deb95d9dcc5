"""What every published event has in common."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """The payload of one event type. Frozen; consumers ignore fields that they do not know.

    `TYPE` is the CloudEvents type with its version, `DESCRIPTION` one sentence for the catalogue. Payloads
    hold references and facts, never names, addresses or free text of customers.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]

    @classmethod
    def producer(cls) -> str:
        """The service that publishes it: the type's first word."""
        return cls.TYPE.partition(".")[0]

    @classmethod
    def description(cls) -> str:
        """The docstring, for the catalogue."""
        return " ".join((cls.__doc__ or "").split())


def all_contracts() -> Iterator[type[Contract]]:
    """Every published contract, in the order of the modules."""
    from shared.contracts import billing, complaints, sla, ticketing, valuation

    for module in (ticketing, sla, valuation, complaints, billing):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Contract) and "TYPE" in vars(value):
                yield value


def contract_for(event_type: str) -> type[Contract] | None:
    """The contract of a CloudEvents type, or None for one that is unknown here."""
    return _by_type().get(event_type)


_cache: dict[str, type[Contract]] = {}


def _by_type() -> dict[str, type[Contract]]:
    if not _cache:
        _cache.update((contract.TYPE, contract) for contract in all_contracts())
    return _cache
