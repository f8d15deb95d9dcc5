"""The guide's calendar of China gives the due dates of its table, by the pinned command."""

import json
import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from typer.testing import CliRunner

from careloop.commands.calendar import app

GUIDE = (Path(__file__).parents[4] / "docs" / "guides" / "writing-an-sla-policy.md").read_text()
CALENDAR = re.compile(r"<!-- calendar in China -->\n```json\n(.*?)\n```", re.DOTALL)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_two_business_hours_in_china_are_due_as_the_guide_says() -> None:
    found = CALENDAR.search(GUIDE)
    assert found is not None
    calendar = json.loads(found[1])
    table = GUIDE.split("<!-- two business hours in China: from, due, why -->\n", 1)[1].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert len(rows) == 6
    starts, dues = (
        [datetime.fromisoformat(row[column]).replace(tzinfo=SHANGHAI) for row in rows] for column in (0, 1)
    )
    asked = "".join(
        json.dumps({"calendar": calendar, "start": start.isoformat(), "seconds": 7200}) + "\n"
        for start in starts
    )
    answered = CliRunner().invoke(app, ["due"], input=asked.encode()).stdout.splitlines()
    assert [datetime.fromisoformat(json.loads(line)["due"]) for line in answered] == dues
