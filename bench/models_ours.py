"""The value models' part of the models bench, in a process of its own so that its peak of memory is its own.

Reads one JSON object (`kind`, `data`), prints one: seconds of processor and of wall time, peak of memory, the answer.
"""

import json
import resource
import sys
import time
from typing import Any

import careloop

assert careloop.__doc__, "imported before numpy, so that there is one BLAS thread"

import numpy as np  # noqa: E402

from services.valuation.domain.models.beta_geometric import BgNbd  # noqa: E402
from services.valuation.domain.models.catalogue import clv  # noqa: E402
from services.valuation.domain.models.discounting import Discounting  # noqa: E402
from services.valuation.domain.models.fitting import fit  # noqa: E402
from services.valuation.domain.models.gamma_gamma import GammaGamma  # noqa: E402
from services.valuation.domain.models.histories import Histories, Spends  # noqa: E402

MONTH = 4.345  # weeks, as lifetimes has it


def answer(kind: str, data: Any, given: dict[str, Any]) -> list[float]:
    x, t_x, age, spend = (data[name] for name in ("frequency", "recency", "age", "spend"))
    if kind == "bg-nbd":
        found = fit(BgNbd, Histories.of(x, t_x, age), plain=True)
    elif kind == "gamma-gamma":
        found = fit(GammaGamma, Spends.of(x, spend), plain=True)
    else:
        model, money = BgNbd.of(given["bg-nbd"]), GammaGamma.of(given["gamma-gamma"])
        months = np.arange(1, 13)
        steps = Discounting(months * MONTH, 1.01**-months)
        values = clv(model, money, (x, t_x, age), spend, steps)
        return [float(values.sum()), *(float(one) for one in values[:5])]
    assert found.parameters is not None
    return list(found.parameters.as_dict().values())


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
