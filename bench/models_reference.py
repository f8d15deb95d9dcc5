"""The reference of the models bench: `lifetimes`, in an environment and a process of its own.

Reads one JSON object (`kind`, `data`), prints one: seconds of processor and of wall time, peak of memory, the answer.
"""

import json
import os
import resource
import sys
import time
import warnings
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from lifetimes import BetaGeoFitter, GammaGammaFitter  # noqa: E402


def answer(kind: str, data: Any, given: dict[str, Any]) -> list[float]:
    x, t_x, age, spend = (data[name] for name in ("frequency", "recency", "age", "spend"))
    if kind == "bg-nbd":
        fitter = BetaGeoFitter()
        fitter.fit(x, t_x, age)
        return [float(fitter.params_[name]) for name in ("r", "alpha", "a", "b")]
    if kind == "gamma-gamma":
        fitter = GammaGammaFitter()
        repeat = x > 0
        fitter.fit(x[repeat], spend[repeat])
        return [float(fitter.params_[name]) for name in ("p", "q", "v")]
    model, money = BetaGeoFitter(), GammaGammaFitter()
    model.params_ = pd.Series(given["bg-nbd"])
    model.predict = model.conditional_expected_number_of_purchases_up_to_time  # which its fit would set
    money.params_ = pd.Series(dict(zip(("p", "q", "v"), given["gamma-gamma"].values(), strict=True)))
    columns = (pd.Series(column) for column in (x, t_x, age, spend))
    values = money.customer_lifetime_value(model, *columns, time=12, discount_rate=0.01, freq="W")
    return [float(values.sum()), *(float(one) for one in values[:5])]


def main() -> None:
    asked = json.loads(sys.stdin.read())
    data = dict(np.load(asked["data"]))
    wall, processor = time.perf_counter(), time.process_time()
    found = answer(asked["kind"], data, asked)
    print(
        json.dumps(
            {
                "answer": found,
                "seconds": time.process_time() - processor,
                "wall": time.perf_counter() - wall,
                "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
