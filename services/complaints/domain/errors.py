"""What the rules of complaints refuse, each with what to do next."""

from shared.kernel.errors import ConflictError, InvalidInputError, NotFoundError


class ComplaintNotFoundError(NotFoundError):
    """There is no such complaint."""


class MessageNotFoundError(NotFoundError):
    """This complaint has no such message."""


class ComplaintNeedsOwnerError(ConflictError):
    """Nobody owns this complaint yet; assign it to a person first (POST …/assignment)."""


class ComplaintNotWaitingError(ConflictError):
    """The complaint does not wait for anybody; there is nothing to resume."""


class ComplaintAlreadyWaitingError(ConflictError):
    """The complaint waits already; resume it first if it now waits for somebody else."""


class ComplaintNotDecidedError(ConflictError):
    """The complaint has no outcome yet; decide it first (POST …/decision)."""


class ComplaintAlreadyDecidedError(ConflictError):
    """The complaint is decided; reopen it to work on it again (POST …/reopening)."""


class ComplaintAlreadyOpenError(ConflictError):
    """The complaint is being worked on; only a decided or closed one can be reopened."""


class ComplaintClosedError(ConflictError):
    """The complaint is closed; reopen it within the policy's time, or file a new one that follows it."""


class ReopeningPeriodOverError(ConflictError):
    """The time to reopen is over; file a new complaint with follows_complaint_id set to this one."""


class CauseCodeContradictsError(ConflictError):
    """Root cause and decision name different cause codes; correct the one that is wrong first."""


class CorrectiveActionMissingError(ConflictError):
    """There is no corrective action to verify; record it first (POST …/corrective-action)."""


class RootCauseMissingError(ConflictError):
    """A corrective action follows from a cause; record the root cause first (POST …/root-cause)."""


class CorrectiveActionVerifiedByItsAuthorError(ConflictError):
    """Whoever recorded the corrective action cannot verify it; let somebody else check that it works."""


class ContactAttemptsMissingError(ConflictError):
    """Unreachable needs unanswered attempts on more than one channel; record them (POST …/contact-attempts)."""


class DecisionAlreadyDeliveredError(ConflictError):
    """The decision was delivered already and the customer was asked; go on to closure."""


class CustomerNotAskedError(ConflictError):
    """The customer was not asked yet; deliver the decision first (POST …/deliveries)."""


class NoAddressForMailError(ConflictError):
    """No e-mail address was given at intake; reach the customer another way and record that."""


class ComplaintClosureNeedsDeliveryError(ConflictError):
    """The decision has not reached the customer; wait for the mail or hand it over (POST …/deliveries)."""


class ComplaintClosureNeedsCustomerAskedError(ConflictError):
    """Nobody asked whether the customer is satisfied; ask and record it (POST …/deliveries)."""


class ComplaintClosureNeedsSettledConfirmationError(ConflictError):
    """The confirmation is still on its way; wait until it is delivered or given up, or hand it over."""


class ComplaintClosureNeedsContactAttemptsError(ConflictError):
    """Unreachable stands on recorded attempts on more than one channel; reopen and record them."""


class ComplaintClosureNeedsRootCauseError(ConflictError):
    """An upheld complaint that is serious or recurring needs its root cause (POST …/root-cause)."""


class ComplaintClosureNeedsCorrectiveActionError(ConflictError):
    """An upheld complaint that is serious or recurring needs its corrective action (POST …/corrective-action)."""


class ComplaintClosureNeedsPreventiveActionError(ConflictError):
    """What keeps it from happening again is missing; record it (POST …/corrective-action with `preventive`)."""


class ComplaintClosureNeedsVerifiedActionError(ConflictError):
    """Nobody checked that the corrective action works (POST …/corrective-action/verification)."""


class UnknownCauseCodeError(InvalidInputError):
    """The cause code is not in the catalogue; GET /complaints/v1/cause-codes lists it."""


class InvalidContactError(InvalidInputError):
    """The contact cannot be used as given."""


class FollowedComplaintError(InvalidInputError):
    """A new complaint can only follow one of the same customer."""
