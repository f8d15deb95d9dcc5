"""What each outcome needs before its complaint may close (闭环): one table, read by closure and by people."""

from collections.abc import Mapping
from enum import StrEnum

from services.complaints.domain import errors
from services.complaints.domain.findings import CorrectiveAction, Decision, RootCause
from services.complaints.domain.outcomes import Outcome, Severity
from shared.kernel.errors import ConflictError


class Need(StrEnum):
    """Something that must be on record."""

    DELIVERY = "delivery"
    CUSTOMER_ASKED = "customer_asked"
    SETTLED_CONFIRMATION = "settled_confirmation"
    CONTACT_ATTEMPTS = "contact_attempts"
    ROOT_CAUSE = "root_cause"
    CORRECTIVE_ACTION = "corrective_action"
    PREVENTIVE_ACTION = "preventive_action"
    VERIFIED_ACTION = "verified_action"


# In the order in which people are told of them.
OUTCOME_NEEDS: Mapping[Outcome, tuple[Need, ...]] = {
    Outcome.UPHELD: (Need.DELIVERY, Need.CUSTOMER_ASKED),
    Outcome.PARTLY_UPHELD: (Need.DELIVERY, Need.CUSTOMER_ASKED),
    Outcome.NOT_UPHELD: (Need.DELIVERY, Need.CUSTOMER_ASKED),
    # They were told where else to turn; how satisfied they are with us is not the question.
    Outcome.OUT_OF_REMIT: (Need.DELIVERY,),
    # Nothing is owed but a confirmation; a mail that cannot be delivered must not keep the case open.
    Outcome.WITHDRAWN: (Need.SETTLED_CONFIRMATION,),
    Outcome.UNREACHABLE: (Need.CONTACT_ATTEMPTS, Need.SETTLED_CONFIRMATION),
}

# Beside the above, when fault was found and the case is serious, critical or recurring.
ANALYSIS_NEEDS: tuple[Need, ...] = (
    Need.ROOT_CAUSE,
    Need.CORRECTIVE_ACTION,
    Need.PREVENTIVE_ACTION,
    Need.VERIFIED_ACTION,
)

ERRORS: Mapping[Need, type[ConflictError]] = {
    Need.DELIVERY: errors.ComplaintClosureNeedsDeliveryError,
    Need.CUSTOMER_ASKED: errors.ComplaintClosureNeedsCustomerAskedError,
    Need.SETTLED_CONFIRMATION: errors.ComplaintClosureNeedsSettledConfirmationError,
    Need.CONTACT_ATTEMPTS: errors.ComplaintClosureNeedsContactAttemptsError,
    Need.ROOT_CAUSE: errors.ComplaintClosureNeedsRootCauseError,
    Need.CORRECTIVE_ACTION: errors.ComplaintClosureNeedsCorrectiveActionError,
    Need.PREVENTIVE_ACTION: errors.ComplaintClosureNeedsPreventiveActionError,
    Need.VERIFIED_ACTION: errors.ComplaintClosureNeedsVerifiedActionError,
}


def needs_analysis(outcome: Outcome, severity: Severity, recurring: bool) -> bool:
    """Whether root cause and verified action are needed: fault found, and serious, critical or recurring."""
    return outcome.finds_fault and (severity is not Severity.MINOR or recurring)


def needs(outcome: Outcome, severity: Severity, recurring: bool) -> tuple[Need, ...]:
    """All that this ending needs, in the order in which people are told of it."""
    extra = ANALYSIS_NEEDS if needs_analysis(outcome, severity, recurring) else ()
    return OUTCOME_NEEDS[outcome] + extra


def missing_needs(
    decision: Decision,
    severity: Severity,
    *,
    root_cause: RootCause | None,
    action: CorrectiveAction | None,
    attempts_suffice: bool,
) -> tuple[Need, ...]:
    """What is still missing for closure; empty when it may close."""
    met = {
        Need.DELIVERY: decision.delivered_at is not None,
        Need.CUSTOMER_ASKED: decision.customer_asked_at is not None,
        Need.SETTLED_CONFIRMATION: is_settled(decision),
        Need.CONTACT_ATTEMPTS: attempts_suffice,
        Need.ROOT_CAUSE: root_cause is not None,
        Need.CORRECTIVE_ACTION: action is not None,
        Need.PREVENTIVE_ACTION: action is not None and action.preventive is not None,
        Need.VERIFIED_ACTION: action is not None and action.verified_at is not None,
    }
    return tuple(need for need in needs(decision.outcome, severity, decision.recurring) if not met[need])


def is_settled(decision: Decision) -> bool:
    """Nothing of the confirmation is under way: it arrived, was given up, or there was no way to send one."""
    return (
        decision.message_id is None
        or decision.delivered_at is not None
        or decision.delivery_failed_at is not None
    )


def refuse_closure(missing: tuple[Need, ...]) -> None:
    """Raises the named error of the first missing need; the problem lists all of them."""
    if missing:
        raise ERRORS[missing[0]](missing=[need.value for need in missing])
