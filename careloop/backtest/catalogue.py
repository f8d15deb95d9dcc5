"""Policies and calendars from files, checked as the service checks them, for as many years as a log needs."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.sla.api.policy_models import PolicyDocument
from services.sla.domain.calendars import CalendarSpecification, materialise
from services.sla.domain.catalogue import CalendarVersion, Catalogue
from services.sla.domain.policies import PolicyVersion
from services.sla.domain.policy_document import read_policy
from services.sla.domain.policy_rules import check_version
from shared.kernel.errors import InvalidInputError
from shared.kernel.ids import derived_id

# Targets reach beyond the log's end; calendars must, too.
YEARS_AFTER = 12


class UnreadableFileError(InvalidInputError):
    """A file of the backtest is not what it should be."""


def read_catalogue(policy_file: Path, calendar_file: Path | None, years: range) -> Catalogue:
    """All of them in force before the first of `years`.

    The policy file holds one policy document as the API takes it, or a list of them; each may name its calendar
    by `calendar` (else the only one there is counts). The calendar file holds one specification, or several by
    name. Raises `UnreadableFileError`, `InvalidPolicyError`, `InvalidCalendarError`,
    `OverlappingEffectiveDatesError`.
    """
    since = datetime(years.start, 1, 1, tzinfo=UTC)
    calendars = _calendars(calendar_file, since, years)
    policies: list[PolicyVersion] = []
    for place, written in enumerate(_documents(policy_file), 1):
        version = _policy(written, place, calendars, since)
        chosen = [one for one in calendars.values() if one.calendar_id == version.calendar_id]
        check_version(version, chosen, policies)
        policies.append(version)
    return Catalogue(1, policies, calendars.values())


def _policy(
    written: Mapping[str, Any], place: int, calendars: Mapping[str, CalendarVersion], since: datetime
) -> PolicyVersion:
    document = {
        name: value for name, value in written.items() if name not in ("name", "calendar", "calendar_id")
    }
    for field in ("effective_from", "effective_until"):
        if field in written:
            message = f"policy {place}: the whole log is measured by it; leave {field} out"
            raise UnreadableFileError.of(field, "not_taken", message)
    for field in ("name", "calendar"):
        if not isinstance(written.get(field), str | None):
            raise UnreadableFileError.of(field, "text", f"policy {place}: {field} is a text")
    named = written.get("calendar")
    if named is None and len(calendars) > 1:
        message = f"policy {place} names no calendar; name one of {', '.join(calendars)}"
        raise UnreadableFileError.of("calendar", "required", message)
    if named is not None and named not in calendars:
        message = f"policy {place} names the calendar {named!r}; there are {', '.join(calendars) or 'none'}"
        raise UnreadableFileError.of("calendar", "known_calendar", message)
    calendar = calendars.get(named) if named is not None else _only(calendars)
    if calendar is not None:
        document["calendar_id"] = str(calendar.calendar_id)
    content = read_policy(_checked(document, place))
    name = str(written.get("name") or f"policy {place}")
    return PolicyVersion(
        id=derived_id("backtest policy version", str(place)),
        policy_id=derived_id("backtest policy", str(place)),
        name=name,
        number=1,
        agreement=content.agreement,
        match=content.match,
        calendar_id=None if calendar is None else calendar.calendar_id,
        targets=content.targets,
        effective_from=since,
        effective_until=None,
        revision=1,
    )


def _checked(document: Mapping[str, Any], place: int) -> dict[str, Any]:
    """The form as the API takes it."""
    try:
        return PolicyDocument.model_validate(document).document()
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(str(part) for part in fault["loc"])
        raise UnreadableFileError.of(field, fault["type"], f"policy {place}: {fault['msg']}") from None


def _only(calendars: Mapping[str, CalendarVersion]) -> CalendarVersion | None:
    return next(iter(calendars.values())) if len(calendars) == 1 else None


def _calendars(file: Path | None, since: datetime, years: range) -> dict[str, CalendarVersion]:
    if file is None:
        return {}
    written = _json(file)
    if not isinstance(written, dict):
        raise UnreadableFileError.of("calendar", "object", f"{file} is no calendar, nor calendars by name")
    several = {"calendar": written} if "timezone" in written else written
    return {
        name: CalendarVersion(
            id=derived_id("backtest calendar version", name),
            calendar_id=derived_id("backtest calendar", name),
            name=name,
            number=1,
            effective_from=since,
            revision=1,
            resolved=materialise(CalendarSpecification.parse(specification), years),
        )
        for name, specification in several.items()
    }


def _documents(file: Path) -> Sequence[Mapping[str, Any]]:
    written = _json(file)
    documents = written if isinstance(written, list) else [written]
    if not documents or not all(isinstance(one, dict) for one in documents):
        raise UnreadableFileError.of("policy", "object", f"{file} is no policy, nor a list of policies")
    return documents


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableFileError.of("file", "readable", f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError.of("file", "json", f"{file} is not JSON: {error}") from None
