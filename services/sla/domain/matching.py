"""Which policy wins: the most specific one that matches, by a documented rank.

The rank is the sum of the weights of a policy's conditions. Each weight is above the sum of all lesser ones, so
one stronger condition beats any number of weaker ones: customer > contract > entitlement > offering > tier >
priority or severity > category > kind > queue > channel. Equal ranks cannot both match where their conditions are
the same (refused when a policy is written); where different values overlap, the version that became effective
later wins, then the name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from uuid import UUID

from services.sla.domain.metrics import SubjectKind
from services.sla.domain.policies import Match, PolicyVersion

# What a subject was bought or agreed with; told at its opening and never changed.
PROMISED_BY = ("contract", "entitlement", "offering")

WEIGHTS: Mapping[str, int] = {
    "customer": 1024,
    "contract": 512,
    "entitlement": 256,
    "offering": 128,
    "tier": 64,
    "priority": 32,
    "severity": 16,
    "category": 8,
    "kind": 4,
    "queue": 2,
    "channel": 1,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a subject at one instant and may decide its policy."""

    subject_kind: SubjectKind
    customer_id: UUID | None = None
    contract: str | None = None
    entitlement: str | None = None
    offering: str | None = None
    priority: str | None = None
    severity: str | None = None
    category: str | None = None
    kind: str | None = None
    queue: str | None = None
    channel: str | None = None

    def value(self, condition: str, tier: str | None) -> str | None:
        """What a condition of a match is compared with."""
        if condition == "tier":
            return tier
        if condition == "customer":
            return None if self.customer_id is None else str(self.customer_id)
        found: str | None = getattr(self, condition)
        return found


def conditions(match: Match) -> dict[str, frozenset[str]]:
    """The conditions that a match makes, without the empty ones."""
    return {
        field.name: accepted
        for field in fields(match)
        if field.name != "subject_kind" and (accepted := getattr(match, field.name))
    }


def matches(match: Match, facts: Facts, tier: str | None) -> bool:
    if match.subject_kind is not facts.subject_kind:
        return False
    return all(facts.value(name, tier) in accepted for name, accepted in conditions(match).items())


def rank(match: Match) -> int:
    return sum(WEIGHTS[name] for name in conditions(match))


def most_specific_first(versions: Iterable[PolicyVersion]) -> list[PolicyVersion]:
    """Candidates in the order in which they win."""
    by_name = sorted(versions, key=lambda version: (version.name, version.id))
    return sorted(by_name, key=lambda v: (rank(v.match), v.effective_from), reverse=True)


def why(match: Match) -> str:
    """Why a policy matched, for people: its conditions, strongest first, and the rank they give."""
    made = conditions(match)
    said = [f"{name} in {{{', '.join(sorted(made[name]))}}}" for name in WEIGHTS if name in made]
    kind = f"every {match.subject_kind}" if not said else f"{match.subject_kind} with {' and '.join(said)}"
    return f"matches {kind}; rank {rank(match)}"
