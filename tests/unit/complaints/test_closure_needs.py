"""What each outcome needs before closure, as a table of its own."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.complaints.domain.closure_needs import ERRORS, Need, missing_needs, needs, refuse_closure
from services.complaints.domain.findings import CorrectiveAction, Decision, RootCause
from services.complaints.domain.outcomes import Channel, Outcome, Severity
from shared.kernel.errors import ConflictError

AT = datetime(2026, 3, 2, tzinfo=UTC)
DECISION = Decision(
    outcome=Outcome.UPHELD,
    cause_code="privacy",
    explanation="…",
    recurring=False,
    decided_at=AT,
    decided_by="agent-1",
    message_id=UUID(int=1),
)
CAUSE = RootCause("privacy", "…", AT, "agent-1")
ACTION = CorrectiveAction("mend", "prevent", AT, "agent-1")
FULL = {Need.ROOT_CAUSE, Need.CORRECTIVE_ACTION, Need.PREVENTIVE_ACTION, Need.VERIFIED_ACTION}


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.UPHELD, {Need.DELIVERY, Need.CUSTOMER_ASKED}),
        (Outcome.PARTLY_UPHELD, {Need.DELIVERY, Need.CUSTOMER_ASKED}),
        (Outcome.NOT_UPHELD, {Need.DELIVERY, Need.CUSTOMER_ASKED}),
        (Outcome.OUT_OF_REMIT, {Need.DELIVERY}),
        (Outcome.WITHDRAWN, {Need.SETTLED_CONFIRMATION}),
        (Outcome.UNREACHABLE, {Need.CONTACT_ATTEMPTS, Need.SETTLED_CONFIRMATION}),
    ],
)
def test_minor_and_new_needs_only_what_its_outcome_declares(outcome: Outcome, expected: set[Need]) -> None:
    assert set(needs(outcome, Severity.MINOR, recurring=False)) == expected


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize(
    ("severity", "recurring"),
    [
        (Severity.SERIOUS, False),
        (Severity.CRITICAL, False),
        (Severity.MINOR, True),
        (Severity.CRITICAL, True),
    ],
)
def test_analysis_is_needed_when_fault_was_found_and_it_is_serious_or_recurring(
    outcome: Outcome, severity: Severity, recurring: bool
) -> None:
    found_fault = outcome in (Outcome.UPHELD, Outcome.PARTLY_UPHELD)
    assert (set(needs(outcome, severity, recurring)) >= FULL) is found_fault


def missing(
    decision: Decision, *, cause: RootCause | None = CAUSE, action: CorrectiveAction | None = None
) -> list[Need]:
    return list(
        missing_needs(decision, Severity.SERIOUS, root_cause=cause, action=action, attempts_suffice=False)
    )


def test_each_step_removes_the_need_that_it_meets() -> None:
    assert missing(DECISION, cause=None) == [Need.DELIVERY, Need.CUSTOMER_ASKED, *needs_of_analysis()]
    delivered = replace(DECISION, delivered_at=AT, delivered_channel=Channel.EMAIL)
    assert missing(delivered) == [
        Need.CUSTOMER_ASKED,
        Need.CORRECTIVE_ACTION,
        Need.PREVENTIVE_ACTION,
        Need.VERIFIED_ACTION,
    ]
    asked = replace(delivered, customer_asked_at=AT)
    assert missing(asked, action=replace(ACTION, preventive=None)) == [
        Need.PREVENTIVE_ACTION,
        Need.VERIFIED_ACTION,
    ]
    assert missing(asked, action=ACTION) == [Need.VERIFIED_ACTION]
    assert missing(asked, action=replace(ACTION, verified_at=AT)) == []


def needs_of_analysis() -> list[Need]:
    return [Need.ROOT_CAUSE, Need.CORRECTIVE_ACTION, Need.PREVENTIVE_ACTION, Need.VERIFIED_ACTION]


@pytest.mark.parametrize(
    "settled",
    [{"message_id": None}, {"delivered_at": AT}, {"delivery_failed_at": AT}],
    ids=["no way to send", "delivered", "given up"],
)
def test_withdrawal_closes_once_its_confirmation_is_settled(settled: dict[str, object]) -> None:
    withdrawn = replace(DECISION, outcome=Outcome.WITHDRAWN)
    assert missing(withdrawn) == [Need.SETTLED_CONFIRMATION]
    assert missing(replace(withdrawn, **settled)) == []  # type: ignore[arg-type]


def test_a_failed_mail_does_not_count_as_delivery_of_a_finding() -> None:
    assert Need.DELIVERY in missing(replace(DECISION, delivery_failed_at=AT))


@pytest.mark.parametrize("need", Need)
def test_every_need_has_an_error_that_names_it_and_the_way_out(need: Need) -> None:
    error: type[ConflictError] = ERRORS[need]
    assert error.code.startswith("complaint_closure_needs_")
    with pytest.raises(error) as raised:
        refuse_closure((need, Need.DELIVERY))
    assert raised.value.members["missing"] == [need.value, "delivery"]
