"""Book transactions: one from a request, or a batch of an import, by the same rules."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal
from uuid import UUID

from services.valuation.domain.errors import (
    CorrectedTransactionUnknownError,
    NotAPurchaseError,
    RefundExceedsPurchaseError,
    TransactionDiffersError,
    UnknownCustomerError,
)
from services.valuation.domain.ledger import Entry, Net, Transaction, gross_amount_of, net_of
from services.valuation.domain.standing import Standing
from services.valuation.domain.tiering.rule_change import RuleBook
from services.valuation.persistence import (
    customers,
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


@dataclass(frozen=True, slots=True)
class Booking:
    """An entry for one customer, named by id or by external id."""

    entry: Entry
    customer_id: UUID | None = None
    customer_external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`accepted` wrote a row, `repeated` found it there, `rejected` changed nothing and says why."""

    result: Literal["accepted", "repeated", "rejected"]
    transaction: Transaction | None = None
    error: CareloopError | None = None


@dataclass
class _Books:
    """The state of one batch: what it knows, locked, and what it is going to write."""

    valuation: Valuation
    rules: RuleBook
    rates: dict[str, Decimal]
    standings: dict[UUID, Standing]
    known: dict[str, Transaction]
    amendments: dict[UUID, list[Transaction]]
    added: list[Transaction] = field(default_factory=list)
    amended: dict[UUID, Transaction] = field(default_factory=dict)
    touched: dict[UUID, Standing] = field(default_factory=dict)


async def book_transactions(
    bookings: Sequence[Booking],
    work: Work,
    valuation: Valuation,
    *,
    register_customers: bool = False,
    import_id: UUID | None = None,
) -> list[Outcome]:
    """Book each booking or say why not, in the order given.

    Purchases of the batch are booked before the refunds and corrections in it, so that a file may name them
    in any order. Each customer's tier is judged once, after all of them.
    """
    owners = await _owners(bookings, work, valuation, register=register_customers)
    names = {booking.entry.external_id for booking in bookings}
    names |= {name for booking in bookings if (name := booking.entry.corrects_external_id) is not None}
    rules = await tier_rules.in_force(work, work.now)
    locked = await standings.lock_many(work, sorted({one for one in owners if one is not None}))
    known = await transactions.by_external_ids(work, sorted(names))
    targets = [known[name].id for name in _corrected(bookings) if name in known]
    books = _Books(
        valuation=valuation,
        rules=await tier_rules.book_of(work, locked.values(), rules),
        rates=await margin_rates.all_rates(work),
        standings=locked,
        known=known,
        amendments=await transactions.amendments_of(work, targets),
    )
    outcomes: dict[int, Outcome] = {}
    for place in sorted(range(len(bookings)), key=lambda one: bookings[one].entry.kind != "purchase"):
        outcomes[place] = _book(bookings[place], owners[place], books, work)
    await _write(books, work, import_id)
    return [outcomes[place] for place in range(len(bookings))]


async def _owners(
    bookings: Sequence[Booking], work: Work, valuation: Valuation, *, register: bool
) -> list[UUID | None]:
    """The customer of each booking, None for an unknown one; unknown external ids are registered if asked."""
    ids = sorted({one.customer_id for one in bookings if one.customer_id is not None})
    names = sorted({one.customer_external_id for one in bookings if one.customer_external_id is not None})
    found, by_name = await customers.resolve(work, ids, names)
    if register and (missing := [name for name in names if name not in by_name]):
        rules = await tier_rules.in_force(work, work.now)
        unknown = [RegisterCustomer(external_id=name, kind="person") for name in missing]
        added = await register_all(unknown, work, valuation, rules)
        by_name |= {entry.external_id: entry.id for entry, _ in added if entry.external_id is not None}
        if len(added) < len(missing):
            by_name |= (await customers.resolve(work, [], missing))[1]
    return [
        one.customer_id
        if one.customer_id in found
        else by_name.get(one.customer_external_id)
        if one.customer_external_id is not None
        else None
        for one in bookings
    ]


def _corrected(bookings: Sequence[Booking]) -> set[str]:
    return {name for one in bookings if (name := one.entry.corrects_external_id) is not None}


