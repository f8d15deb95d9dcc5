"""A customer's standing: what the ledger adds up to, and the tier held because of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.valuation.domain.events import (
    CustomerRegistered,
    TierChanged,
    TierDemotionWarned,
    TierReason,
    TransactionRecorded,
)
from services.valuation.domain.ledger import DayValue, LedgerRules, Transaction
from services.valuation.domain.rfm import Rfm
from services.valuation.domain.tiering.overrides import EndedOverride, OverrideEnd, OverrideHold, require_tier
from services.valuation.domain.tiering.rule_change import successor
from services.valuation.domain.tiers import (
    Demote,
    DemotionWarning,
    Held,
    Keep,
    LiftWarning,
    Promote,
    Replace,
    TierRules,
    Warn,
    decide,
    next_change_on,
)
from services.valuation.domain.window import Window, leaves_on, opening_day
from shared.kernel.aggregates import Aggregate


@dataclass(frozen=True, slots=True)
class TierChange:
    """One line of the tier's history: never altered once written.

    value_minor      the value judged, in minor units (margin within the rules' window)
    threshold_minor  the value that decided: the new tier's threshold, or what would have kept the old one
    override_id      the decision of a person that changed the tier, for reason `override`
    """

    customer_id: UUID
    sequence: int
    tier: str
    previous_tier: str | None
    reason: TierReason
    rule_version: int
    value_minor: int
    threshold_minor: int
    effective_at: datetime
    override_id: UUID | None = None


@dataclass(kw_only=True)
class Standing(Aggregate):
    """Everything published about a customer goes through here, so its events are counted in one place.

    `needs_ledger` is True while `rfm` cannot be trusted: read all days and call `rebuild`. `needs_window` is
    True while only the window cannot: read its days and call `refresh_window`. `rule_version` is the version of
    the rules that the tier is judged by; `override` stands while a person's decision holds the tier.
    """

    rfm: Rfm = field(default_factory=Rfm)
    window: Window
    held: Held
    rule_version: int | None
    override: OverrideHold | None = None
    next_review_at: datetime | None = None
    needs_ledger: bool = False
    needs_window: bool = False
    _changes: list[TierChange] = field(default_factory=list, repr=False, compare=False)
    _ended: list[EndedOverride] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def open(
        cls,
        customer_id: UUID,
        external_id: str | None,
        *,
        at: datetime,
        tiers: TierRules,
        ledger: LedgerRules,
    ) -> "Standing":
        """A new customer stands on the floor."""
        floor = tiers.floor.name
        opens_on = opening_day(ledger.calendar.day_of(at), tiers.window_days)
        standing = cls(
            id=customer_id, window=Window(opens_on), held=Held(floor, at), rule_version=tiers.version
        )
        event = standing.happened(CustomerRegistered, at, external_id=external_id, tier=floor)
        standing._remember(None, "initial", tiers, 0, 0, event.occurred_at)
        return standing

    def record(self, transaction: Transaction, at: datetime, ledger: LedgerRules) -> None:
        """Take in a booked row: a purchase by addition, what corrects one by reading the ledger."""
        entry = transaction.entry
        self.happened(
            TransactionRecorded,
            at,
            transaction_id=transaction.id,
            kind=entry.kind,
            amount_minor=entry.amount_minor,
            currency=entry.currency,
            purchased_at=entry.occurred_at,
            corrects_transaction_id=transaction.corrects_id,
        )
        if entry.kind != "purchase":
            self.needs_ledger = True
            return
        day = ledger.calendar.day_of(entry.occurred_at)
        rfm = self.rfm.with_purchase(day, transaction.ledger_amount_minor, transaction.margin.minor)
        if rfm is None:
            self.needs_ledger = True
            return
        self.rfm = rfm
        self.window = self.window.with_purchase(day, transaction.margin.minor)
        if self.window.has_loss:
            # A loss that leaves the window raises the value, so the next look depends on every day in it.
            self.needs_window = True

    def bring_up_to(self, at: datetime, tiers: TierRules, ledger: LedgerRules) -> None:
        """Move the window to the day of `at`; sets `needs_window` when purchases leave it."""
        moved = self.window.moved_to(opening_day(ledger.calendar.day_of(at), tiers.window_days))
        if moved is None:
            self.needs_window = True
        else:
            self.window = moved

    def rebuild(self, days: Sequence[DayValue], at: datetime, tiers: TierRules, ledger: LedgerRules) -> None:
        """Recency, frequency, spend and window anew from all days of the ledger, oldest first."""
        self.rfm = Rfm.of(days)
        self.window = Window.of(days, opening_day(ledger.calendar.day_of(at), tiers.window_days))
        self.needs_ledger = self.needs_window = False

    def refresh_window(
        self, days: Sequence[DayValue], at: datetime, tiers: TierRules, ledger: LedgerRules
    ) -> None:
        """The window anew from the days within it, oldest first; the rest of the state stays."""
        self.window = Window.of(days, opening_day(ledger.calendar.day_of(at), tiers.window_days))
        self.needs_window = False

    def revoke_promotions(
        self,
        promotions: Sequence[TierChange],
        days: Sequence[DayValue],
        at: datetime,
        tiers: TierRules,
        ledger: LedgerRules,
    ) -> None:
        """Take back promotions that the ledger, as corrected, does not support at the instant they were made.

        promotions  those since the last other change of tier, newest first
        days        all days of the ledger, oldest first
        """
        held = tiers.rank(self.held.tier)
        if held is None or self.override is not None:
            return
        rank = held
        for promotion in promotions:
            last = ledger.calendar.day_of(promotion.effective_at)
            first = opening_day(last, tiers.window_days)
            value = sum(day.margin_minor for day in days if first <= day.day <= last)
            previous = tiers.rank(promotion.previous_tier or "")
            if value >= promotion.threshold_minor or previous is None:
                break
            rank = min(rank, max(previous, tiers.earned(value)))
            if rank > previous:
                break
        rank = max(rank, min(held, tiers.earned(self.window.margin_minor)))
        if rank < held:
            self._change(tiers.tiers[rank].name, "correction", tiers, at, tiers.tiers[held].threshold_minor)

    def adopt(self, before: TierRules, after: TierRules, at: datetime) -> None:
        """Be judged by `after` from now on, whose window is already in place; call `judge` next.

        A tier that `after` does not have is replaced by the one that succeeds it, or a higher one if it is
        earned. Nothing falls here: what `after` questions is warned first.
        """
        place = successor(self.held.tier, before, after)
        self.rule_version = after.version
        if after.rank(self.held.tier) is not None:
            return
        if self.override is None:
            place = max(place, after.earned(self.window.margin_minor))
        tier = after.tiers[place]
        self._change(tier.name, "rule_change", after, at, tier.threshold_minor)

    def hold(self, override: OverrideHold, tier: str, at: datetime, tiers: TierRules) -> None:
        """A person decides on the tier: nothing moves it until the override ends. Raises `UnknownTierError`.

        A warning that stood is void. The window must be that of `at`, for the history to name the value.
        """
        rank = require_tier(tier, tiers)
        if self.override is not None:
            self._end_override(at, "replaced")
        self.override, self.next_review_at = override, override.until
        if tier == self.held.tier:
            self.held = Held(tier, self.held.since)
        else:
            threshold = tiers.tiers[rank].threshold_minor
            self._change(tier, "override", tiers, at, threshold, override_id=override.id)

    def withdraw_override(self, at: datetime) -> None:
        """The tier is judged by its value again: call `judge` next."""
        if self.override is not None:
            self._end_override(at, "withdrawn")

    def judge(
        self,
        at: datetime,
        tiers: TierRules,
        ledger: LedgerRules,
        days: Sequence[DayValue] | None = None,
    ) -> None:
        """Decide on the tier by the value at `at`, and when to look again.

        While an override holds the tier nothing is decided; one whose time has come ends here.

        days  the days within the window, when they were read: then the next look is exact, else it is when
              the oldest purchase leaves the window
        """
        if self.override is not None:
            if at < self.override.until:
                self.next_review_at = self.override.until
                return
            self._end_override(at, "expired")
        before = self.held
        # A demotion starts the next tier's own grace period at once; further steps wait for their time.
        for _ in range(2):
            decision = decide(self.held, self.window.margin_minor, at, tiers, ledger.calendar)
            self._apply(decision, at, tiers, ledger)
            if not isinstance(decision, Demote | Replace):
                break
        if self.held.warning is not None:
            self.next_review_at = self.held.warning.demotes_at
        elif days is not None:
            change = next_change_on(days, self.held, tiers, ledger.calendar.day_of(at))
            self.next_review_at = (
                None if change is None else ledger.calendar.review_from(ledger.calendar.start_of(change))
            )
        elif self.next_review_at is None or self.held != before:
            self.next_review_at = self._oldest_leaves_at(tiers, ledger)

    def take_changes(self) -> list[TierChange]:
        """The lines of history since the last call, oldest first; the store writes them."""
        taken, self._changes = self._changes, []
        return taken

    def take_ended_overrides(self) -> list[EndedOverride]:
        """Overrides that ended since the last call; the store notes it on them."""
        taken, self._ended = self._ended, []
        return taken

    def _end_override(self, at: datetime, how: OverrideEnd) -> None:
        assert self.override is not None
        self._ended.append(EndedOverride(self.override.id, at, how))
        # The review that waited for the end is no longer due then.
        self.override = self.next_review_at = None

    def _oldest_leaves_at(self, tiers: TierRules, ledger: LedgerRules) -> datetime | None:
        if self.window.oldest is None or tiers.rank(self.held.tier) == 0:
            return None
        leaves = leaves_on(self.window.oldest, tiers.window_days)
        return ledger.calendar.review_from(ledger.calendar.start_of(leaves))

    def _apply(self, decision: object, at: datetime, tiers: TierRules, ledger: LedgerRules) -> None:
        match decision:
            case Keep():
                return
            case LiftWarning():
                self.held = Held(self.held.tier, self.held.since)
            case Warn(next_tier, keeps_at, demotes_at):
                warned = self.happened(
                    TierDemotionWarned,
                    at,
                    tier=self.held.tier,
                    next_tier=next_tier,
                    keeps_at_value_minor=keeps_at,
                    currency=ledger.currency,
                    demotes_at=demotes_at,
                    rule_version=tiers.version,
                )
                self.held = Held(
                    self.held.tier, self.held.since, DemotionWarning(warned.occurred_at, demotes_at)
                )
            case Promote(to):
                self._change(to, "promotion", tiers, at, tiers.tiers[tiers.rank(to) or 0].threshold_minor)
            case Demote(to):
                self._change(to, "demotion", tiers, at, tiers.keeps_at(tiers.rank(self.held.tier) or 0))
            case Replace(to):
                self._change(to, "rule_change", tiers, at, tiers.tiers[tiers.rank(to) or 0].threshold_minor)

    def _change(
        self,
        to: str,
        reason: TierReason,
        tiers: TierRules,
        at: datetime,
        threshold_minor: int,
        override_id: UUID | None = None,
    ) -> None:
        previous = self.held.tier
        event = self.happened(
            TierChanged,
            at,
            tier=to,
            previous_tier=previous,
            reason=reason,
            is_raise=(tiers.rank(to) or 0) > (tiers.rank(previous) or 0),
            rule_version=tiers.version,
            override_id=override_id,
        )
        self.held = Held(to, event.occurred_at)
        value = self.window.margin_minor
        self._remember(previous, reason, tiers, value, threshold_minor, event.occurred_at, override_id)

    def _remember(
        self,
        previous: str | None,
        reason: TierReason,
        tiers: TierRules,
        value_minor: int,
        threshold_minor: int,
        at: datetime,
        override_id: UUID | None = None,
    ) -> None:
        self._changes.append(
            TierChange(
                customer_id=self.id,
                sequence=self.sequence,
                tier=self.held.tier,
                previous_tier=previous,
                reason=reason,
                rule_version=tiers.version,
                value_minor=value_minor,
                threshold_minor=threshold_minor,
                effective_at=at,
                override_id=override_id,
            )
        )
