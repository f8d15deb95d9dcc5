"""Write the golden message of each new event: `python -m tests.contract.golden`. Released ones are never touched."""

import json
import sys
from pathlib import Path

from careloop.documents.events import schema_of
from careloop.documents.examples import example
from shared.contracts.base import all_contracts

GOLDEN = Path(__file__).parent / "golden"


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for contract in all_contracts():
        path = GOLDEN / f"{contract.TYPE}.json"
        if path.exists():
            continue
        schema = schema_of(contract)
        message = json.loads(contract.model_validate(example(schema)).model_dump_json())
        path.write_text(json.dumps({"message": message, "schema": schema}, indent=2) + "\n")
        sys.stdout.write(f"{path.name}: look at it, then commit it\n")


if __name__ == "__main__":
    main()
