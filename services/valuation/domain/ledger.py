"""The ledger: purchases, and the refunds and corrections that refer to them.

Rows are append-only. What is left of a purchase after its amendments is its `Net`; recency, frequency,
spend and margin are folds over nets, so the order in which rows arrived cannot matter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.errors import (
    AmountOutOfRangeError,
    CorrectedTransactionMissingError,
    MarginOutOfRangeError,
    OccurredAtOutOfRangeError,
)
from services.valuation.domain.exchange.rates import Exchange, ExchangeRate
from shared.kernel.errors import FieldError

Kind = Literal["purchase", "refund", "correction"]
MarginSource = Literal["given", "rate", "default_rate"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Entry(NamedTuple):
    """What somebody asks to be booked. `amount_minor` is in minor units of `currency` and never negative.

    A refund's amount is what was given back; a correction's amount, instant and margin replace those of
    the purchase it names. `margin_minor` (of `currency`, too) None asks for the rate of the product kind.
    """

    external_id: str
    kind: Kind
    amount_minor: int
    currency: str
    occurred_at: datetime
    product_kind: str | None = None
    margin_minor: int | None = None
    corrects_external_id: str | None = None


class Margin(NamedTuple):
    """Margin in minor units of the ledger's currency with where it came from; `rate` is None when it was given."""

    minor: int
    source: MarginSource
    rate: Decimal | None


class Transaction(NamedTuple):
    """A booked row of the ledger; `corrects_id` is the purchase that a refund or correction refers to.

    exchange  how an amount in another currency was taken in; None for one in the ledger's own
    """

    id: UUID
    customer_id: UUID
    entry: Entry
    margin: Margin
    corrects_id: UUID | None
    recorded_at: datetime
    exchange: Exchange | None = None

    @property
    def ledger_amount_minor(self) -> int:
        """The amount in minor units of the ledger's currency."""
        return self.entry.amount_minor if self.exchange is None else self.exchange.amount_minor


class Net(NamedTuple):
    """What is left of a purchase: amount and margin in minor units of the ledger's currency, and its instant.

    `counts` is False once all of it was refunded: then it is no purchase any more.
    """

    amount_minor: int
    margin_minor: int
    margin_source: MarginSource
    occurred_at: datetime
    counts: bool = True


@dataclass(frozen=True)
class LedgerRules:
    """What a ledger accepts: amounts up to a maximum, instants from the epoch until now.

    It is kept in `currency`; amounts in others are taken in by a rate of exchange.
    """

    currency: str
    calendar: ReviewCalendar
    default_margin_rate: Decimal
    maximum_amount_minor: int = 10**11
    clock_tolerance_seconds: int = 300

    def check(self, entry: Entry, now: datetime) -> None:
        """Raises the named error of the first rule that `entry` breaks."""
        if not 0 <= entry.amount_minor <= self.maximum_amount_minor:
            raise AmountOutOfRangeError(
                f"{entry.amount_minor} is not between 0 and {self.maximum_amount_minor} minor units",
                field_errors=[
                    _field("amount_minor", "range", "Give a non-negative amount; refunds are a kind")
                ],
            )
        if not self.holds(entry.occurred_at, now):
            raise OccurredAtOutOfRangeError(
                f"{entry.occurred_at.isoformat()} is before {EPOCH.date()} or after now ({now.isoformat()})",
                field_errors=[_field("occurred_at", "range", "Give an instant that has happened since 1970")],
            )
        margin = entry.margin_minor
        if margin is not None and not -self.maximum_amount_minor <= margin <= entry.amount_minor:
            raise MarginOutOfRangeError(
                f"a margin of {margin} is impossible on an amount of {entry.amount_minor}",
                field_errors=[_field("margin_minor", "range", "The margin is at most the amount")],
            )
        if (entry.kind == "purchase") != (entry.corrects_external_id is None):
            raise CorrectedTransactionMissingError(
                field_errors=[_field("corrects_external_id", "kind", "For refunds and corrections only")]
            )

    def holds(self, instant: datetime, now: datetime) -> bool:
        """Whether the ledger takes what happened at `instant`."""
        return EPOCH <= instant <= now + timedelta(seconds=self.clock_tolerance_seconds)

    def exchanged(self, entry: Entry, rate: ExchangeRate) -> Exchange:
        """What the amount comes to by `rate`. Raises `AmountOutOfRangeError` above the ledger's maximum."""
        amount = rate.converted(entry.amount_minor, self.currency)
        if amount > self.maximum_amount_minor:
            raise AmountOutOfRangeError(
                f"{amount} minor units of {self.currency} are more than {self.maximum_amount_minor}",
                field_errors=[_field("amount_minor", "range", "Give an amount that the ledger can hold")],
            )
        return Exchange(amount, rate.rate, rate.effective_on, rate.version)

    def margin_of(
        self, entry: Entry, rates: Mapping[str, Decimal], exchange: ExchangeRate | None = None
    ) -> Margin:
        """The given margin, else amount × rate of the product kind, else × the default rate (half to even)."""
        amount, given = entry.amount_minor, entry.margin_minor
        if exchange is not None:
            amount = exchange.converted(amount, self.currency)
            given = None if given is None else exchange.converted(given, self.currency)
        if given is not None:
            return Margin(given, "given", None)
        rate = rates.get(entry.product_kind) if entry.product_kind is not None else None
        if rate is not None:
            return Margin(_rounded(amount * rate), "rate", rate)
        rate = self.default_margin_rate
        return Margin(_rounded(amount * rate), "default_rate", rate)


