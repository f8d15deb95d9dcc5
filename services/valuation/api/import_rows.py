"""The rows of an import's body, read while it arrives: CSV with a header line, or one JSON object a line.

A reader is fed bytes and gives back rows with their number (data rows, from 1); a row that cannot be read is
given back as a rejection, and the rest goes on. What is held is one unfinished row, at most `LONGEST_ROW`.
"""

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from services.valuation.api.transactions import TransactionIn
from services.valuation.domain.errors import ImportHeaderInvalidError
from services.valuation.domain.import_turns import turn_of
from services.valuation.domain.ledger import LedgerRules
from services.valuation.persistence.imports import ImportRow, Rejection
from shared.kernel.errors import CareloopError, FieldError
from shared.web.problems import field_path

LONGEST_ROW = 65_536
COLUMNS = tuple(TransactionIn.model_fields)
REQUIRED = ("external_id", "amount_minor", "occurred_at")
_BOM = b"\xef\xbb\xbf"


class RowReader:
    """Cuts the body into rows. A subclass says when a row is complete and what it holds."""

    def __init__(self, ledger: LedgerRules, now: datetime) -> None:
        self._ledger = ledger
        self._now = now
        self._rest = b""
        self._skips = False
        self._at_start = True
        self.rows = 0

    def feed(self, chunk: bytes) -> Iterator[ImportRow | Rejection]:
        """The rows that end within `chunk`."""
        if self._at_start and chunk:
            chunk, self._at_start = chunk.removeprefix(_BOM), False
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        yield from self._lines(lines)
        if len(self._rest) > LONGEST_ROW:
            self._skips, self._rest = True, b""

    def finish(self) -> Iterator[ImportRow | Rejection]:
        """The last row, if no line break ended it."""
        if self._rest or self._skips:
            yield from self._line(self._rest)
        yield from self._end()

    def _lines(self, lines: list[bytes]) -> Iterator[ImportRow | Rejection]:
        for line in lines:
            yield from self._line(line)

    def _line(self, line: bytes) -> Iterator[ImportRow | Rejection]:
        if self._skips or len(line) > LONGEST_ROW:
            self._skips = False
            yield self._too_long()
            return
        yield from self._row(line.removesuffix(b"\r"))

    def _row(self, line: bytes) -> Iterator[ImportRow | Rejection]:
        raise AssertionError("a subclass reads rows")

    def _end(self) -> Iterator[ImportRow | Rejection]:
        yield from ()

    def _checked(self, row: TransactionIn) -> ImportRow | Rejection:
        booking = row.to_booking(self._ledger)
        try:
            self._ledger.check(booking.entry, self._now)
        except CareloopError as error:
            field = error.field_errors[0].field if error.field_errors else None
            return self._rejection(error.code, field, error.detail, row.external_id)
        entry, customer_id, name = booking
        return ImportRow(self.rows, entry, customer_id, name, turn_of(entry.kind, customer_id, name))

    def _too_long(self) -> Rejection:
        self.rows += 1
        return self._rejection("row_too_long", None, f"A row has at most {LONGEST_ROW} bytes", None)

    def _invalid(self, error: ValidationError, external_id: str | None) -> Rejection:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return self._rejection("invalid_input", field_path(first["loc"]), first["msg"], external_id)

    def _rejection(self, code: str, field: str | None, message: str, external_id: str | None) -> Rejection:
        return Rejection(self.rows, None if external_id is None else external_id[:200], code, field, message)


class NdjsonReader(RowReader):
    """One JSON object a line; empty lines are none."""

    def _row(self, line: bytes) -> Iterator[ImportRow | Rejection]:
        if not line.strip():
            return
        self.rows += 1
        try:
            yield self._checked(TransactionIn.model_validate_json(line))
        except ValidationError as error:
            yield self._invalid(error, None)


