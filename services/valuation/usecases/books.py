"""The books of one batch: what it knows, locked, and what it is going to write.

Opened with the bookings of the batch, written once at its end; in between each booking is decided alone, without a
round trip to the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from services.valuation.domain.errors import (
    CorrectedTransactionUnknownError,
    NotAPurchaseError,
    RefundExceedsPurchaseError,
    TransactionDiffersError,
    UnknownCustomerError,
)
from services.valuation.domain.exchange.errors import (
    AmendmentCurrencyDiffersError,
    ExchangeRateMissingError,
)
from services.valuation.domain.exchange.rates import ExchangeRate
from services.valuation.domain.ledger import Entry, Net, Transaction, gross_amount_of, net_of
from services.valuation.domain.standing import Standing
from services.valuation.domain.tiering.rule_change import RuleBook
from services.valuation.domain.tiers import TierRules
from services.valuation.persistence import (
    customer_scores,
    customers,
    exchange_rates,
    margin_rates,
    standings,
    tier_rules,
    transactions,
)
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.judge_tiers import judge_tiers
from services.valuation.usecases.register_customers import RegisterCustomer, register_all
from shared.db.work import Work
from shared.kernel.errors import CareloopError, FieldError
from shared.kernel.ids import new_id


class Booking(NamedTuple):
    """An entry for one customer, named by id or by external id."""

    entry: Entry
    customer_id: UUID | None = None
    customer_external_id: str | None = None


class Outcome(NamedTuple):
    """`accepted` wrote a row, `repeated` found it there, `rejected` changed nothing and says why."""

    result: Literal["accepted", "repeated", "rejected"]
    transaction: Transaction | None = None
    error: CareloopError | None = None


@dataclass
class Books:
    """Open them with `open`, decide with `book`, write with `close`; all in one transaction.

    ids      for each id that bookings name the account it stands for: of a merged one its survivor
    names    the same for external ids
    added    rows to append, in the order in which they were booked
    amended  purchases whose net changed
    touched  standings that changed, with the command that did it last: what follows from it has its origin
    """

    valuation: Valuation
    rules: RuleBook
    rates: Mapping[str, Decimal]
    exchange: Mapping[tuple[str, date], ExchangeRate]
    ids: Mapping[UUID, UUID]
    names: Mapping[str, UUID]
    standings: dict[UUID, Standing]
    known: dict[str, Transaction]
    amendments: dict[UUID, list[Transaction]]
    added: list[Transaction] = field(default_factory=list)
    amended: dict[UUID, Transaction] = field(default_factory=dict)
    touched: dict[UUID, tuple[Standing, Work]] = field(default_factory=dict)

    @classmethod
    async def open(
        cls, bookings: Sequence[Booking], work: Work, valuation: Valuation, *, register: bool = False
    ) -> "Books":
        """Lock the customers of these bookings and load what deciding on them takes.

        register  unknown external ids become customers
        """
        rules = await tier_rules.in_force(work, work.now)
        ids, names = await _customers(bookings, work, valuation, rules, register=register)
        locked = await standings.lock_many(work, sorted({*ids.values(), *names.values()}))
        if not locked.keys() >= {*ids.values(), *names.values()}:
            # Merged by somebody else between the look and the lock: the second look finds the survivor.
            ids, names = await _customers(bookings, work, valuation, rules, register=register)
            locked |= await standings.lock_many(work, sorted({*ids.values(), *names.values()}))
        corrected = {name for one in bookings if (name := one.entry.corrects_external_id) is not None}
        wanted = {booking.entry.external_id for booking in bookings} | corrected
        known = await transactions.by_external_ids(work, sorted(wanted))
        targets = [known[name].id for name in sorted(corrected) if name in known]
        return cls(
            valuation=valuation,
            rules=await tier_rules.book_of(work, locked.values(), rules),
            rates=await margin_rates.all_rates(work),
            exchange=await exchange_rates.in_force(work, _foreign(bookings, work, valuation)),
            ids=ids,
            names=names,
            standings=locked,
            known=known,
            amendments=await transactions.amendments_of(work, targets),
        )

    def book(self, booking: Booking, work: Work) -> Outcome:
        """Decide on one booking; what it writes is gathered."""
        entry, ledger = booking.entry, self.valuation.ledger
        try:
            ledger.check(entry, work.now)
            standing = self._standing(booking)
            present = self.known.get(entry.external_id)
            if present is not None:
                return _repeated(present, entry, standing.id)
            target = self._target(entry, standing.id)
            rate = self._rate(entry, target)
            transaction = Transaction(
                id=new_id(),
                customer_id=standing.id,
                entry=entry,
                margin=ledger.margin_of(entry, self.rates, rate),
                corrects_id=None if target is None else target.id,
                recorded_at=work.now,
                exchange=None if rate is None else ledger.exchanged(entry, rate),
            )
            if target is not None:
                self._amend(target, transaction)
        except CareloopError as error:
            return Outcome("rejected", error=error)
        self.known[entry.external_id] = transaction
        self.added.append(transaction)
        if standing.id not in self.touched:
            standing.bring_up_to(work.now, self.rules.of(standing.rule_version), ledger)
        self.touched[standing.id] = standing, work
        standing.record(transaction, work.now, ledger)
        work.record(*standing.take_events())
        return Outcome("accepted", transaction)

    async def close(self, work: Work, import_id: UUID | None = None) -> None:
        """Rows first, then what is derived from them, then the tiers, then the events."""
        calendar = self.valuation.ledger.calendar
        fresh = {transaction.id for transaction in self.added}
        await transactions.add_many(work, [(one, self._net(one)) for one in self.added], calendar, import_id)
        stale = {
            purchase_id: net_of(purchase, self.amendments[purchase_id])
            for purchase_id, purchase in self.amended.items()
            if purchase_id not in fresh
        }
        await transactions.save_nets(work, stale, calendar)
        await judge_tiers(
            [standing for standing, _ in self.touched.values()],
            work,
            self.valuation,
            self.rules,
            amended={purchase.customer_id for purchase in self.amended.values()},
            causes={customer_id: cause for customer_id, (_, cause) in self.touched.items()},
        )
        if import_id is None:
            # The many of an import wait for the night; whoever reads a score has it as of now in any case.
            await customer_scores.request(work, sorted(self.touched))

    def _standing(self, booking: Booking) -> Standing:
        by_id = booking.customer_id is not None
        owner = (
            self.names.get(booking.customer_external_id or "")
            if booking.customer_id is None
            else self.ids.get(booking.customer_id)
        )
        standing = None if owner is None else self.standings.get(owner)
        if standing is None:
            field_name = "customer_id" if by_id else "customer_external_id"
            named = booking.customer_id if by_id else booking.customer_external_id
            raise UnknownCustomerError(
                f"there is no customer {named}",
                field_errors=[FieldError(field_name, "exists", "Register the customer first")],
            )
        return standing

    def _target(self, entry: Entry, customer_id: UUID) -> Transaction | None:
        """The purchase that the entry refers to."""
        name = entry.corrects_external_id
        if name is None:
            return None
        target = self.known.get(name)
        if target is None:
            raise CorrectedTransactionUnknownError(
                f"{name} is not in the ledger",
                field_errors=[FieldError("corrects_external_id", "exists", "Book the purchase first")],
            )
        if target.entry.kind != "purchase" or target.customer_id != customer_id:
            raise NotAPurchaseError(
                f"{name} is not a purchase of this customer",
                field_errors=[
                    FieldError("corrects_external_id", "purchase", "Name a purchase of this customer")
                ],
            )
        if target.entry.currency != entry.currency:
            raise AmendmentCurrencyDiffersError(
                f"{name} was booked in {target.entry.currency}",
                field_errors=[FieldError("currency", "purchase", f"Give it in {target.entry.currency}")],
            )
        return target

    def _rate(self, entry: Entry, target: Transaction | None) -> ExchangeRate | None:
        """The rate of the entry's day; a refund takes that of its purchase, so that a full one leaves nothing."""
        ledger = self.valuation.ledger
        if entry.currency == ledger.currency:
            return None
        if entry.kind == "refund" and target is not None and (used := target.exchange) is not None:
            return ExchangeRate(
                entry.currency, used.effective_on, used.version, used.rate, target.recorded_at
            )
        day = ledger.calendar.day_of(entry.occurred_at)
        rate = self.exchange.get((entry.currency, day))
        if rate is None:
            raise ExchangeRateMissingError(
                f"there is no rate from {entry.currency} to {ledger.currency} on {day}",
                field_errors=[FieldError("currency", "rate", "Set the rate of that day first")],
            )
        return rate

    def _amend(self, purchase: Transaction, amendment: Transaction) -> None:
        """Take a refund or correction in, unless the purchase's refunds would then exceed its amount."""
        amendments = [*self.amendments.get(purchase.id, ()), amendment]
        gross = gross_amount_of(purchase, amendments)
        refunded = sum(one.entry.amount_minor for one in amendments if one.entry.kind == "refund")
        if refunded > gross:
            raise RefundExceedsPurchaseError(
                f"{purchase.entry.external_id} amounts to {gross}; {refunded} would be refunded",
                field_errors=[FieldError("amount_minor", "refundable", "Refund at most what is left")],
            )
        self.amendments[purchase.id] = amendments
        self.amended[purchase.id] = purchase

    def _net(self, transaction: Transaction) -> Net | None:
        if transaction.entry.kind != "purchase":
            return None
        return net_of(transaction, self.amendments.get(transaction.id, ()))


