"""The log's own verdict beside ours, and why they differ where they do.

A reason is found by folding the same ledger again with one thing changed, the first in `CHANGES` that makes our
verdict the log's. What no change explains is put down to the target, which the log does not tell.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from careloop.sample.history import UnreadableHistoryError
from services.sla.domain.ledger import Entry, EntryKind

Verdict = Callable[[Sequence[Entry]], bool | None]
_FLAGS = {"TRUE": True, "FALSE": False}


class Reason(StrEnum):
    """Why the two verdicts on one incident are not the same, or cannot be compared."""

    NOT_PROMISED = "not_promised"
    """No policy promises a resolution to it."""
    NOT_OVER = "not_over"
    """It still runs at the log's end."""
    WAITING_COUNTED = "waiting_counted"
    """Ours with the time in which it waited counted would be the log's."""
    MEASURED_TO_CLOSING = "measured_to_closing"
    """Ours up to the closing rather than the resolution would be the log's."""
    REOPENING_IGNORED = "reopening_ignored"
    """Ours up to the first resolution would be the log's."""
    FIRST_PRIORITY_KEPT = "first_priority_kept"
    """Ours under the priority that it was opened with would be the log's."""
    LOG_TARGET_SHORTER = "log_target_shorter"
    """The log calls missed what we call met, whatever is changed: its target must be shorter."""
    LOG_TARGET_LONGER = "log_target_longer"
    """The log calls met what we call missed, whatever is changed: its target must be longer."""


def _without(*kinds: EntryKind) -> Callable[[Sequence[Entry]], list[Entry]]:
    return lambda entries: [entry for entry in entries if entry.kind not in kinds]


def _to_closing(entries: Sequence[Entry]) -> list[Entry]:
    if not any(entry.kind is EntryKind.CLOSED for entry in entries):
        return list(entries)
    return _without(EntryKind.RESOLVED, EntryKind.REOPENED)(entries)


def _to_first_resolution(entries: Sequence[Entry]) -> list[Entry]:
    for place, entry in enumerate(entries):
        if entry.kind is EntryKind.RESOLVED:
            return list(entries[: place + 1])
    return list(entries)


CHANGES: Mapping[Reason, Callable[[Sequence[Entry]], list[Entry]]] = {
    Reason.WAITING_COUNTED: _without(EntryKind.WAITING, EntryKind.RESUMED),
    Reason.MEASURED_TO_CLOSING: _to_closing,
    Reason.REOPENING_IGNORED: _to_first_resolution,
    Reason.FIRST_PRIORITY_KEPT: _without(EntryKind.PRIORITISED),
}


def read_made_sla(path: Path) -> dict[str, bool]:
    """By incident the flag of its last row: the log takes it back while an incident goes on.

    Empty where the log has no such column. Raises `UnreadableHistoryError` for another value than TRUE and FALSE.
    """
    verdicts: dict[str, bool] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if "made_sla" not in (reader.fieldnames or ()):
            return {}
        for row, fields in enumerate(reader, 1):
            flag = _FLAGS.get(str(fields["made_sla"]).upper())
            if flag is None:
                raise UnreadableHistoryError(f"{path}, row {row}: made_sla is TRUE or FALSE")
            verdicts[fields["number"]] = flag
    return verdicts


def reason_for(entries: Sequence[Entry], theirs: bool, verdict: Verdict) -> Reason:
    """Why our verdict is not `theirs`. `verdict` is ours of a ledger: met, missed, or None."""
    for reason, change in CHANGES.items():
        changed = change(entries)
        if len(changed) < len(entries) and verdict(changed) is theirs:
            return reason
    return Reason.LOG_TARGET_LONGER if theirs else Reason.LOG_TARGET_SHORTER
