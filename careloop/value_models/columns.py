"""Columns of numbers out of a CSV file; whatever is wrong is named with its line."""

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.kernel.errors import InvalidInputError


class ValueFileInvalidError(InvalidInputError):
    """A file of purchases is not what it should be; the detail names the line and the rule."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that were asked for, by name, the line on which each row ends, and what was not read."""

    numbers: dict[str, "array[float]"]
    lines: "array[int]"
    unused: tuple[str, ...]


def read_columns(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Columns:
    """Eight bytes a number and a row. Raises ValueFileInvalidError; ranges are the models' affair."""
    wanted = (*required, *optional)
    numbers: dict[str, array[float]] = {}
    lines = array("q")
    unused: tuple[str, ...] = ()
    for line, row in rows_of(path, required):
        if not lines:
            numbers = {name: array("d") for name in wanted if name in row}
            unused = tuple(name for name in row if name not in wanted)
        lines.append(line)
        for name, column in numbers.items():
            try:
                column.append(float(row[name]))
            except ValueError:
                raise ValueFileInvalidError(
                    f"line {line}: {name} must be a number, not {row[name]!r}"
                ) from None
    if not lines:
        raise ValueFileInvalidError("there is no row below the header")
    return Columns(numbers, lines, unused)


def rows_of(path: Path, required: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by name of each row; blank lines are passed over. Raises ValueFileInvalidError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = [name.strip() for name in next(rows, [])]
            missing = [name for name in required if name not in header]
            if missing:
                raise ValueFileInvalidError(f"line 1: the header lacks {', '.join(missing)}")
            if len(set(header)) < len(header):
                raise ValueFileInvalidError("line 1: the header names a column twice")
            for cells in rows:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise ValueFileInvalidError(
                        f"line {rows.line_num}: {len(cells)} cells where the header has {len(header)}"
                    )
                yield rows.line_num, dict(zip(header, cells, strict=True))
    except UnicodeDecodeError:
        raise ValueFileInvalidError("the file is not UTF-8 text") from None
    except csv.Error as error:
        raise ValueFileInvalidError(f"line {rows.line_num}: {error}") from None
