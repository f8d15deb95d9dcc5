"""Readers of the three real logs: CDNOW orders, UCI ServiceNow incidents, CFPB complaints."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

from careloop.sample.history import Incident, LoggedComplaint, LoggedUpdate, Purchase, UnreadableHistoryError

CDNOW_FIELDS = 5
CENTS = 100
UNKNOWN = "?"
INCIDENT_COLUMNS = (
    "number",
    "incident_state",
    "caller_id",
    "opened_at",
    "sys_updated_at",
    "contact_type",
    "category",
    "priority",
    "assignment_group",
    "assigned_to",
)
COMPLAINT_COLUMNS = (
    "Date received",
    "Product",
    "Issue",
    "Submitted via",
    "Company response to consumer",
    "Timely response?",
    "Consumer disputed?",
)


def read_purchases(path: Path | None = None) -> list[Purchase]:
    """CDNOW's 1/10 sample: `master id, id, yyyymmdd, units, dollars` a line, no header.

    Without a path the sample that ships with the project. One order becomes one purchase; its external id counts
    the customer's orders, since the sample has none of its own.
    """
    shipped = files("careloop.sample") / "data" / "cdnow_sample.txt"
    try:
        text = path.read_text(encoding="utf-8") if path else shipped.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableHistoryError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UnreadableHistoryError(f"{path} is not UTF-8 text: {error}") from None
    purchases: list[Purchase] = []
    orders: Counter[str] = Counter()
    for row, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if len(fields) != CDNOW_FIELDS:
            raise UnreadableHistoryError(
                f"{path}, line {row}: {len(fields)} fields instead of {CDNOW_FIELDS}: id, id, yyyymmdd, units, dollars"
            )
        _, customer, day, units, dollars = fields
        orders[customer] += 1
        try:
            purchases.append(
                Purchase(
                    external_id=f"cdnow-{customer}-{orders[customer]}",
                    customer=f"cdnow-{customer}",
                    day=datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date(),
                    units=int(units),
                    amount_minor=_cents(dollars),
                )
            )
        except (ValueError, ArithmeticError):
            raise UnreadableHistoryError(
                f"{path}, line {row}: {line.strip()!r} is not id, id, yyyymmdd, units, dollars"
            ) from None
    return purchases


def read_incidents(path: Path) -> list[Incident]:
    """The UCI event log: one row an update. Rows of one incident stay in the log's own order.

    The log's times have no zone; they are read as UTC. Raises `UnreadableHistoryError` naming the row.
    """
    incidents: dict[str, Incident] = {}
    updates: dict[str, list[LoggedUpdate]] = {}
    for row, fields in _rows(path, INCIDENT_COLUMNS):
        number = fields["number"]
        update = LoggedUpdate(
            at=_logged_instant(fields["sys_updated_at"], f"{path}, row {row}"),
            state=fields["incident_state"],
            priority=fields["priority"],
            category=_known(fields["category"]),
            group=_known(fields["assignment_group"]),
            assignee=_known(fields["assigned_to"]),
        )
        updates.setdefault(number, []).append(update)
        if number not in incidents:
            opened_at = _logged_instant(fields["opened_at"], f"{path}, row {row}")
            own = updates[number]
            incidents[number] = Incident(number, fields["caller_id"], opened_at, fields["contact_type"], own)
    return list(incidents.values())


def read_complaints(path: Path) -> list[LoggedComplaint]:
    """The CFPB's public complaints. Numbered by row, because the extract has no id."""
    return [
        LoggedComplaint(
            number=f"CFPB-{row:05d}",
            received_on=_american_date(fields["Date received"], f"{path}, row {row}"),
            submitted_via=fields["Submitted via"],
            product=fields["Product"],
            issue=fields["Issue"],
            company_response=fields["Company response to consumer"],
            timely=fields["Timely response?"] == "Yes",
            disputed={"Yes": True, "No": False}.get(fields["Consumer disputed?"]),
        )
        for row, fields in _rows(path, COMPLAINT_COLUMNS)
    ]


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise UnreadableHistoryError(f"{path} lacks the columns {', '.join(missing)}")
            for row, fields in enumerate(reader, 1):
                short = [column for column in columns if fields[column] is None]
                if short:
                    raise UnreadableHistoryError(f"{path}, row {row}: {', '.join(short)} missing")
                yield row, fields
    except OSError as error:
        raise UnreadableHistoryError(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableHistoryError(f"{path} is not UTF-8 CSV: {error}") from None


def _cents(dollars: str) -> int:
    """Whole cents. Raises ValueError or ArithmeticError for anything else."""
    cents = Decimal(dollars) * CENTS
    if cents != int(cents):
        raise ValueError(f"{dollars} has fractions of a cent")
    return int(cents)


def _known(value: str) -> str | None:
    return None if value in {UNKNOWN, ""} else value


def _logged_instant(value: str, where: str) -> datetime:
    try:
        return datetime.strptime(value, "%d-%m-%Y %H:%M").replace(tzinfo=UTC)
    except ValueError:
        raise UnreadableHistoryError(f"{where}: {value!r} is not dd-mm-yyyy hh:mm") from None


def _american_date(value: str, where: str) -> date:
    try:
        return datetime.strptime(value, "%m/%d/%Y").replace(tzinfo=UTC).date()
    except ValueError:
        raise UnreadableHistoryError(f"{where}: {value!r} is not mm/dd/yyyy") from None
