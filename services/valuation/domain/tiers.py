"""Tiers (客户等级): absolute, versioned thresholds, and the decision that keeps a tier from flapping."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.errors import ThresholdsOutOfOrderError
from services.valuation.domain.ledger import DayValue
from services.valuation.domain.window import leaves_on
from shared.kernel.errors import FieldError, InvalidInputError


@dataclass(frozen=True, slots=True)
class Tier:
    """A service class and the value in minor units from which it is earned."""

    name: str
    threshold_minor: int


@dataclass(frozen=True)
class TierRules:
    """One version of the rules.

    tiers        from the floor up; the floor starts at 0 and is kept by everybody
    window_days  the value judged is the margin of the last so many days
    band         share of the threshold by which the value may fall short before anything happens (0.1 = 10 %)
    grace_days   from the demotion warning to the demotion
    tenure_days  how long a tier is held at least
    """

    version: int
    tiers: tuple[Tier, ...]
    window_days: int
    band: Decimal
    grace_days: int
    tenure_days: int
    effective_from: datetime

    def __post_init__(self) -> None:
        """Raises `ThresholdsOutOfOrderError`, or `InvalidInputError` naming the field."""
        if not self.tiers or self.tiers[0].threshold_minor != 0:
            raise ThresholdsOutOfOrderError(
                "the first tier is the floor and starts at 0",
                field_errors=[FieldError("tiers[0].threshold_minor", "floor", "The floor's threshold is 0")],
            )
        for place, (lower, upper) in enumerate(zip(self.tiers, self.tiers[1:], strict=False), start=1):
            if upper.threshold_minor <= lower.threshold_minor:
                raise ThresholdsOutOfOrderError(
                    f"{upper.name} ({upper.threshold_minor}) must be above {lower.name} ({lower.threshold_minor})",
                    field_errors=[
                        FieldError(
                            f"tiers[{place}].threshold_minor", "ascending", "List tiers from the floor up"
                        )
                    ],
                )
        names = [tier.name for tier in self.tiers]
        if len(set(names)) != len(names):
            raise InvalidInputError.of("tiers", "unique", "Each tier's name appears once")
        if not 0 <= self.band < 1:
            raise InvalidInputError.of("band", "range", "The band is a share from 0 to below 1")
        if self.window_days < 1:
            raise InvalidInputError.of("window_days", "range", "The window has at least one day")
        if self.grace_days < 0 or self.tenure_days < 0:
            raise InvalidInputError.of("grace_days", "range", "Grace and tenure are not negative")

    @property
    def floor(self) -> Tier:
        return self.tiers[0]

    def rank(self, name: str) -> int | None:
        """The tier's place from the floor (0), or None for a name that these rules do not have."""
        return next((place for place, tier in enumerate(self.tiers) if tier.name == name), None)

    def earned(self, value_minor: int) -> int:
        """The place of the highest tier whose threshold the value reaches."""
        return max((i for i, tier in enumerate(self.tiers) if tier.threshold_minor <= value_minor), default=0)

    def keeps_at(self, rank: int) -> int:
        """The least value in minor units at which the tier of that place is not called into question."""
        line = self.tiers[rank].threshold_minor * (1 - self.band)
        return int(line.to_integral_value(ROUND_CEILING))


@dataclass(frozen=True, slots=True)
class DemotionWarning:
    """When it was given, and when the tier falls unless the value rises."""

    warned_at: datetime
    demotes_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """A tier as held: since when, and the warning that stands against it."""

    tier: str
    since: datetime
    warning: DemotionWarning | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing changes."""


@dataclass(frozen=True, slots=True)
class Promote:
    """Up, at once, as far as the value reaches."""

    to: str


@dataclass(frozen=True, slots=True)
class Warn:
    """Say now what keeps the tier, and by when."""

    next_tier: str
    keeps_at_value_minor: int
    demotes_at: datetime


@dataclass(frozen=True, slots=True)
class LiftWarning:
    """The value is back: the tier is safe again."""


@dataclass(frozen=True, slots=True)
class Demote:
    """Down one step: the value stayed past the band during the whole grace period."""

    to: str


@dataclass(frozen=True, slots=True)
class Replace:
    """The rules no longer know the tier held: the one earned takes its place."""

    to: str


Decision = Keep | Promote | Warn | LiftWarning | Demote | Replace


def decide(
    held: Held, value_minor: int, at: datetime, rules: TierRules, calendar: ReviewCalendar
) -> Decision:
    """What the value says about the tier held, at the instant `at`.

    Demotion takes three things: a value past the band, a warning at least the grace period ago, and the
    minimum tenure. It happens at a review instant, so that it can be announced to the second.
    """
    rank = rules.rank(held.tier)
    earned = rules.earned(value_minor)
    if rank is None:
        return Replace(rules.tiers[earned].name)
    if earned > rank:
        return Promote(rules.tiers[earned].name)
    if rank == 0 or value_minor >= rules.keeps_at(rank):
        return LiftWarning() if held.warning else Keep()
    if held.warning is None:
        earliest = max(at + timedelta(days=rules.grace_days), held.since + timedelta(days=rules.tenure_days))
        return Warn(rules.tiers[rank - 1].name, rules.keeps_at(rank), calendar.review_from(earliest))
    if at >= held.warning.demotes_at:
        return Demote(rules.tiers[rank - 1].name)
    return Keep()


def next_change_on(days: Sequence[DayValue], held: Held, rules: TierRules, today: date) -> date | None:
    """The first day after `today` on which the tier's value, with no new entry, would call for a decision.

    days  the days with purchases within the window, oldest first
    """
    rank = rules.rank(held.tier)
    if rank is None:
        return today + timedelta(days=1)
    value = sum(day.margin_minor for day in days)
    for day in days:
        value -= day.margin_minor
        leaves = leaves_on(day.day, rules.window_days)
        if leaves > today and (rules.earned(value) > rank or (rank > 0 and value < rules.keeps_at(rank))):
            return leaves
    return None
