"""The metrics and what starts, stops and pauses each of them unless a policy says otherwise (sla.md §2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.sla.domain.ledger import EntryKind


class SubjectKind(StrEnum):
    """What a clock can be on."""

    TICKET = "ticket"
    COMPLAINT = "complaint"
    EXTERNAL = "external"
    """Something of another system, which says over the API what happens to it."""


class Agreement(StrEnum):
    """Between whom a promise is made."""

    SLA = "sla"
    OLA = "ola"
    UNDERPINNING = "underpinning"
    REGULATORY = "regulatory"


class Metric(StrEnum):
    """What is promised."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    PERIODIC_UPDATE = "periodic_update"
    TIME_TO_OWN = "time_to_own"
    RESOLUTION = "resolution"
    COMMITTED_RESOLUTION = "committed_resolution"
    """CTR: a date that was promised to the customer, and is only measured here."""
    ACKNOWLEDGEMENT = "acknowledgement"
    RESPONSE = "response"
    DECISION = "decision"


class PauseCause(StrEnum):
    """States of a subject in which a clock may stand still."""

    WAITING_ON_CUSTOMER = "waiting_on_customer"
    WAITING_ON_THIRD_PARTY = "waiting_on_third_party"


class OnReopen(StrEnum):
    """What an ended clock does when its subject is reopened."""

    CONTINUE = "continue"
    """Goes on with what was left; the time it stood ended does not count."""
    RESTART = "restart"
    """Begins again with the whole target; a miss stays."""
    NEW_CYCLE = "new_cycle"
    """A new promise beside the old one, whose outcome stays."""
    NOTHING = "nothing"
    """Stays ended."""


class OnTierChange(StrEnum):
    """What a clock does when the customer's tier changes after the subject started."""

    KEEP = "keep"
    RETARGET = "retarget"


STARTS = frozenset(
    {
        EntryKind.OPENED,
        EntryKind.ASSIGNED,
        EntryKind.TRANSFERRED,
        EntryKind.WORK_STARTED,
        EntryKind.CUSTOMER_REPLIED,
        EntryKind.REPLIED,
        EntryKind.RESPONDED,
        EntryKind.REOPENED,
        EntryKind.DECIDED,
    }
)
STOPS = frozenset(
    {
        EntryKind.ACKNOWLEDGED,
        EntryKind.ASSIGNED,
        EntryKind.WORK_STARTED,
        EntryKind.REPLIED,
        EntryKind.RESPONDED,
        EntryKind.DECIDED,
        EntryKind.RESOLVED,
        EntryKind.CLOSED,
    }
)
LIVE_CHANNELS = frozenset({"phone", "chat"})


@dataclass(frozen=True, slots=True)
class MetricDefaults:
    """`met_on_live_channel`: on phone and chat the customer is answered by being listened to.
    `repeats`: each start after the end begins a new cycle, as long as the subject is neither resolved nor over.
    """

    subject_kinds: frozenset[SubjectKind]
    starts_on: frozenset[EntryKind]
    stops_on: frozenset[EntryKind]
    pauses_on: frozenset[PauseCause]
    on_reopen: OnReopen
    met_on_live_channel: bool = False
    repeats: bool = False


_EVERY = frozenset(SubjectKind)
_TICKET = frozenset({SubjectKind.TICKET})
_NO_TICKET = frozenset({SubjectKind.COMPLAINT, SubjectKind.EXTERNAL})
_OPENED = frozenset({EntryKind.OPENED})
_NEVER: frozenset[PauseCause] = frozenset()

DEFAULTS: Mapping[Metric, MetricDefaults] = {
    # Resolving counts as answering and as owning: whoever resolved it had taken it and told the customer.
    Metric.FIRST_RESPONSE: MetricDefaults(
        _TICKET,
        _OPENED,
        frozenset({EntryKind.REPLIED, EntryKind.RESOLVED}),
        _NEVER,
        OnReopen.NOTHING,
        met_on_live_channel=True,
    ),
    Metric.NEXT_RESPONSE: MetricDefaults(
        _TICKET,
        frozenset({EntryKind.CUSTOMER_REPLIED}),
        frozenset({EntryKind.REPLIED, EntryKind.RESOLVED}),
        _NEVER,
        OnReopen.CONTINUE,
        repeats=True,
    ),
    Metric.PERIODIC_UPDATE: MetricDefaults(
        _TICKET | {SubjectKind.COMPLAINT},
        frozenset({EntryKind.OPENED, EntryKind.REPLIED, EntryKind.RESPONDED, EntryKind.REOPENED}),
        frozenset({EntryKind.REPLIED, EntryKind.RESPONDED, EntryKind.RESOLVED}),
        frozenset({PauseCause.WAITING_ON_CUSTOMER}),
        OnReopen.CONTINUE,
        repeats=True,
    ),
    Metric.TIME_TO_OWN: MetricDefaults(
        _EVERY,
        _OPENED,
        frozenset({EntryKind.ASSIGNED, EntryKind.WORK_STARTED, EntryKind.RESOLVED, EntryKind.DECIDED}),
        _NEVER,
        OnReopen.NOTHING,
    ),
    Metric.RESOLUTION: MetricDefaults(
        _EVERY,
        _OPENED,
        frozenset({EntryKind.RESOLVED, EntryKind.CLOSED}),
        frozenset({PauseCause.WAITING_ON_CUSTOMER}),
        OnReopen.CONTINUE,
    ),
    # It starts with the promise, which no policy can tell apart from others: no input of `STARTS` is one.
    Metric.COMMITTED_RESOLUTION: MetricDefaults(
        _TICKET,
        frozenset(),
        frozenset({EntryKind.RESOLVED, EntryKind.CLOSED}),
        _NEVER,
        OnReopen.CONTINUE,
    ),
    Metric.ACKNOWLEDGEMENT: MetricDefaults(
        _NO_TICKET,
        _OPENED,
        frozenset({EntryKind.ACKNOWLEDGED, EntryKind.RESPONDED}),
        _NEVER,
        OnReopen.NOTHING,
    ),
    Metric.RESPONSE: MetricDefaults(
        _NO_TICKET, _OPENED, frozenset({EntryKind.RESPONDED}), _NEVER, OnReopen.NOTHING
    ),
    Metric.DECISION: MetricDefaults(
        _NO_TICKET, _OPENED, frozenset({EntryKind.DECIDED}), _NEVER, OnReopen.CONTINUE
    ),
}