class CsvReader(RowReader):
    """RFC 4180: the first line names columns of `TransactionIn`; an empty field is an absent one."""

    def __init__(self, ledger: LedgerRules, now: datetime) -> None:
        super().__init__(ledger, now)
        self._columns: list[str] | None = None
        self._open: list[bytes] = []
        self._open_length = 0
        self._drops = False

    def _lines(self, lines: list[bytes]) -> Iterator[ImportRow | Rejection]:
        at = 0
        while at < len(lines) and self._columns is None:
            yield from self._line(lines[at])
            at += 1
        lines = lines[at:]
        texts = self._plain(lines)
        if texts is None or self._columns is None:
            yield from super()._lines(lines)
            return
        for values in csv.reader(texts, strict=True):
            self.rows += 1
            yield self._values(values, self._columns)

    def _plain(self, lines: list[bytes]) -> list[str] | None:
        """The lines as text where none needs a second look, as most have it: then they are read all at once."""
        if not lines or self._skips or self._drops or self._open:
            return None
        block = (
            b"\n".join([line for line in lines if line.strip()]).replace(b"\r\n", b"\n").removesuffix(b"\r")
        )
        if not block or b'"' in block or b"\r" in block or max(map(len, lines)) > LONGEST_ROW:
            return None
        try:
            return block.decode().split("\n")
        except UnicodeDecodeError:
            return None

    def _row(self, line: bytes) -> Iterator[ImportRow | Rejection]:
        # An odd number of quotes opens or closes a quoted field that goes on over the line break.
        turns = line.count(b'"') % 2 == 1
        if self._drops:
            self._drops = not turns
            return
        if self._open or turns:
            self._open.append(line)
            self._open_length += len(line) + 1
            if self._open_length > LONGEST_ROW:
                self._drops, self._open, self._open_length = not (turns and len(self._open) > 1), [], 0
                yield self._too_long()
                return
            if not (turns and len(self._open) > 1):
                return
            line = b"\n".join(self._open)
            self._open, self._open_length = [], 0
        yield from self._complete(line)

    def _complete(self, record: bytes) -> Iterator[ImportRow | Rejection]:
        if not record.strip():
            return
        if self._columns is None:
            self._columns = _header(record)
            return
        self.rows += 1
        yield self._record(record, self._columns)

    def _end(self) -> Iterator[ImportRow | Rejection]:
        if self._open:
            self._open = []
            self.rows += 1
            yield self._rejection("invalid_input", None, "A quoted field does not end", None)
        if self._columns is None:
            raise ImportHeaderInvalidError("the body has no header line")

    def _record(self, record: bytes, columns: list[str]) -> ImportRow | Rejection:
        try:
            values = next(csv.reader([record.decode()], strict=True))
        except (UnicodeDecodeError, csv.Error) as error:
            return self._rejection("invalid_input", None, f"The row cannot be read: {error}", None)
        return self._values(values, columns)

    def _values(self, values: list[str], columns: list[str]) -> ImportRow | Rejection:
        if len(values) != len(columns):
            message = f"The row has {len(values)} fields, the header {len(columns)}"
            return self._rejection("invalid_input", None, message, None)
        row: dict[str, Any] = {
            name: value for name, value in zip(columns, values, strict=True) if value != ""
        }
        try:
            return self._checked(TransactionIn.model_validate(row))
        except ValidationError as error:
            return self._invalid(error, row.get("external_id"))


def _header(line: bytes) -> list[str]:
    """The columns. Raises `ImportHeaderInvalidError` naming the first one that is wrong."""
    try:
        columns = [name.strip() for name in next(csv.reader([line.decode()], strict=True))]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ImportHeaderInvalidError("the header line cannot be read as UTF-8 CSV") from error
    problems = [
        *(
            FieldError(name, "unknown", f"There is no column {name!r}")
            for name in columns
            if name not in COLUMNS
        ),
        *(
            FieldError(name, "required", f"The column {name} is missing")
            for name in REQUIRED
            if name not in columns
        ),
        *(
            FieldError(name, "unique", f"The column {name} appears twice")
            for name in sorted({one for one in columns if columns.count(one) > 1})
        ),
    ]
    if not {"customer_id", "customer_external_id"} & set(columns):
        problems.append(FieldError("customer_external_id", "required", "No column names the customer"))
    if problems:
        raise ImportHeaderInvalidError(problems[0].message, field_errors=problems)
    return columns
