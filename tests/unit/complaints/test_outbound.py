"""What leaves as events: every domain event, with its own facts, and nothing personal."""

from dataclasses import fields
from typing import Any

import pytest

from services.complaints.domain import events
from services.complaints.messaging.outbound import OUTBOUND
from shared.contracts import complaints as contracts
from shared.contracts.base import Contract
from shared.kernel.aggregates import DomainEvent

DOMAIN = [
    value
    for value in vars(events).values()
    if isinstance(value, type) and issubclass(value, DomainEvent) and value is not DomainEvent
]
CONTRACTS = {
    value.__name__
    for value in vars(contracts).values()
    if isinstance(value, type) and issubclass(value, Contract) and "TYPE" in vars(value)
}


def test_every_domain_event_is_mapped_and_every_contract_is_published() -> None:
    assert set(OUTBOUND) == set(DOMAIN)
    assert {f"{event.__name__}V1" for event in OUTBOUND} == CONTRACTS


@pytest.mark.parametrize("event", DOMAIN, ids=lambda event: event.__name__)
def test_a_contract_carries_exactly_the_facts_of_its_event(event: type[Any]) -> None:
    contract = getattr(contracts, f"{event.__name__}V1")
    facts = {field.name for field in fields(event)} - {field.name for field in fields(DomainEvent)}
    assert set(contract.model_fields) == facts | {"complaint_id"}
