"""What a new version of the rules does to tiers that are held, and how many it may endanger at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal
from uuid import UUID

from services.valuation.domain.tiers import Held, TierRules

# promoted: the value reaches a higher threshold now; kept: nothing changes; replaced: the new rules do not have
# the tier held; questioned: the value was past the band before, too; endangered: only the new rules question the
# tier; overridden: a person's decision holds it.
EffectKind = Literal["promoted", "kept", "replaced", "questioned", "endangered", "overridden"]

# Customers named in a report for each kind of move.
EXAMPLES = 20
_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules in force, and every other version that some standing is still judged by."""

    in_force: TierRules
    others: Mapping[int, TierRules] = field(default_factory=dict)

    def of(self, version: int | None) -> TierRules:
        """The rules of that version; those in force for None, a standing from before versions were kept.

        Raises `KeyError` for a version that was not loaded.
        """
        return self.in_force if version in (None, self.in_force.version) else self.others[version]


@dataclass(frozen=True, slots=True)
class Effect:
    """What moving to other rules does to one customer's tier.

    becomes         the tier right after the move; an endangered one is kept until its warning has run out
    falls_to        the tier that a warning would name, for one that is endangered or questioned
    value_minor     the value judged by the new rules, in minor units
    keeps_at_minor  the value that keeps `becomes` under them
    """

    kind: EffectKind
    tier: str
    becomes: str
    value_minor: int
    keeps_at_minor: int
    falls_to: str | None = None

    @property
    def shortfall(self) -> Decimal:
        """What is missing, as a share of what keeps the tier: from 0 up, above 1 where the value is a loss."""
        missing = max(0, self.keeps_at_minor - self.value_minor)
        return (Decimal(missing) / max(1, self.keeps_at_minor)).quantize(_PLACES, ROUND_HALF_EVEN)

    @property
    def to(self) -> str:
        """Where a report says that the customer goes."""
        return self.falls_to or self.becomes


def successor(tier: str, before: TierRules, after: TierRules) -> int:
    """The place in `after` of a tier held under `before`.

    That of the same name; without one, the highest tier whose threshold is not above the old tier's.
    """
    place = after.rank(tier)
    if place is not None:
        return place
    old = before.rank(tier)
    return 0 if old is None else after.earned(before.tiers[old].threshold_minor)


def effect_of(
    held: Held, before: TierRules, after: TierRules, value_before_minor: int, value_after_minor: int
) -> Effect:
    """What moving from `before` to `after` does to the tier held.

    The two values are the margins within the window of either version, at the same instant.
    """
    place = successor(held.tier, before, after)
    earned = after.earned(value_after_minor)
    becomes = max(place, earned)
    keeps_at = after.keeps_at(becomes)
    is_replaced = after.rank(held.tier) is None
    falls_to: str | None = None
    kind: EffectKind = "replaced" if is_replaced else "promoted" if earned > place else "kept"
    if becomes > 0 and value_after_minor < keeps_at:
        old = before.rank(held.tier)
        in_peace = held.warning is None and (old is None or value_before_minor >= before.keeps_at(old))
        kind = "endangered" if in_peace else "questioned"
        falls_to = after.tiers[becomes - 1].name
    return Effect(kind, held.tier, after.tiers[becomes].name, value_after_minor, keeps_at, falls_to)


def most_endangered(customers: int, cap: Decimal) -> int:
    """How many of `customers` a change of rules may endanger: the cap's share of them, rounded down."""
    return int(customers * cap)


@dataclass(frozen=True, slots=True)
class Move:
    """So many customers that the rules move alike, the first of them by id."""

    kind: EffectKind
    tier: str
    to: str
    customers: int
    examples: tuple[UUID, ...]


class Tally:
    """Moves counted by kind, from and to. Bounded by the tiers of two versions, however many customers."""

    def __init__(self, moves: Iterable[Move] = ()) -> None:
        self._moves = {(move.kind, move.tier, move.to): move for move in moves}

    def add(self, customer_id: UUID, effect: Effect) -> None:
        key = (effect.kind, effect.tier, effect.to)
        before = self._moves.get(key, Move(*key, 0, ()))
        examples = before.examples
        if len(examples) < EXAMPLES:
            examples = (*examples, customer_id)
        self._moves[key] = Move(*key, before.customers + 1, examples)

    @property
    def moves(self) -> list[Move]:
        """In the order of kind, from and to."""
        return [self._moves[key] for key in sorted(self._moves)]

    def count(self, *kinds: EffectKind) -> int:
        """Customers of these kinds; all of them without any."""
        return sum(move.customers for move in self._moves.values() if not kinds or move.kind in kinds)
