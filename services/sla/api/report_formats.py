"""A report as CSV, for spreadsheets, and as lines that tell how far it is."""

import csv
import io
from collections.abc import AsyncIterator

from pydantic_core import to_json

from services.sla.domain.reports.tables import Row, Table, Value
from services.sla.usecases.make_report import Progress
from shared.kernel.errors import CareloopError

CSV = "text/csv"
NDJSON = "application/x-ndjson"
# What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection"); full-width signs count in some.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(value: Value) -> str:
    """A cell: numbers as they are, nothing as nothing, text so that no spreadsheet runs it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return str(value)


def to_csv(columns: list[str], rows: list[Row]) -> bytes:
    """RFC 4180, UTF-8, with a header."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(columns)
    writer.writerows([cell(row[name]) for name in columns] for row in rows)
    return written.getvalue().encode()


async def lines(first: Progress, following: AsyncIterator[Progress], table: Table) -> AsyncIterator[bytes]:
    """One JSON value a line: `{"done": …, "total": …}` while it is read, then the rows, then how many they were.

    What goes wrong on the way is the last line, as `{"code": …, "detail": …}`.
    """
    yield _line({"done": first.done, "total": first.total})
    try:
        async for progress in following:
            yield _line({"done": progress.done, "total": progress.total})
        rows = table.rows()
    except CareloopError as error:
        yield _line({"code": error.code, "detail": error.detail})
        return
    for row in rows:
        yield _line(row)
    yield _line({"rows": len(rows)})


def _line(value: object) -> bytes:
    return to_json(value) + b"\n"