def _book(booking: Booking, owner: UUID | None, books: _Books, work: Work) -> Outcome:
    """Decide on one booking; what it writes is gathered in `books`."""
    entry = booking.entry
    try:
        books.valuation.ledger.check(entry, work.now)
        standing = None if owner is None else books.standings.get(owner)
        if standing is None:
            raise _unknown_customer(booking)
        present = books.known.get(entry.external_id)
        if present is not None:
            return _repeated(present, entry, standing.id)
        transaction = Transaction(
            id=new_id(),
            customer_id=standing.id,
            entry=entry,
            margin=books.valuation.ledger.margin_of(entry, books.rates),
            corrects_id=_target(entry, standing.id, books),
            recorded_at=work.now,
        )
        _amend(transaction, books)
    except CareloopError as error:
        return Outcome("rejected", error=error)
    books.known[entry.external_id] = transaction
    books.added.append(transaction)
    if standing.id not in books.touched:
        standing.bring_up_to(work.now, books.rules.of(standing.rule_version), books.valuation.ledger)
        books.touched[standing.id] = standing
    standing.record(transaction, work.now, books.valuation.ledger)
    return Outcome("accepted", transaction)


def _unknown_customer(booking: Booking) -> UnknownCustomerError:
    by_id = booking.customer_id is not None
    field_name = "customer_id" if by_id else "customer_external_id"
    named = booking.customer_id if by_id else booking.customer_external_id
    return UnknownCustomerError(
        f"there is no customer {named}",
        field_errors=[FieldError(field_name, "exists", "Register the customer first")],
    )


def _repeated(present: Transaction, entry: Entry, customer_id: UUID) -> Outcome:
    if present.entry != entry or present.customer_id != customer_id:
        raise TransactionDiffersError(
            f"{entry.external_id} is already booked with other content",
            field_errors=[FieldError("external_id", "unique", "A changed transaction needs a correction")],
        )
    return Outcome("repeated", present)


def _target(entry: Entry, customer_id: UUID, books: _Books) -> UUID | None:
    """The purchase that the entry refers to."""
    name = entry.corrects_external_id
    if name is None:
        return None
    target = books.known.get(name)
    if target is None:
        raise CorrectedTransactionUnknownError(
            f"{name} is not in the ledger",
            field_errors=[FieldError("corrects_external_id", "exists", "Book the purchase first")],
        )
    if target.entry.kind != "purchase" or target.customer_id != customer_id:
        raise NotAPurchaseError(
            f"{name} is not a purchase of this customer",
            field_errors=[FieldError("corrects_external_id", "purchase", "Name a purchase of this customer")],
        )
    return target.id


def _amend(amendment: Transaction, books: _Books) -> None:
    """Take a refund or correction in, unless the purchase's refunds would then exceed its amount."""
    if amendment.corrects_id is None:
        return
    name = amendment.entry.corrects_external_id or ""
    purchase = books.known[name]
    amendments = [*books.amendments.get(purchase.id, []), amendment]
    gross = gross_amount_of(purchase, amendments)
    refunded = sum(one.entry.amount_minor for one in amendments if one.entry.kind == "refund")
    if refunded > gross:
        raise RefundExceedsPurchaseError(
            f"{name} amounts to {gross}; {refunded} would be refunded",
            field_errors=[FieldError("amount_minor", "refundable", "Refund at most what is left")],
        )
    books.amendments[purchase.id] = amendments
    books.amended[purchase.id] = purchase


async def _write(books: _Books, work: Work, import_id: UUID | None) -> None:
    """Rows first, then what is derived from them, then the tiers, then the events."""
    calendar = books.valuation.ledger.calendar
    fresh = {transaction.id for transaction in books.added}
    await transactions.add_many(work, [(one, _net(one, books)) for one in books.added], calendar, import_id)
    stale = {
        purchase_id: net_of(purchase, books.amendments[purchase_id])
        for purchase_id, purchase in books.amended.items()
        if purchase_id not in fresh
    }
    await transactions.save_nets(work, stale, calendar)
    amended = {purchase.customer_id for purchase in books.amended.values()}
    await judge_tiers(list(books.touched.values()), work, books.valuation, books.rules, amended=amended)


def _net(transaction: Transaction, books: _Books) -> Net | None:
    if transaction.entry.kind != "purchase":
        return None
    return net_of(transaction, books.amendments.get(transaction.id, ()))
