"""House rules that no ready-made linter knows. Each message names the way out; each rule has a test of its own."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 400
CODE = ("careloop", "services", "shared")
STOREYS = {"README.md", "service.py", "settings.py", "domain", "usecases", "persistence", "api", "messaging"}

Rule = Callable[[Path, str], Iterator[str]]


def too_long(path: Path, text: str) -> Iterator[str]:
    if text.count("\n") > MOST_LINES:
        yield f"more than {MOST_LINES} lines: split it by noun"


def vague_name(path: Path, text: str) -> Iterator[str]:
    if {part.removesuffix(".py") for part in path.parts} & {"utils", "helpers", "common", "misc"}:
        yield "utils, helpers, common: name it after what it does"


def reads_the_clock(path: Path, text: str) -> Iterator[str]:
    if re.search(r"/(domain|usecases|messaging)/", f"/{path.as_posix()}") and re.search(
        r"datetime\.(now|utcnow|today)\(|time\.time\(", text
    ):
        yield "reads the clock: take `now` as an argument (`work.now`)"


def commits_by_itself(path: Path, text: str) -> Iterator[str]:
    if re.search(r"/(domain|usecases|persistence)/", f"/{path.as_posix()}") and re.search(
        r"\.transaction\(\)|\bdatabase\.run\(", text
    ):
        yield "opens a transaction: one command, one Work, opened at the edge (route, consumer, loop)"


def swallows(path: Path, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler) and all(isinstance(line, ast.Pass) for line in node.body):
            yield f"line {node.lineno} swallows an error: handle it, or use contextlib.suppress with a reason"


def unfinished(path: Path, text: str) -> Iterator[str]:
    if re.search(r"TODO|FIXME|XXX\b|NotImplementedError", text):
        yield "reads like something unfinished: finish it or leave it out"


RULES: list[tuple[Rule, str, str]] = [
    (too_long, "services/x/domain/a.py", "x = 1\n" * (MOST_LINES + 1)),
    (vague_name, "shared/utils.py", ""),
    (reads_the_clock, "services/x/usecases/a.py", "datetime.now(UTC)"),
    (commits_by_itself, "services/x/usecases/a.py", "async with database.transaction() as t: ..."),
    (swallows, "shared/a.py", "try:\n    f()\nexcept ValueError:\n    pass\n"),
    (unfinished, "shared/a.py", "# TO" + "DO later"),
]


def modules() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", *(f"{folder}/*.py" for folder in CODE)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [Path(name) for name in listed if "/migrations/versions/" not in name and (ROOT / name).exists()]


@pytest.mark.parametrize(("rule", "path", "text"), RULES, ids=[rule.__name__ for rule, _, _ in RULES])
def test_rule_catches_what_it_forbids(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Path(path), text))


@pytest.mark.parametrize("rule", [rule for rule, _, _ in RULES], ids=[rule.__name__ for rule, _, _ in RULES])
def test_code_keeps_the_rule(rule: Rule) -> None:
    broken = [f"{path}: {why}" for path in modules() for why in rule(path, (ROOT / path).read_text())]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("service", ["ticketing", "sla", "valuation", "complaints"])
def test_every_service_has_the_same_plan(service: str) -> None:
    found = {entry.name for entry in (ROOT / "services" / service).iterdir()}
    assert found >= STOREYS, f"missing {sorted(STOREYS - found)}"
    extra = found - STOREYS - {"__init__.py", "__pycache__", "workers"}
    assert not extra, f"{sorted(extra)} has no place in the plan of a service"


def test_lock_files_name_no_index_and_hash_every_package() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text), lock
        pins = re.findall(r"^[a-z0-9].*==.*$", text, flags=re.MULTILINE)
        assert pins
        assert all(pin.endswith("\\") for pin in pins), lock


def test_no_commit_names_a_path_of_one_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    home = re.compile(r"(?<![\w.])/(root|work|home/\w+|Users/\w+)/")
    for name in listed:
        path = ROOT / name
        if (
            path.suffix in {".py", ".md", ".toml", ".yml", ".txt", ""}
            and path.is_file()
            and name != str(Path(__file__).relative_to(ROOT))
        ):
            assert not home.search(path.read_text(errors="ignore")), name
