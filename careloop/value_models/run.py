"""What `careloop value fit` and `careloop value score` print."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

import numpy as np

from careloop.value_models.columns import ValueFileInvalidError
from careloop.value_models.inputs import Input, of_summary, of_transactions
from services.valuation.domain.models.catalogue import MODELS, BuyingModel, clv, model_named
from services.valuation.domain.models.discounting import Discounting, Unit
from services.valuation.domain.models.errors import HorizonInvalidError, ModelParametersInvalidError
from services.valuation.domain.models.fitting import fit
from services.valuation.domain.models.gamma_gamma import GammaGamma
from services.valuation.domain.models.histories import Spends, Vector
from services.valuation.domain.models.parameters import Parameters
from services.valuation.domain.models.shifted_beta_geometric import ShiftedBetaGeometric

_ROWS_A_PIECE = 16_384


def fitted(
    model: str,
    *,
    summary: Path | None,
    transactions: Path | None,
    plain: bool,
    unit: str,
    end: date | None,
) -> dict[str, Any]:
    """One JSON object. Raises ValueFileInvalidError."""
    if (summary is None) == (transactions is None):
        raise ValueFileInvalidError("give one file: --summary or --transactions")
    if summary is not None and end is not None:
        raise ValueFileInvalidError(
            "--end is for transactions: a summary has the end of observation in its T"
        )
    given = (
        of_summary(summary, model)
        if summary is not None
        else of_transactions(cast("Path", transactions), model, unit, end)
    )
    found = fit(MODELS[model], given.data, plain=plain)
    shown: dict[str, Any] = {
        "model": found.model,
        "asked": found.asked,
        "parameters": None if found.parameters is None else found.parameters.as_dict(),
        "log_likelihood": found.log_likelihood,
        "customers": int(found.customers) if found.customers.is_integer() else found.customers,
        "converged": found.converged,
        "method": found.method,
        "evaluations": found.evaluations,
        "unit": unit,
        "fallbacks": [{"model": one.model, "reason": one.reason} for one in found.fallbacks],
        "warnings": [*given.notes, *found.warnings],
    }
    if found.correlation is not None:
        shown["spend_frequency_correlation"] = {
            "coefficient": found.correlation.coefficient,
            "p_value": found.correlation.p_value,
        }
    return shown


@dataclass(frozen=True, slots=True)
class ScoreQuestion:
    """What is asked of each row: `horizon` in `unit`; `discount_rate` a year, for clv only."""

    model: str
    parameters: str
    spend_parameters: str | None
    horizon: float | None
    unit: Unit
    discount_rate: float


def scored(question: ScoreQuestion, summary: Path) -> Iterator[str]:
    """CSV, a header and one line for each row of the summary, in pieces of bounded size.

    Everything that can be wrong is raised before the first piece.
    """
    model = parameters_of(question.model, question.parameters)
    given = of_summary(summary, question.model)
    columns = _columns(model, question, given)
    return _pieces(columns)


def _columns(model: Parameters, question: ScoreQuestion, given: Input) -> dict[str, Vector]:
    data = given.data
    if isinstance(model, GammaGamma):
        spends = cast("Spends", data)
        return {
            "expected_average_spend": model.expected_average_spend(spends.frequency, spends.average_spend)
        }
    if question.horizon is None:
        raise HorizonInvalidError("--horizon is missing")
    if isinstance(model, ShiftedBetaGeometric):
        if question.spend_parameters is not None:
            raise ModelParametersInvalidError("s-bg knows no spend: a subscription has a price")
        return {
            "expected_purchases": model.expected_purchases(data.periods, data.ended, question.horizon),
            "p_alive": model.p_alive(data.periods, data.ended),
        }
    buying = cast("BuyingModel", model)
    history = (data.frequency, data.recency, data.periods if question.model == "bg-bb" else data.age)
    columns = {
        "expected_purchases": buying.expected_purchases(*history, question.horizon),
        "p_alive": buying.p_alive(*history),
    }
    if question.spend_parameters is not None:
        if given.average_spend is None:
            raise ValueFileInvalidError("line 1: clv needs the column monetary_value")
        spend = cast("GammaGamma", parameters_of("gamma-gamma", question.spend_parameters))
        discounting = Discounting.by_month(question.horizon, question.unit, question.discount_rate)
        columns["expected_average_spend"] = spend.expected_average_spend(data.frequency, given.average_spend)
        columns["clv"] = clv(buying, spend, history, given.average_spend, discounting)
    return columns


def parameters_of(name: str, text: str) -> Parameters:
    """Out of JSON: the parameters alone, or the whole that `fit` printed. Raises ModelParametersInvalidError."""
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ModelParametersInvalidError(f"the parameters of {name} are not JSON: {error}") from None
    if isinstance(given, dict) and "parameters" in given:
        if given.get("model", name) != name:
            raise ModelParametersInvalidError(f"these are the parameters of {given['model']}, not of {name}")
        given = given["parameters"]
    if not isinstance(given, dict):
        raise ModelParametersInvalidError(f"the parameters of {name} are a JSON object")
    return model_named(name).of(given)


def _pieces(columns: dict[str, Vector]) -> Iterator[str]:
    yield ",".join(columns)
    table = np.column_stack(list(columns.values()))
    for start in range(0, len(table), _ROWS_A_PIECE):
        piece = table[start : start + _ROWS_A_PIECE].tolist()
        yield "\n".join(",".join(map(repr, row)) for row in piece)
