"""The guide's documents are taken as they are printed, and its tables are what the service answers."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.contracts import complaints
from shared.kernel.ids import new_id

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "writing-an-sla-policy.md").read_text()
DOCUMENT = re.compile(r"<!-- post (calendars|policies) -->\n```json\n(.*?)\n```", re.DOTALL)
BERLIN = ZoneInfo("Europe/Berlin")


def rows(heading: str) -> list[list[datetime]]:
    """The instants of the table under this comment, as local times of Berlin."""
    table = GUIDE.split(f"<!-- {heading}, in Europe/Berlin -->\n", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [
        [datetime.fromisoformat(cell.strip()).replace(tzinfo=BERLIN) for cell in line.strip("|").split("|")]
        for line in table
    ]


@pytest.fixture
async def guided(desk: Any) -> Any:
    """The service with everything posted that the guide says, in its order."""
    posted: dict[str, str] = {}
    documents = DOCUMENT.findall(GUIDE)
    assert len(documents) >= 3
    for path, text in documents:
        filled = re.sub(r"<id of ([^>]+)>", lambda found: posted[found[1]], text)
        document = json.loads(filled)
        posted[document["name"]] = (await desk.post(path, document))["id"]
    return desk


async def due_dates(desk: Any, subject_id: Any) -> dict[str, datetime]:
    await desk.drain()
    found = await desk.clocks(subject_id=str(subject_id))
    return {clock["metric"]: datetime.fromisoformat(clock["due_at"]) for clock in found}


async def test_first_answers_are_due_as_the_guide_says(guided: Any) -> None:
    table = rows("tickets on the web: opened, due")
    assert len(table) == 4
    for opened, due in table:
        await guided.stepper.advance(opened)
        ticket_id = await guided.open_ticket(at=opened)
        assert (await due_dates(guided, ticket_id))["first_response"] == due


async def test_complaints_are_due_as_the_guide_says(guided: Any) -> None:
    table = rows("complaints: received, due by metric")
    assert len(table) == 2
    for received, acknowledged, answered, decided in table:
        await guided.stepper.advance(received)
        complaint_id = new_id()
        event = complaints.ComplaintReceivedV1(
            complaint_id=complaint_id,
            number=f"C-{complaint_id}",
            customer_id=new_id(),
            channel="email",
            category="billing",
            severity="serious",
            received_at=received,
        )
        await guided.publish(complaint_id, event, at=received)
        assert await due_dates(guided, complaint_id) == {
            "acknowledgement": acknowledged,
            "response": answered,
            "decision": decided,
        }
