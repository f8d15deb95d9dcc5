"""The guide's availability example: its document as printed, its table as the service answers."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "writing-an-sla-policy.md").read_text()
DOCUMENT = re.compile(r"<!-- post availability-objectives -->\n```json\n(.*?)\n```", re.DOTALL)
HEADING = "<!-- outages of the cloud: reported, from, to, planned, budget left, in Europe/Berlin -->\n"
BERLIN = ZoneInfo("Europe/Berlin")


def instant(cell: str) -> datetime:
    return datetime.fromisoformat(cell).replace(tzinfo=BERLIN)


def seconds(cell: str) -> float:
    found = re.fullmatch(r"(-?)(\d+) min ([\d.]+) s", cell)
    assert found is not None
    return (int(found[2]) * 60 + float(found[3])) * (-1 if found[1] else 1)


async def test_outages_spend_the_budget_as_the_guide_says(desk: Any) -> None:
    (document,) = DOCUMENT.findall(GUIDE)
    objective = await desk.post("availability-objectives", json.loads(document))
    path = f"availability-objectives/{objective['id']}/months/2026-04"
    lines = GUIDE.split(HEADING, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    assert len(lines) == 4
    for line in lines:
        reported, start, end, planned, left = (cell.strip() for cell in line.strip("|").split("|"))
        await desk.stepper.advance(instant(reported))
        outage = {
            "offering": "cloud",
            "start_at": instant(start).isoformat(),
            "end_at": instant(end).isoformat(),
            "cause": "network",
            "planned": planned == "yes",
        }
        await desk.post("outages", outage)
        assert (await desk.get(path))["budget_left_seconds"] == seconds(left)
    await desk.drain()
    assert (await desk.get(path))["breached_at"] == "2026-04-20T13:47:57.600000Z"
    told = [name for name, _ in await desk.published() if name == "availability_objective_breached"]
    assert len(told) == 1


async def test_budgets_that_the_guide_names(desk: Any) -> None:
    body = {"offering": "cloud", "timezone": "Europe/Berlin", "target": "0.999"}
    early = {"effective_from": "2026-02-28T23:00:00Z"}
    march = await desk.post("availability-objectives", body | early | {"name": "march"})
    told = await desk.get(f"availability-objectives/{march['id']}/months/2026-03")
    assert told["budget_seconds"] == seconds("44 min 34.8 s")
