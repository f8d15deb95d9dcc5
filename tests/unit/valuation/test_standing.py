"""A standing kept up event by event equals one rebuilt from the ledger, in whatever order things arrive."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.events import TierChanged, TierDemotionWarned
from services.valuation.domain.ledger import DayValue, Entry, LedgerRules, Transaction, by_day, net_of
from services.valuation.domain.outlook import outlook
from services.valuation.domain.rfm import Rfm
from services.valuation.domain.standing import Standing, TierChange
from services.valuation.domain.tiers import Tier, TierRules
from services.valuation.domain.window import Window, opening_day

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LEDGER = LedgerRules("USD", ReviewCalendar("UTC", 7), Decimal("0.30"))
TIERS = TierRules(
    version=1,
    tiers=(Tier("standard", 0), Tier("silver", 1000), Tier("gold", 3000)),
    window_days=28,
    band=Decimal("0.1"),
    grace_days=14,
    tenure_days=21,
    effective_from=datetime(1970, 1, 1, tzinfo=UTC),
)
CUSTOMER = UUID(int=1)


class Books:
    """A ledger in memory and one standing on it, driven as the use cases drive them."""

    def __init__(self) -> None:
        self.at = START
        self.rows: list[Transaction] = []
        self.standing = Standing.open(CUSTOMER, None, at=START, tiers=TIERS, ledger=LEDGER)
        self.history: list[TierChange] = self.standing.take_changes()
        self.ledger_reads = 0

    @property
    def days(self) -> list[DayValue]:
        nets = [
            net_of(row, [one for one in self.rows if one.corrects_id == row.id])
            for row in self.rows
            if row.entry.kind == "purchase"
        ]
        return by_day(nets, LEDGER.calendar)

    def purchase(self, amount: int, days_ago: int = 0, margin: int | None = None) -> Transaction:
        return self._book("purchase", amount, days_ago, margin, None)

    def refund(self, purchase: Transaction, amount: int) -> Transaction:
        return self._book("refund", amount, 0, None, purchase)

    def correct(self, purchase: Transaction, amount: int, days_ago: int) -> Transaction:
        return self._book("correction", amount, days_ago, None, purchase)

    def _book(
        self, kind: str, amount: int, days_ago: int, margin: int | None, target: Transaction | None
    ) -> Transaction:
        entry = Entry(
            external_id=f"t{len(self.rows):04d}",
            kind=kind,  # type: ignore[arg-type]
            amount_minor=amount,
            currency="USD",
            occurred_at=self.at - timedelta(days=days_ago),
            margin_minor=margin,
            corrects_external_id=None if target is None else target.entry.external_id,
        )
        corrects_id = None if target is None else target.id
        row = Transaction(
            UUID(int=len(self.rows) + 100), CUSTOMER, entry, LEDGER.margin_of(entry, {}), corrects_id, self.at
        )
        self.rows.append(row)
        self.standing.bring_up_to(self.at, TIERS, LEDGER)
        self.standing.record(row, self.at, LEDGER)
        self._judge(is_amended=target is not None)
        return row

    def _judge(self, *, is_amended: bool) -> None:
        standing, days = self.standing, None
        if standing.needs_ledger:
            self.ledger_reads += 1
            standing.rebuild(self.days, self.at, TIERS, LEDGER)
            promotions = self._promotions() if is_amended else []
            standing.revoke_promotions(promotions, self.days, self.at, TIERS, LEDGER)
            days = self._window_days()
        elif standing.needs_window:
            days = self._window_days()
            standing.refresh_window(days, self.at, TIERS, LEDGER)
        standing.judge(self.at, TIERS, LEDGER, days)
        self.history += standing.take_changes()

    def _window_days(self) -> list[DayValue]:
        opens_on = opening_day(LEDGER.calendar.day_of(self.at), TIERS.window_days)
        return [day for day in self.days if day.day >= opens_on]

    def _promotions(self) -> list[TierChange]:
        found: list[TierChange] = []
        for change in reversed(self.history):
            if change.reason != "promotion":
                break
            found.append(change)
        return found

    def pass_days(self, days: int) -> None:
        """Time goes by; reviews happen at their instants."""
        until = self.at + timedelta(days=days)
        while (due := self.standing.next_review_at) is not None and due <= until:
            self.at = max(self.at, due)
            self.standing.needs_window = True
            self._judge(is_amended=False)
            after = self.standing.next_review_at
            assert after is None or after > self.at
        self.at = until

    @property
    def held(self) -> str:
        return self.standing.held.tier


Action = tuple[str, int, int, int]
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["purchase", "purchase", "purchase", "loss", "refund", "full_refund", "correct", "pass"]
        ),
        st.integers(0, 9000),
        st.integers(0, 60),
        st.integers(0, 10**6),
    ),
    max_size=40,
)


def play(books: Books, action: Action) -> None:
    kind, amount, days, pick = action
    purchases = [row for row in books.rows if row.entry.kind == "purchase"]
    if kind == "pass":
        books.pass_days(days)
    elif kind == "purchase":
        books.purchase(amount, days)
    elif kind == "loss":
        books.purchase(amount, days, margin=-amount)
    elif purchases:
        target = purchases[pick % len(purchases)]
        left = net_of(target, [one for one in books.rows if one.corrects_id == target.id])
        if kind == "full_refund" and left.counts:
            books.refund(target, left.amount_minor)
        elif kind == "refund" and left.amount_minor > 1:
            books.refund(target, 1 + amount % (left.amount_minor - 1))
        elif kind == "correct" and left.counts:
            refunded = sum(
                one.entry.amount_minor
                for one in books.rows
                if one.corrects_id == target.id and one.entry.kind == "refund"
            )
            books.correct(target, refunded + amount, days)


@given(ACTIONS)
def test_the_state_equals_a_rebuild_after_every_arrival(actions: list[Action]) -> None:
    books = Books()
    for action in actions:
        play(books, action)
        days = books.days
        assert books.standing.rfm == Rfm.of(days)
        assert books.standing.window == Window.of(days, books.standing.window.opens_on)


@given(ACTIONS)
def test_the_tier_is_never_below_what_the_value_earns_and_history_is_gapless(actions: list[Action]) -> None:
    books = Books()
    for action in actions:
        play(books, action)
    value = sum(day.margin_minor for day in books._window_days())
    if books.standing.window.opens_on == opening_day(books.at.date(), TIERS.window_days):
        assert (TIERS.rank(books.held) or 0) >= TIERS.earned(value)
    tiers = [change.tier for change in books.history]
    assert [change.previous_tier for change in books.history] == [None, *tiers[:-1]]
    assert tiers[-1] == books.held
    sequences = [event.sequence for event in books.standing.take_events()]
    assert sequences == list(range(1, len(sequences) + 1))


@given(st.permutations(list(range(8))), st.lists(st.integers(0, 20), min_size=8, max_size=8))
def test_the_order_in_which_purchases_arrive_does_not_matter(order: list[int], days_ago: list[int]) -> None:
    straight, shuffled = Books(), Books()
    for place in range(8):
        straight.purchase(100 + place, days_ago[place])
    for place in order:
        shuffled.purchase(100 + place, days_ago[place])
    assert shuffled.standing.rfm == straight.standing.rfm
    assert shuffled.standing.window == straight.standing.window
    assert shuffled.held == straight.held


def test_an_ordinary_purchase_reads_no_ledger() -> None:
    books = Books()
    books.purchase(100, 3)
    books.purchase(100, 3)
    books.purchase(100, 1)
    books.purchase(100, 9)
    assert books.ledger_reads == 0
    books.purchase(100, 5)
    assert books.ledger_reads == 1


def test_several_purchases_of_a_day_count_once_and_the_average_leaves_out_the_first_day() -> None:
    books = Books()
    for amount, days_ago in ((500, 10), (300, 10), (100, 4), (50, 4), (250, 2)):
        books.purchase(amount, days_ago)
    rfm = books.standing.rfm
    assert (rfm.purchases, rfm.purchase_days, rfm.repeat_count) == (5, 3, 2)
    assert rfm.average_repeat_spend_minor == 200
    assert (rfm.recency_days, rfm.age_days(books.at.date())) == (8, 10)


def test_value_that_leaves_the_window_brings_warning_then_demotion_step_by_step() -> None:
    books = Books()
    books.purchase(20_000)
    assert books.held == "gold"
    seen = outlook(books._window_days(), books.standing.held, books.at, TIERS, LEDGER.calendar)
    assert (seen.state, seen.next_tier, seen.keeps_at_value_minor) == ("expected", "silver", 2700)
    assert seen.expected_warning_at == START.replace(hour=0) + timedelta(days=28)
    books.standing.take_events()
    books.pass_days(28)
    [warned] = books.standing.take_events()
    assert isinstance(warned, TierDemotionWarned)
    assert warned.occurred_at == seen.expected_warning_at
    assert warned.demotes_at == warned.occurred_at + timedelta(days=14)
    books.pass_days(14)
    fell, next_warning = books.standing.take_events()
    assert isinstance(fell, TierChanged)
    assert (fell.tier, fell.occurred_at) == ("silver", warned.demotes_at)
    assert isinstance(next_warning, TierDemotionWarned)
    books.pass_days(365)
    assert [change.tier for change in books.history] == ["standard", "gold", "silver", "standard"]
    assert books.standing.next_review_at is None


def test_a_purchase_after_the_warning_keeps_the_tier() -> None:
    books = Books()
    books.purchase(20_000)
    books.pass_days(30)
    assert books.standing.held.warning is not None
    books.purchase(9_000)
    assert books.standing.held.warning is None
    books.pass_days(20)
    assert books.held == "gold"


def test_a_full_refund_takes_back_the_promotion_that_the_purchase_caused() -> None:
    books = Books()
    books.purchase(4_000)
    large = books.purchase(20_000)
    assert books.held == "gold"
    books.refund(large, 20_000)
    assert books.held == "silver"
    last = books.history[-1]
    assert (last.reason, last.previous_tier) == ("correction", "gold")


def test_a_refund_keeps_a_promotion_that_other_purchases_support() -> None:
    books = Books()
    small = books.purchase(1_000)
    books.purchase(20_000)
    books.refund(small, 1_000)
    assert books.held == "gold"
    assert books.history[-1].reason == "promotion"
