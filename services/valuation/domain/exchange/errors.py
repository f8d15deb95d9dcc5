"""What can be wrong with a currency."""

from shared.kernel.errors import InvalidInputError, NotFoundError


class ExchangeRateNotFoundError(NotFoundError):
    """No rate of this currency was set for this day."""


class ExchangeRateMissingError(InvalidInputError):
    """No rate of this currency is in force on the transaction's day; set one at /v1/exchange-rates first."""


class LedgerCurrencyHasNoRateError(InvalidInputError):
    """The ledger's own currency needs no rate."""


class AmendmentCurrencyDiffersError(InvalidInputError):
    """A refund or correction is in the currency of the purchase that it names."""
