"""What the demo replays, whoever recorded or generated it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from shared.kernel.errors import InvalidInputError


class UnreadableHistoryError(InvalidInputError):
    """A file of the demo does not have the columns or values that it should."""


class UnwritableReportError(InvalidInputError):
    """The demo cannot write its report where it was told to."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order. `amount_minor` in cents; `external_id` is unique and stable."""

    external_id: str
    customer: str
    day: date
    units: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LoggedUpdate:
    """One row of an incident's log: what the ticket was after it. None = the log does not know."""

    at: datetime
    state: str
    priority: str
    category: str | None
    group: str | None
    assignee: str | None


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident with its updates in the log's own order; all instants UTC."""

    number: str
    caller: str
    opened_at: datetime
    contact: str
    updates: Sequence[LoggedUpdate]


@dataclass(frozen=True, slots=True)
class LoggedComplaint:
    """One consumer complaint as published: dates without times, and what became of it."""

    number: str
    received_on: date
    submitted_via: str
    product: str
    issue: str
    company_response: str
    timely: bool
    disputed: bool | None
