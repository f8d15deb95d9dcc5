"""The picture of a clock says what its explanation says, and carries no code whatever things are called."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from shared.contracts import ticketing

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</title><script>alert(1)</script><image href='x' onerror=\"alert(2)\"/>&amp;\x01\ufffe"
TARGET = {
    "metric": "resolution",
    "duration": 4,
    "unit": "business_hours",
    "warn_at": [0.5],
    "escalations": [{"offset": 0, "target": "lead"}, {"offset": 2, "target": "manager"}],
}


async def office_ticket(desk: Any, zone: str = "UTC", **facts: Any) -> Any:
    office = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    await desk.post("calendars", {"name": "office", "timezone": zone, "weekly": office})
    await desk.promise(TARGET, **facts.pop("policy", {}))
    return await desk.open_ticket(**facts)


async def draw(desk: Any, **params: Any) -> tuple[Any, Any, Any]:
    (clock,) = await desk.clocks()
    answer = await desk.call("GET", f"clocks/{clock['id']}/timeline.svg", params=params)
    assert answer.status_code == 200, answer.text
    explained = await desk.get(f"clocks/{clock['id']}/explain", params=params)
    return answer, ET.fromstring(answer.content), explained


def intervals(svg: Any) -> list[tuple[str, str, str]]:
    group = next(one for one in svg.iter(f"{SVG}g") if one.get("id") == "intervals")
    return [
        (rect.get("data-start"), rect.get("data-end"), rect.get("data-kind"))
        for rect in group.iter(f"{SVG}rect")
    ]


def marks(svg: Any, kind: str) -> list[str]:
    return [line.get("data-at")[11:16] for line in svg.iter(f"{SVG}line") if line.get("data-kind") == kind]


async def test_intervals_drawn_are_those_of_the_explanation(desk: Any) -> None:
    ticket_id = await office_ticket(desk)
    await desk.advance("10:00")
    await desk.publish(ticket_id, ticketing.TicketWaitingV1(ticket_id=ticket_id, waiting_on="customer"))
    await desk.advance("12:00")
    await desk.publish(ticket_id, ticketing.TicketResumedV1(ticket_id=ticket_id, state="open"))
    await desk.advance("14:00")
    answer, svg, explained = await draw(desk)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    kinds = {True: "counted", False: "closed"}
    told = [
        (
            span["start_at"].replace("Z", "+00:00"),
            span["end_at"].replace("Z", "+00:00"),
            "paused" if span["reason"] == "paused" else kinds[span["counts"]],
        )
        for span in explained["intervals"]
    ]
    drawn = intervals(svg)
    assert drawn[: len(told)] == told
    assert [kind for _, _, kind in drawn[len(told) :]] == ["ahead"]
    assert marks(svg, "warning") == ["13:00"]
    assert marks(svg, "due") == ["15:00"]
    assert marks(svg, "escalation") == ["15:00", "17:00"]
    assert marks(svg, "event") == ["08:00", "10:00", "12:00"]
    assert marks(svg, "now") == ["14:00"]


async def test_picture_reads_alone_with_title_description_legend_and_local_times(desk: Any) -> None:
    await office_ticket(desk, zone="Asia/Kathmandu")
    await desk.advance("09:00")
    _, svg, _ = await draw(desk)
    assert svg.get("role") == "img"
    title = svg.find(f"{SVG}title")
    assert title.text.startswith("sla resolution on ticket T-")
    described = svg.find(f"{SVG}desc").text
    assert "now 2026-03-02 14:45" in described
    assert "Times in Asia/Kathmandu" in described
    words = " ".join(text.text for text in svg.iter(f"{SVG}text"))
    for said in ("counted", "skipped: paused", "Times in Asia/Kathmandu", "target"):
        assert said.lower() in words.lower()


async def test_hostile_names_are_text_and_nothing_else(desk: Any) -> None:
    spoken = "".join(sign for sign in HOSTILE if sign.isprintable())
    escalations = [{"offset": 0, "target": spoken[:100]}]
    calendar = {
        "name": spoken[:120],
        "timezone": "UTC",
        "weekly": {"mon": [["09:00", "17:00"]]},
        "exceptions": {},
    }
    await desk.post("calendars", calendar)
    await desk.promise(TARGET | {"escalations": escalations}, name=spoken[:120])
    await desk.open_ticket(number=spoken[:60])
    await desk.advance("10:00")
    answer, svg, _ = await draw(desk)
    names = {element.tag.removeprefix(SVG) for element in svg.iter()}
    assert names == {"svg", "title", "desc", "rect", "g", "text", "line"}
    attributes = {name for element in svg.iter() for name in element.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]
    assert "<script" not in answer.text
    assert "<script>" in svg.find(f"{SVG}title").text


async def test_long_closed_stretches_are_compressed_and_the_size_is_bounded(desk: Any) -> None:
    await office_ticket(desk)
    await desk.advance("+300 10:00")
    answer, svg, explained = await draw(desk)
    rects = [
        rect
        for rect in svg.iter(f"{SVG}rect")
        if rect.get("data-start") is not None and rect.get("data-kind") != "ahead"
    ]
    assert len(rects) == len(explained["intervals"]) > 400
    assert len(answer.content) < 500_000
    for rect in rects:
        assert 0 <= float(rect.get("x")) <= 1_000
        assert float(rect.get("width")) >= 0


async def test_resolved_clock_is_drawn_to_its_end_with_its_due_date(desk: Any) -> None:
    ticket_id = await office_ticket(desk)
    await desk.advance("10:00")
    await desk.publish(ticket_id, ticketing.TicketResolvedV1(ticket_id=ticket_id, resolution_code="fixed"))
    await desk.advance("+3 10:00")
    _, svg, _ = await draw(desk, cycle=1)
    drawn = intervals(svg)
    assert drawn[-2][1][11:16] == "10:00"
    assert drawn[-1][2] == "ahead"
    assert marks(svg, "due") == ["13:00"]
    assert marks(svg, "now") == []


@pytest.mark.parametrize(("role", "status"), [("agent", 200), ("customer", 403)])
async def test_picture_is_for_those_who_may_read_the_explanation(desk: Any, role: str, status: int) -> None:
    await office_ticket(desk)
    await desk.drain()
    (clock,) = await desk.clocks()
    claims = {"customer_id": clock["customer_id"]} if role == "customer" else {}
    answer = await desk.call("GET", f"clocks/{clock['id']}/timeline.svg", role=role, **claims)
    assert answer.status_code == status
    missing = await desk.call("GET", f"clocks/{clock['id']}/timeline.svg", params={"cycle": 9}, role="agent")
    assert missing.status_code == 404
