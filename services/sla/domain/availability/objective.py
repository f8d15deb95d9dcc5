"""Availability objectives: what is promised for one offering, in versions, by the calendar's months."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from services.sla.domain.availability.errors import InvalidObjectiveError
from services.sla.domain.availability.intervals import Interval
from services.sla.domain.availability.months import Month
from services.sla.domain.calendars.public_data import has_timezone
from services.sla.domain.errors import OverlappingEffectiveDatesError
from shared.kernel.aggregates import Aggregate
from shared.kernel.errors import FieldError

# Every month since its beginning is looked at: an objective does not begin before anybody measured.
LONGEST_PAST = timedelta(days=3_660)


class PlannedRule(StrEnum):
    """What planned maintenance means for an objective."""

    IF_ANNOUNCED = "if_announced"
    """Excluded as far as it was recorded, with the notice, before it began."""
    EXCLUDED = "excluded"
    """Excluded whenever it was recorded."""
    COUNTED = "counted"
    """An outage like any other."""


@dataclass(frozen=True, slots=True)
class ProbeRule:
    """When probe results make an outage.

    bad_in_a_row     so many bad results of one probe; the outage begins with the first of them
    good_in_a_row    so many good ones end it, with the first of them
    silence_seconds  results further apart are not in a row; silence is no outage
    quorum           so many probes must see it at once
    """

    bad_in_a_row: int = 3
    good_in_a_row: int = 1
    silence_seconds: int = 300
    quorum: int = 1


@dataclass(frozen=True, slots=True)
class BurnRule:
    """An alert while the burn rate is at least `burn_rate` over both windows."""

    severity: str
    burn_rate: Decimal
    long_seconds: int
    short_seconds: int


# Google, The Site Reliability Workbook (2018), chapter 5 "Alerting on SLOs", table 5-8: 2 % of a 30-day budget
# in an hour, 5 % in six hours, 10 % in three days; the short window is a twelfth of the long one.
WORKBOOK_RULES = (
    BurnRule("page", Decimal("14.4"), 3_600, 300),
    BurnRule("page", Decimal(6), 21_600, 1_800),
    BurnRule("ticket", Decimal(1), 259_200, 21_600),
)


@dataclass(frozen=True, slots=True)
class ObjectiveVersion:
    """One version; it never changes once stored. `target` is a share such as 0.999."""

    number: int
    target: Decimal
    effective_from: datetime
    effective_until: datetime | None = None
    planned: PlannedRule = PlannedRule.IF_ANNOUNCED
    notice_seconds: int = 0
    probes: ProbeRule = ProbeRule()
    burn_alerts: tuple[BurnRule, ...] = WORKBOOK_RULES

    @property
    def allowance(self) -> Fraction:
        """The share of time that may be lost."""
        return 1 - Fraction(self.target)

    def to_json(self) -> dict[str, Any]:
        """The JSON form that is kept, without number and dates."""
        return {
            "target": str(self.target),
            "planned": self.planned.value,
            "notice_seconds": self.notice_seconds,
            "probes": {name: getattr(self.probes, name) for name in ProbeRule.__slots__},
            "burn_alerts": [
                {
                    "severity": rule.severity,
                    "burn_rate": str(rule.burn_rate),
                    "long_seconds": rule.long_seconds,
                    "short_seconds": rule.short_seconds,
                }
                for rule in self.burn_alerts
            ],
        }

    @classmethod
    def from_json(
        cls,
        document: Mapping[str, Any],
        number: int,
        effective_from: datetime,
        effective_until: datetime | None,
    ) -> "ObjectiveVersion":
        return cls(
            number=number,
            target=Decimal(document["target"]),
            effective_from=effective_from,
            effective_until=effective_until,
            planned=PlannedRule(document["planned"]),
            notice_seconds=document["notice_seconds"],
            probes=ProbeRule(**document["probes"]),
            burn_alerts=tuple(
                BurnRule(**{**rule, "burn_rate": Decimal(rule["burn_rate"])})
                for rule in document["burn_alerts"]
            ),
        )


@dataclass(kw_only=True)
class Objective(Aggregate):
    """An offering's objective. `versions` oldest first; `evaluated_until`: breaches before it were looked for."""

    name: str
    offering: str
    timezone: str
    created_at: datetime
    evaluated_until: datetime
    versions: list[ObjectiveVersion] = field(default_factory=list)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def version_at(self, at: datetime) -> ObjectiveVersion | None:
        """The version in force at an instant."""
        begun = [version for version in self.versions if version.effective_from <= at]
        if not begun or (begun[-1].effective_until is not None and begun[-1].effective_until <= at):
            return None
        return begun[-1]

    def measured(self, month: Month) -> tuple[ObjectiveVersion, Interval] | None:
        """The version that counts for a whole month, and the part of the month that is measured.

        It is the one in force when the month begins: an easier target helps from the next month on. In the
        month in which an objective begins it is the first version, from its beginning on.
        """
        bounds = month.bounds(self.zone)
        first = next((v for v in self.versions if bounds.start <= v.effective_from < bounds.end), None)
        version = self.version_at(bounds.start) or first
        if version is None:
            return None
        ends = [version.effective_until] if version.effective_until is not None else []
        period = Interval(max(bounds.start, version.effective_from), min([bounds.end, *ends]))
        return (version, period) if period.start < period.end else None


def check_objective(name: str, offering: str, timezone: str) -> None:
    """Raise `InvalidObjectiveError` for an unknown zone or an empty name."""
    faults = [
        FieldError(field_name, "required", f"An objective needs its {field_name}.")
        for field_name, value in (("name", name), ("offering", offering))
        if not value.strip()
    ]
    if not has_timezone(timezone):
        message = f"There is no time zone {timezone}; an IANA name such as Europe/Berlin is needed."
        faults.append(FieldError("timezone", "known_timezone", message))
    _raise_if_any(faults)


def check_version(version: ObjectiveVersion, before: Sequence[ObjectiveVersion], now: datetime) -> None:
    """Raise `InvalidObjectiveError` or `OverlappingEffectiveDatesError` for a version that cannot follow."""
    faults = []
    if not 0 < version.target < 1:
        message = "The target is a share between 0 and 1, such as 0.999; both ends are excluded."
        faults.append(FieldError("target", "between_0_and_1", message))
    if version.effective_until is not None and version.effective_until <= version.effective_from:
        message = "effective_until lies after effective_from."
        faults.append(FieldError("effective_until", "after_effective_from", message))
    if version.effective_from < now - LONGEST_PAST:
        message = f"An objective begins {LONGEST_PAST.days} days ago at the earliest."
        faults.append(FieldError("effective_from", "range", message))
    if before and version.effective_from < now:
        message = "A later version holds from now on at the earliest: what was measured stays."
        faults.append(FieldError("effective_from", "not_in_past", message))
    for place, rule in enumerate(version.burn_alerts):
        if rule.short_seconds >= rule.long_seconds:
            message = "The short window is shorter than the long one."
            faults.append(FieldError(f"burn_alerts[{place}].short_seconds", "below_long_seconds", message))
    _raise_if_any(faults)
    for other in before:
        ends = other.effective_until
        if version.effective_from <= other.effective_from or (
            ends is not None and version.effective_from < ends
        ):
            message = f"Version {other.number} is in force at that time."
            fault = FieldError("effective_from", "overlaps", message)
            raise OverlappingEffectiveDatesError(message, field_errors=[fault])


def _raise_if_any(faults: list[FieldError]) -> None:
    if faults:
        raise InvalidObjectiveError(faults[0].message, field_errors=faults)
