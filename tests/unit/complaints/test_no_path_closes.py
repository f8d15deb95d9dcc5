"""No path closes a complaint without what its outcome needs: every subset of the steps, walked to closure.

The oracle below is written apart from the domain's table of needs, as the requirements have it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import pytest

from services.complaints.domain.complaint import Complaint
from services.complaints.domain.complaint_status import Status
from services.complaints.domain.errors import ContactAttemptsMissingError
from services.complaints.domain.findings import Decision
from services.complaints.domain.outcomes import Channel, Language, Outcome, Severity
from services.complaints.domain.policy import ComplaintPolicy
from shared.kernel.errors import CareloopError

NOW = datetime(2026, 3, 2, tzinfo=UTC)
POLICY = ComplaintPolicy()
STEPS = (
    "analysed",
    "acted",
    "prevented",
    "verified",
    "tried",
    "has_message",
    "handed_over",
    "asked",
    "mail_failed",
    "reached_later",
)


def may_close(outcome: Outcome, severity: Severity, recurring: bool, done: set[str]) -> bool:
    """As the requirements say it (C2, C3)."""
    delivered = "handed_over" in done
    settled = "has_message" not in done or delivered or "mail_failed" in done
    if outcome in ("upheld", "partly_upheld") and (severity != "minor" or recurring):
        analysis = {"analysed", "acted", "prevented", "verified"} <= done
    else:
        analysis = True
    return {
        Outcome.UPHELD: delivered and "asked" in done and analysis,
        Outcome.PARTLY_UPHELD: delivered and "asked" in done and analysis,
        Outcome.NOT_UPHELD: delivered and "asked" in done,
        Outcome.OUT_OF_REMIT: delivered,
        Outcome.WITHDRAWN: settled,
        Outcome.UNREACHABLE: settled and "tried" in done and "reached_later" not in done,
    }[outcome]


def quietly(step: Callable[[], None]) -> None:
    try:
        step()
    except CareloopError:
        return


def walk(outcome: Outcome, severity: Severity, recurring: bool, done: set[str]) -> Complaint:
    case = Complaint(
        id=UUID(int=7),
        number="C-000001",
        external_number=None,
        customer_id=UUID(int=1),
        ticket_id=None,
        follows_complaint_id=None,
        channel=Channel.PHONE,
        category=None,
        severity=severity,
        description="…",
        language=Language.ENGLISH,
        received_at=NOW,
    )
    case.receive()
    case.assign("agent-1", None, NOW)
    message_id = UUID(int=3)
    if "analysed" in done:
        case.record_root_cause("privacy", "…", "agent-1", NOW)
    if "acted" in done:
        preventive = "…" if "prevented" in done else None
        quietly(lambda: case.record_corrective_action("…", preventive, "agent-1", NOW))
    if "verified" in done:
        quietly(lambda: case.verify_corrective_action("…", "agent-2", NOW))
    if "tried" in done:
        for channel in (Channel.PHONE, Channel.SMS, Channel.PHONE):
            case.record_contact_attempt(channel, False, None, NOW)
    decision = Decision(
        outcome, "privacy", "…", recurring, NOW, "agent-1", message_id if "has_message" in done else None
    )
    if outcome is Outcome.WITHDRAWN:
        case.withdraw(decision, None)
    else:
        case.decide(decision, POLICY)
    if "mail_failed" in done:
        case.record_delivery_failure(message_id, 8, NOW)
    if "handed_over" in done:
        case.record_delivery(message_id, Channel.LETTER, asked="asked" in done, at=NOW)
    if "reached_later" in done:
        case.record_contact_attempt(Channel.PHONE, True, None, NOW)
    return case


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("recurring", [False, True], ids=["first", "recurring"])
def test_every_subset_of_steps_closes_exactly_when_the_requirements_allow(
    outcome: Outcome, severity: Severity, recurring: bool
) -> None:
    for taken in product([False, True], repeat=len(STEPS)):
        done = {step for step, is_taken in zip(STEPS, taken, strict=True) if is_taken}
        if outcome is Outcome.UNREACHABLE and "tried" not in done:
            with pytest.raises(ContactAttemptsMissingError):
                walk(outcome, severity, recurring, done)
            continue
        case = walk(outcome, severity, recurring, done)
        allowed = may_close(outcome, severity, recurring, done)
        quietly(lambda case=case: case.close(POLICY, NOW))  # type: ignore[misc]
        assert (case.status is Status.CLOSED) is allowed, (done, case.missing_needs(POLICY))