async def _customers(
    bookings: Sequence[Booking], work: Work, valuation: Valuation, rules: TierRules, *, register: bool
) -> tuple[dict[UUID, UUID], dict[str, UUID]]:
    """The accounts of the named customers that there are, by id and by external id."""
    ids = sorted({one.customer_id for one in bookings if one.customer_id is not None})
    names = sorted({one.customer_external_id for one in bookings if one.customer_external_id is not None})
    found, by_name = await customers.resolve(work, ids, names)
    if register and (missing := [name for name in names if name not in by_name]):
        unknown = [RegisterCustomer(external_id=name, kind="person") for name in missing]
        added = await register_all(unknown, work, valuation, rules)
        by_name |= {entry.external_id: entry.id for entry, _ in added if entry.external_id is not None}
        if len(added) < len(missing):
            by_name |= (await customers.resolve(work, [], missing))[1]
    return found, by_name


def _foreign(bookings: Sequence[Booking], work: Work, valuation: Valuation) -> set[tuple[str, date]]:
    """Currencies other than the ledger's, each with the days that need its rate."""
    ledger, wanted = valuation.ledger, set()
    for booking in bookings:
        entry = booking.entry
        if entry.currency != ledger.currency and ledger.holds(entry.occurred_at, work.now):
            wanted.add((entry.currency, ledger.calendar.day_of(entry.occurred_at)))
    return wanted


def _repeated(present: Transaction, entry: Entry, customer_id: UUID) -> Outcome:
    if present.entry != entry or present.customer_id != customer_id:
        raise TransactionDiffersError(
            f"{entry.external_id} is already booked with other content",
            field_errors=[FieldError("external_id", "unique", "A changed transaction needs a correction")],
        )
    return Outcome("repeated", present)
