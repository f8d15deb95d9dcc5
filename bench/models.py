"""Value models against the `lifetimes` library: fits and 12-month CLV on the same customers, in turns of one run.

`lifetimes` has an environment of its own (`requirements/lifetimes.txt`, kept under `.careloop/`). Each measurement is a
process of its own, so that its peak of memory is its own; answers are compared before any speed is. Figures are
seconds of processor time. `python -m bench.models 10000 100000` takes other sizes.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import numpy as np

from bench.machine import machine

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "lifetimes.txt"
SIZES = (10_000, 100_000, 1_000_000)
BARS = {"bg-nbd": 15, "gamma-gamma": 10, "clv": 50}
MEMORY_BAR = 0.4
TOLERANCES = {"bg-nbd": 0.02, "gamma-gamma": 0.02, "clv": 1e-5}
PARAMETERS = {
    "bg-nbd": {"r": 0.2426, "alpha": 4.4135, "a": 0.7929, "b": 2.4258},
    "gamma-gamma": {"p": 6.25, "q": 3.74, "gamma": 15.44},
}


def environment() -> Path:
    """The interpreter that has the reference, installed once a lock."""
    place = ROOT / ".careloop" / "bench" / f"lifetimes-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    python = place / "bin" / "python"
    ready = place / ".complete"
    if not ready.exists():
        venv.create(place, with_pip=True, clear=True)
        install = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
        ]
        subprocess.run([*install, "-r", LOCK], check=True)
        ready.touch()
    return python


def customers(count: int) -> dict[str, Any]:
    """Drawn from BG/NBD and Gamma-Gamma with the parameters of CDNOW; whole days, in weeks, as a shop has them."""
    chance = np.random.default_rng(count)
    age = chance.integers(27 * 7, 39 * 7, count) / 7
    rate = chance.gamma(PARAMETERS["bg-nbd"]["r"], 1 / PARAMETERS["bg-nbd"]["alpha"], count)
    leaving = chance.beta(PARAMETERS["bg-nbd"]["a"], PARAMETERS["bg-nbd"]["b"], count)
    frequency, recency, clock = np.zeros(count), np.zeros(count), np.zeros(count)
    alive = np.flatnonzero(rate > 1e-9)
    while len(alive):
        clock[alive] += chance.exponential(size=len(alive)) / rate[alive]
        alive = alive[clock[alive] < age[alive]]
        frequency[alive] += 1
        recency[alive] = np.floor(clock[alive] * 7) / 7
        alive = alive[chance.random(len(alive)) >= leaving[alive]]
    money = PARAMETERS["gamma-gamma"]
    scale = 1 / chance.gamma(money["q"], 1 / money["gamma"], count)
    shape = money["p"] * np.maximum(frequency, 1)
    spend = chance.gamma(shape) * scale / np.maximum(frequency, 1)
    return {
        "frequency": frequency,
        "recency": recency,
        "age": age,
        "spend": np.where(frequency > 0, spend, 0),
    }


def measured(command: list[str], question: dict[str, Any]) -> dict[str, Any]:
    run = subprocess.run(
        command, input=json.dumps(question), capture_output=True, text=True, check=True, cwd=ROOT
    )
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def compare(kind: str, count: int, data: str, reference: Path) -> tuple[bool, float, float]:
    """Whether it is good, and both peaks of memory."""
    question = {"kind": kind, "data": data, **PARAMETERS}
    theirs = measured([str(reference), "-m", "bench.models_reference"], question)
    ours = measured([sys.executable, "-m", "bench.models_ours"], question)
    apart = float(np.max(np.abs(np.array(ours["answer"]) / np.array(theirs["answer"]) - 1)))
    ratio, memory = theirs["seconds"] / ours["seconds"], ours["megabytes"] / theirs["megabytes"]
    print(
        f"{kind}, {count:,} customers: {ratio:.1f} times as fast ({ours['seconds']:.3f} against "
        f"{theirs['seconds']:.2f} s; bar {BARS[kind]}), {100 * memory:.0f} % of the memory "
        f"({ours['megabytes']:.0f} against {theirs['megabytes']:.0f} MB), answers within {apart:.1e}",
        flush=True,
    )
    good = apart <= TOLERANCES[kind]
    # The bars are those of a million customers: small processes are all interpreter.
    good = good and (count < SIZES[-1] or ratio >= BARS[kind])
    return good, ours["megabytes"], theirs["megabytes"]


def main() -> int:
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    print(machine())
    reference = environment()
    good = True
    with tempfile.TemporaryDirectory() as place:
        for count in sizes:
            data = str(Path(place) / f"{count}.npz")
            np.savez(data, **customers(count))
            compared = [compare(kind, count, data, reference) for kind in BARS]
            good &= all(one for one, _, _ in compared)
            share = max(ours for _, ours, _ in compared) / max(theirs for _, _, theirs in compared)
            print(f"{count:,} customers, the whole job: {100 * share:.0f} % of the peak of memory")
            good &= count < SIZES[-1] or share <= MEMORY_BAR
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