def net_of(purchase: Transaction, amendments: Iterable[Transaction]) -> Net:
    """`purchase` after its corrections and refunds.

    Of several corrections the one that happened last counts (ties: the greater external id). Refunds add up in
    the purchase's currency and take their share of amount and margin with them, at the purchase's own rate of
    exchange; when they reach the amount the purchase counts no more.
    """
    latest, refunded, refunds = purchase, 0, 0
    for amendment in amendments:
        if amendment.entry.kind == "refund":
            refunded += amendment.entry.amount_minor
            refunds += 1
        elif latest is purchase or _order(amendment) > _order(latest):
            latest = amendment
    gross, amount, margin = latest.entry.amount_minor, latest.ledger_amount_minor, latest.margin.minor
    source, occurred_at = latest.margin.source, latest.entry.occurred_at
    if not refunds:
        return Net(amount, margin, source, occurred_at)
    if refunded >= gross:
        return Net(0, 0, source, occurred_at, counts=False)
    left = gross - refunded
    return Net(_share(amount, left, gross), _share(margin, left, gross), source, occurred_at)


def gross_amount_of(purchase: Transaction, amendments: Iterable[Transaction]) -> int:
    """The amount of `purchase` after its corrections and before its refunds, in minor units of its currency."""
    corrections = [one for one in amendments if one.entry.kind == "correction"]
    return max(corrections, key=_order, default=purchase).entry.amount_minor


class DayValue(NamedTuple):
    """What one customer's purchases of one day come to, net, in minor units."""

    day: date
    amount_minor: int
    margin_minor: int
    purchases: int = 1


def by_day(nets: Iterable[Net], calendar: ReviewCalendar) -> list[DayValue]:
    """The nets that count, summed by local day, oldest first."""
    days: dict[date, DayValue] = {}
    for net in nets:
        if not net.counts:
            continue
        day = calendar.day_of(net.occurred_at)
        before = days.get(day)
        if before is None:
            days[day] = DayValue(day, net.amount_minor, net.margin_minor)
        else:
            days[day] = DayValue(
                day,
                before.amount_minor + net.amount_minor,
                before.margin_minor + net.margin_minor,
                before.purchases + 1,
            )
    return [days[day] for day in sorted(days)]


def _order(transaction: Transaction) -> tuple[datetime, str]:
    return transaction.entry.occurred_at, transaction.entry.external_id


def _share(minor: int, left: int, gross: int) -> int:
    return minor if left == gross else _rounded(Decimal(minor * left) / gross)


def _rounded(minor: Decimal) -> int:
    return int(minor.to_integral_value(ROUND_HALF_EVEN))


def _field(field: str, rule: str, message: str) -> FieldError:
    return FieldError(field, rule, message)
