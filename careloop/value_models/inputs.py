"""From a file to what a model takes: a summary is checked and passed on, transactions are summed up first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from careloop.value_models.columns import Columns, ValueFileInvalidError, read_columns
from careloop.value_models.transactions import Log, read_log
from services.valuation.domain.models.errors import HistoryInvalidError
from services.valuation.domain.models.histories import (
    MOST_PERIODS,
    DiscreteHistories,
    Histories,
    Spends,
    Subscriptions,
    Vector,
)

DAYS: Final = {"day": 1, "week": 7}


@dataclass(frozen=True, slots=True)
class Input:
    """What the model takes, the average spend of each row where there is one, and what the reader should know."""

    data: Any
    average_spend: Vector | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Form:
    """The columns of a summary, and how a log becomes them; None where no log can."""

    columns: tuple[str, ...]
    build: Callable[..., Any]
    of_log: Callable[[Log, int], Sequence[Sequence[float]]] | None


def _continuous(log: Log, days_a_unit: int) -> Sequence[Sequence[float]]:
    rows = [
        (len(days) - 1, (days[-1] - days[0]) / days_a_unit, (log.end - days[0]) / days_a_unit)
        for days, _ in log.days()
    ]
    return list(zip(*rows, strict=True))


def _discrete(log: Log, days_a_unit: int) -> Sequence[Sequence[float]]:
    """Chance j is the j-th unit after the day of the first purchase; an unfinished unit is left out."""
    rows = []
    for days, _ in log.days():
        periods = (log.end - days[0]) // days_a_unit
        if periods > MOST_PERIODS:
            raise ValueFileInvalidError(
                f"a customer has {periods} periods; at most {MOST_PERIODS} can be had"
            )
        taken = {-(-(day - days[0]) // days_a_unit) for day in days[1:]}
        taken = {chance for chance in taken if chance <= periods}
        rows.append((len(taken), max(taken, default=0), periods))
    return list(zip(*rows, strict=True))


def _spends(log: Log, _: int) -> Sequence[Sequence[float]]:
    rows = [(len(days) - 1, spent / max(len(days) - 1, 1)) for days, spent in log.days()]
    return list(zip(*rows, strict=True))


_BUYING: Final = _Form(("frequency", "recency", "T"), Histories.of, _continuous)
_FORMS: Final = {
    "bg-nbd": _BUYING,
    "mbg-nbd": _BUYING,
    "pareto-nbd": _BUYING,
    "gamma-gamma": _Form(("frequency", "monetary_value"), Spends.of, _spends),
    "bg-bb": _Form(("frequency", "recency", "periods"), DiscreteHistories.of, _discrete),
    "s-bg": _Form(("periods", "ended"), Subscriptions.of, None),
}


def of_summary(path: Path, model: str) -> Input:
    """Raises ValueFileInvalidError, with the line of the file."""
    form = _FORMS[model]
    read = read_columns(path, form.columns, ("weight", "monetary_value", *_BUYING.columns))
    weight = read.numbers.get("weight")
    data = _built(form, read, [np.asarray(read.numbers[name]) for name in form.columns], weight)
    spend = None
    if "monetary_value" in read.numbers and "frequency" in read.numbers:
        spent = [np.asarray(read.numbers[name]) for name in ("frequency", "monetary_value")]
        spend = _built(_FORMS["gamma-gamma"], read, spent, weight).average_spend
    notes = [f"columns not read: {', '.join(read.unused)}"] if read.unused else []
    return Input(data, spend, tuple(notes))


def of_transactions(path: Path, model: str, unit: str, end: date | None) -> Input:
    """Raises ValueFileInvalidError, with the line of the file."""
    form = _FORMS[model]
    if form.of_log is None:
        raise ValueFileInvalidError(
            f"{model} is fitted to a summary: transactions do not show when somebody cancelled"
        )
    log = read_log(path, end)
    notes = [f"{log.after} transactions after {end} were left out"] if log.after else []
    return Input(form.build(*form.of_log(log, DAYS[unit])), None, tuple(notes))


def _built(form: _Form, read: Columns, columns: Sequence[Vector], weight: Any) -> Any:
    try:
        return form.build(*columns, weight)
    except HistoryInvalidError as error:
        raise ValueFileInvalidError(f"line {read.lines[error.row]}: {error.rule}") from None
