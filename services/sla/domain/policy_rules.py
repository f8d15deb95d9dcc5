"""Rules of a policy version among the others: its calendar, its dates, its rivals."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import zip_longest

from services.sla.domain.calendars import InvalidCalendarError
from services.sla.domain.catalogue import CalendarVersion
from services.sla.domain.commitment_policy import COMMITMENTS
from services.sla.domain.errors import OverlappingEffectiveDatesError
from services.sla.domain.matching import conditions
from services.sla.domain.meters import meter_of
from services.sla.domain.policies import PolicyVersion
from services.sla.domain.policy_document import refused
from services.sla.domain.units import Duration
from shared.kernel.errors import FieldError


def check_version(
    version: PolicyVersion, calendar_versions: Sequence[CalendarVersion], others: Iterable[PolicyVersion]
) -> None:
    """Raise what is wrong with adding `version`.

    calendar_versions  of the calendar that it names, oldest first; none when the calendar is unknown
    others             every policy version there is
    """
    _check_dates(version)
    _check_calendar(version, calendar_versions)
    for other, ends_at in _with_ends(others):
        _check_overlap(version, other, ends_at)


def _check_dates(version: PolicyVersion) -> None:
    if version.effective_until is not None and version.effective_until <= version.effective_from:
        message = "effective_until lies after effective_from."
        raise refused([FieldError("effective_until", "after_effective_from", message)])


def _check_calendar(version: PolicyVersion, calendar_versions: Sequence[CalendarVersion]) -> None:
    if version.calendar_id is None:
        return
    if not calendar_versions:
        message = f"There is no calendar {version.calendar_id}."
        raise refused([FieldError("calendar_id", "known_calendar", message)])
    held = [calendar for calendar in calendar_versions if calendar.effective_from <= version.effective_from]
    if not held:
        first = calendar_versions[0].effective_from.isoformat()
        message = f"The calendar is in force from {first} on; the policy cannot be before."
        raise refused([FieldError("effective_from", "calendar_in_force", message)])
    faults = [
        FieldError(
            f"targets[{place}].duration", "impossible", f"{duration} is never reached on this calendar."
        )
        for place, duration in _never_reached(version, held[-1], version.effective_from)
    ]
    if faults:
        raise refused(faults)


def check_calendar(version: CalendarVersion, policies: Iterable[PolicyVersion]) -> None:
    """Raise `InvalidCalendarError` where a policy that counts on this calendar promises what would never be due:
    its clocks would stand still unnoticed.

    policies  every policy version there is
    """
    faults = []
    for policy, ends_at in _with_ends(policies):
        since = max(version.effective_from, policy.effective_from)
        if policy.calendar_id != version.calendar_id or (ends_at is not None and ends_at <= since):
            continue
        for _, duration in _never_reached(policy, version, since):
            message = f"Policy {policy.name} promises {duration}, which is never reached on this calendar."
            faults.append(FieldError("weekly", "impossible", message))
    if faults:
        raise InvalidCalendarError(faults[0].message, field_errors=faults)


def _never_reached(
    version: PolicyVersion, calendar: CalendarVersion, since: datetime
) -> Iterator[tuple[int, Duration]]:
    """Place and duration of the targets without a due date when they start at `since`."""
    for place, target in enumerate(version.targets.values()):
        unit = target.duration.unit
        meter = meter_of(unit, calendar.timeline if unit.needs_calendar else None, since)
        if meter.reach(since, target.duration.position) is None:
            yield place, target.duration


def _with_ends(versions: Iterable[PolicyVersion]) -> Iterator[tuple[PolicyVersion, datetime | None]]:
    """Each version with the instant at which it stops holding: its own end or the next one's beginning."""
    ordered = sorted(versions, key=lambda version: (version.policy_id, version.effective_from))
    for earlier, later in zip_longest(ordered, ordered[1:]):
        follows = later is not None and later.policy_id == earlier.policy_id
        ends = [earlier.effective_until, later.effective_from if follows else None]
        yield earlier, min((end for end in ends if end is not None), default=None)


def _check_overlap(version: PolicyVersion, other: PolicyVersion, ends_at: datetime | None) -> None:
    """Versions of one policy follow each other; equal matches of one agreement never hold together."""
    if other.policy_id == version.policy_id:
        if version.effective_from <= other.effective_from:
            after = f"after version {other.number}, which holds from {other.effective_from.isoformat()} on"
            raise _overlapping(f"A new version holds from a later instant: {after}.")
        if other.effective_until is not None and version.effective_from < other.effective_until:
            until = other.effective_until.isoformat()
            raise _overlapping(f"Version {other.number} holds until {until}.")
        return
    if other.policy_id == COMMITMENTS.policy_id:
        return  # it counts where no other policy says anything, and any other one comes first
    if other.agreement is not version.agreement or not set(other.targets) & set(version.targets):
        return
    same = other.match.subject_kind is version.match.subject_kind
    if not same or conditions(other.match) != conditions(version.match):
        return
    if _meets(version, other.effective_from, ends_at):
        message = f"Policy {other.name} (version {other.number}) matches the same subjects at the same time."
        raise _overlapping(message)


def _meets(version: PolicyVersion, start: datetime, end: datetime | None) -> bool:
    if end is not None and end <= version.effective_from:
        return False
    return version.effective_until is None or start < version.effective_until


def _overlapping(message: str) -> OverlappingEffectiveDatesError:
    fault = FieldError("effective_from", "overlaps", message)
    return OverlappingEffectiveDatesError(message, field_errors=[fault])
