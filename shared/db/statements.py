"""Statements described with SQLAlchemy Core, compiled once, run on asyncpg as they are.

Compiling costs about a millisecond, so every statement is a module-level constant. What would silently go
wrong between the two libraries is refused here, at import:

* `IN (…)` compiles to a placeholder text that only SQLAlchemy's own execution expands: use `= ANY`.
* Literals and Python-side defaults vanish from the arguments: the compiled parameters are read with
  `construct_params`, and values that are not bind parameters are kept as constants.
* Enums would come back as names: columns are text with a CHECK, so no Enum type may appear.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.expression import ClauseElement

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


class StatementError(Exception):
    """This statement cannot be run on asyncpg as it is written."""


class Statement:
    """SQL text with `$n` places and the names that fill them, in order."""

    __slots__ = ("_constants", "_names", "_required", "sql")

    def __init__(self, sql: str, names: tuple[str, ...], constants: Mapping[str, Any]) -> None:
        self.sql = sql
        self._names = names
        self._constants = dict(constants)
        self._required = frozenset(names) - frozenset(constants)

    @property
    def required(self) -> frozenset[str]:
        """The parameters a caller must give."""
        return self._required

    def arguments(self, params: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the places; raises `StatementError` on a missing or unknown name."""
        if len(params) != len(self._required) or not self._required.issuperset(params):
            missing = sorted(self._required - params.keys())
            unknown = sorted(params.keys() - self._required)
            raise StatementError(f"missing {missing}, unknown {unknown} for: {self.sql}")
        constants = self._constants
        return [params[name] if name in params else constants[name] for name in self._names]


def statement(core: ClauseElement) -> Statement:
    """Compile a Core statement for asyncpg. Raises `StatementError` for what would not run as written."""
    _refuse_traps(core)
    compiled = cast("SQLCompiler", core.compile(dialect=_DIALECT))
    for column in (*compiled.insert_prefetch, *compiled.update_prefetch):
        raise StatementError(f"{column.name} has a Python-side default; bind it")
    names = tuple(compiled.positiontup or ())
    binds = compiled.binds
    values = compiled.construct_params({}, _check=False)
    constants = {}
    for name in names:
        bind = binds[name]
        if bind.required:
            continue
        constants[name] = values[name]
    return Statement(str(compiled), names, constants)


def insert(table: sa.Table, *, without: frozenset[str] = frozenset()) -> sa.Insert:
    """An INSERT with one bind parameter a column, except `without` and identity or computed columns.

    Return type is Core, so that `.on_conflict_…` (postgresql) or `.returning` may follow before `statement`.
    """
    from sqlalchemy.dialects.postgresql import insert as pg_insert

    columns = {
        column.name: sa.bindparam(column.name, type_=column.type)
        for column in table.columns
        if column.name not in without and column.identity is None and column.computed is None
    }
    return pg_insert(table).values(columns)


def update(table: sa.Table, *columns: str) -> sa.Update:
    """An UPDATE that sets `columns`, one bind parameter each, named as the column is.

    Identify the row with other names, e.g. `.where(table.c.id == sa.bindparam("row_id"))`: Core reserves a
    column's own name for its value in SET.
    """
    return sa.update(table).values({name: sa.bindparam(name, type_=table.c[name].type) for name in columns})


class Composed:
    """Statements composed from optional filters, compiled once for each set of filters in use.

    `build(key)` makes the Core statement for a key; at most `limit` of them are kept, which bounds what a
    caller with many combinations can make us remember.
    """

    def __init__(self, build: Callable[[Any], ClauseElement], limit: int = 512) -> None:
        self._build = build
        self._limit = limit
        self._compiled: dict[Hashable, Statement] = {}

    def __call__(self, key: Hashable) -> Statement:
        found = self._compiled.get(key)
        if found is None:
            if len(self._compiled) >= self._limit:
                self._compiled.clear()
            found = self._compiled[key] = statement(self._build(key))
        return found


def _refuse_traps(core: ClauseElement) -> None:
    for element in visitors.iterate(core):
        if not isinstance(element, BindParameter):
            continue
        if element.expanding:
            raise StatementError("IN compiles to a placeholder text: use `column = ANY(:array)`")
        if isinstance(element.type, sa.Enum):
            raise StatementError(f"{element.key}: enums come back as names; use text with a CHECK")
