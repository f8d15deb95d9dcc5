"""`python -m careloop.documents`: write the generated documents; with --check, say which are not current."""

import argparse
import sys
from pathlib import Path

from careloop.documents.events import catalogue_files
from careloop.documents.openapi import consumers_of, openapi_files
from careloop.documents.states import state_files
from careloop.documents.value_guide import PICTURES, value_guide_files

DOCS = Path(__file__).parents[2] / "docs"
GENERATED = ("events", "states", "openapi", PICTURES)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail when a document is not current"
    )
    check: bool = parser.parse_args().check
    wanted = {**catalogue_files(consumers_of()), **state_files(), **openapi_files(), **value_guide_files()}
    wrong = [
        name
        for name, text in wanted.items()
        if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != text
    ]
    found = {
        path.relative_to(DOCS).as_posix() for folder in GENERATED for path in (DOCS / folder).rglob("*.*")
    }
    left_over = sorted(found - wanted.keys())
    if check:
        for name in [*wrong, *left_over]:
            sys.stderr.write(f"docs/{name} is not current: run `make docs` and commit the result\n")
        sys.stdout.write(f"{len(wanted)} generated documents, {len(wrong) + len(left_over)} not current\n")
        return 1 if wrong or left_over else 0
    for name in wrong:
        (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / name).write_text(wanted[name], encoding="utf-8")
    for name in left_over:
        (DOCS / name).unlink()
    sys.stdout.write(f"{len(wanted)} generated documents, {len(wrong)} written, {len(left_over)} removed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
