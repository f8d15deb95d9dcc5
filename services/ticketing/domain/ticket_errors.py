"""What can be wrong with a command on a ticket (工单), one class a condition."""

from shared.kernel.errors import ConflictError, InvalidInputError, NotFoundError, PreconditionFailedError


class TicketNotFoundError(NotFoundError):
    """There is no such ticket, or it is not yours."""


class TicketChangedError(PreconditionFailedError):
    """The ticket has changed since you read it; read it again and retry with its new ETag."""


class TicketResolvedError(ConflictError):
    """The ticket is resolved; reopen it first."""


class TicketClosedError(ConflictError):
    """The ticket is closed; reopen it first."""


class TicketCancelledError(ConflictError):
    """The ticket is cancelled; open a new one."""


class TicketMergedError(ConflictError):
    """The ticket went into another one; use the surviving ticket."""


class TicketWaitingError(ConflictError):
    """The ticket is waiting; resume it first."""


class TicketNotWaitingError(ConflictError):
    """The ticket is not waiting, so there is nothing to resume."""


class TicketAlreadyWaitingError(ConflictError):
    """The ticket is waiting on that side already."""


class TicketNotResolvedError(ConflictError):
    """Only a resolved ticket can be closed; resolve it first."""


class TicketNotFinishedError(ConflictError):
    """Only a resolved or closed ticket can be reopened."""


class WorkAlreadyStartedError(ConflictError):
    """Work on this ticket has started already."""


class TicketAlreadyResolvedError(ConflictError):
    """The ticket is resolved already."""


class TicketAlreadyClosedError(ConflictError):
    """The ticket is closed already."""


class TicketAlreadyCancelledError(ConflictError):
    """The ticket is cancelled already."""


class TicketAlreadyMergedError(ConflictError):
    """The ticket was merged already."""


class EscalationLevelNotHigherError(ConflictError):
    """An escalation raises the level; give one above the ticket's present level."""


class HighestEscalationLevelError(ConflictError):
    """The ticket is at the highest escalation level."""


class MergeIntoItselfError(InvalidInputError):
    """A ticket cannot be merged into itself."""


class SurvivingTicketNotFoundError(InvalidInputError):
    """The ticket to merge into does not exist."""


class FollowUpNotRequestedError(ConflictError):
    """The customer is asked after closure (回访); this ticket has no open follow-up."""


class FollowUpAlreadyRecordedError(ConflictError):
    """The answer to this follow-up is recorded already."""


class FollowUpAnswerMissingError(InvalidInputError):
    """A follow-up needs a CSAT (1–5), an NPS (0–10), or both."""


class CommitmentInThePastError(InvalidInputError):
    """A date can only be promised while it lies ahead."""


class CommitmentReasonMissingError(InvalidInputError):
    """Moving a promised date needs a reason; the first promise does not."""
