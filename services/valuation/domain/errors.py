"""What can be wrong with a customer, a transaction, a rule or an import: each condition has a name."""

from typing import ClassVar

from shared.kernel.errors import ConflictError, InvalidInputError, NotFoundError


class CustomerNotFoundError(NotFoundError):
    """There is no such customer."""


class TransactionNotFoundError(NotFoundError):
    """There is no such transaction."""


class TransactionImportNotFoundError(NotFoundError):
    """There is no such import."""


class TierRulesNotFoundError(NotFoundError):
    """There is no such version of the tier rules."""


class MarginRateNotFoundError(NotFoundError):
    """No rate was set for this product kind; the default rate holds."""


class CustomerExternalIdTakenError(ConflictError):
    """Another customer already has this external id."""


class UnknownCustomerError(InvalidInputError):
    """No customer has this id; register the customer first, or import with register_customers=true."""


class CustomerNotNamedOnceError(InvalidInputError):
    """A transaction names its customer by id or by external id: by one of them, not by both."""


class AmountOutOfRangeError(InvalidInputError):
    """An amount is a whole number of minor units from 0 to the ledger's maximum; give money back by a refund."""


class MarginOutOfRangeError(InvalidInputError):
    """The margin cannot exceed the amount, nor lose more than the ledger's maximum."""


class OccurredAtOutOfRangeError(InvalidInputError):
    """A transaction happens after the ledger's first day and not in the future."""


class CorrectedTransactionMissingError(InvalidInputError):
    """A refund or correction names the purchase that it corrects; a purchase names none."""


class CorrectedTransactionUnknownError(InvalidInputError):
    """The purchase that this refund or correction names is not in the ledger; book it first."""


class NotAPurchaseError(InvalidInputError):
    """Only a purchase of the same customer can be refunded or corrected."""


class RefundExceedsPurchaseError(ConflictError):
    """The refunds of a purchase cannot exceed its amount."""


class TransactionDiffersError(ConflictError):
    """This external id is already in the ledger with other content; correct it by a transaction of its own."""


class LedgerRaceError(ConflictError):
    """Another request wrote the same external id at the same moment; try again."""


class ThresholdsOutOfOrderError(InvalidInputError):
    """Tiers are listed from the floor up: the first starts at 0, each next one higher."""


class TierRulesBackdatedError(InvalidInputError):
    """Tier rules take effect now or later, and not before the rules already planned."""


class ImportFormatUnsupportedError(InvalidInputError):
    """An import is text/csv or application/x-ndjson."""

    status: ClassVar[int] = 415


class ImportHeaderInvalidError(InvalidInputError):
    """The first line of a CSV import names its columns."""


class ImportInterruptedError(InvalidInputError):
    """The body ended before all of it was received; nothing of it was booked, send it again."""

    status: ClassVar[int] = 400
