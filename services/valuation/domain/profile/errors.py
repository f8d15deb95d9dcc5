"""What can be wrong with the people, wishes and dates of an account, and with merging or erasing one."""

from shared.kernel.errors import ConflictError, InvalidInputError, NotFoundError


class PersonNotFoundError(NotFoundError):
    """The account has no such person."""


class ImportantDateNotFoundError(NotFoundError):
    """The account has no such date."""


class PreferencesNotFoundError(NotFoundError):
    """Nobody has said yet how this customer wishes to be treated."""


class ErasureNotFoundError(NotFoundError):
    """This customer was not erased."""


class CustomerMergedError(NotFoundError):
    """This account goes on in another one; `survivor_id` says which."""


class CustomerErasedError(NotFoundError):
    """This customer was erased on request; nothing personal is left to show or to change."""


class TooManyPeopleError(ConflictError):
    """An account has at most 100 people; remove those who have left."""


class PayerAlreadyNamedError(ConflictError):
    """An account has one payer (付款人); take the role from the present one first."""


class TooManyImportantDatesError(ConflictError):
    """An account has at most 100 important dates; remove some that are not needed."""


class UnknownPersonError(InvalidInputError):
    """The account has no such person; add the person first."""


class UnknownPurposeError(InvalidInputError):
    """Consent is given for one of the known purposes; the message lists them."""


class ConsentAtOutOfRangeError(InvalidInputError):
    """Consent was given or withdrawn at an instant that has come, after 1970."""


class ImpossibleDateError(InvalidInputError):
    """No calendar has this date; the message says what is wrong with it."""


class UnknownTimezoneError(InvalidInputError):
    """A time zone is an IANA name, e.g. Asia/Shanghai."""


class MergeWithItselfError(InvalidInputError):
    """An account is merged with another one, not with itself."""


class ErasedCustomerError(InvalidInputError):
    """An erased customer cannot be merged; there is nothing left to bring together."""


class CustomerAlreadyMergedError(ConflictError):
    """This account has been merged already; merge the one that it went into."""


class MergeTooLargeError(ConflictError):
    """The account has more rows than one merge may move; ask an operator to raise the bound."""


class ExportTooLargeError(ConflictError):
    """The customer has more rows in one table than an export may hold; ask an operator to raise the bound."""
