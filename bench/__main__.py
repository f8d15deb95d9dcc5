"""`make bench`: every bench in turn, each in a process of its own. `python -m bench NAME …` runs some."""

import subprocess
import sys
from pathlib import Path

PLUMBING = {
    "__init__",
    "__main__",
    "machine",
    "value_world",
    "http_load",
    "calendar_references",
    "models_ours",
    "models_reference",
    "ledger_imports",
    "ledger_world",
    "timers_measures",
    "timers_worker",
    "timers_world",
}


def names() -> list[str]:
    """The benches there are: every module that is not plumbing."""
    found = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    return [name for name in found if name not in PLUMBING]


def main() -> int:
    wanted = sys.argv[1:] or names()
    unknown = [name for name in wanted if name not in names()]
    if unknown:
        sys.stderr.write(f"no bench is called {', '.join(unknown)}; there are {', '.join(names())}\n")
        return 2
    failed = [
        name
        for name in wanted
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode
    ]
    if failed:
        sys.stderr.write(f"failed: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
