"""Lists: filters, pages that are stable under writes, an index behind each."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.complaints.domain.complaint_status import Status
from services.complaints.persistence import complaint_queries
from services.complaints.persistence.complaint_queries import ComplaintFilter
from services.complaints.persistence.tables import complaints


async def listed(desk: Any, **params: Any) -> list[str]:
    answer = await desk.http.get("/complaints", params=params)
    assert answer.status_code == 200, answer.text
    return [item["number"] for item in answer.json()["items"]]


async def test_each_filter_finds_what_it_says(desk: Any, customer_id: str) -> None:
    plain = await desk.file(channel="web")
    other = await desk.owned(
        channel="letter", severity="critical", customer_id=customer_id, external_number="CFPB-7"
    )
    assert await listed(desk) == [other.now["number"], plain.now["number"]]
    for params in (
        {"status": "investigating"},
        {"owner_id": "agent-7"},
        {"channel": "letter"},
        {"severity": "critical"},
        {"customer_id": customer_id},
        {"external_number": "CFPB-7"},
    ):
        assert await listed(desk, **params) == [other.now["number"]], params
    assert await listed(desk, status="received", channel="letter") == []
    refused = await desk.http.get("/complaints", params={"status": "lost"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "status")


async def test_pages_neither_repeat_nor_skip_while_new_complaints_come_in(desk: Any, clock: Any) -> None:
    numbers = []
    for minute in range(5):
        # Two at one instant: the id decides.
        clock.set(clock.now() + timedelta(minutes=minute % 2))
        numbers.append((await desk.file()).now["number"])
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        page = (await desk.http.get("/complaints", params=params)).json()
        seen += [item["number"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
        await desk.file()
    assert seen == numbers[::-1]


async def test_the_timeline_is_paged_in_the_order_of_what_happened(desk: Any) -> None:
    case = await desk.owned(channel="web", contact={})
    for text in ("one", "two", "three"):
        await case.do("investigation-notes", text=text)
    first = (await desk.http.get(f"{case.path}/timeline", params={"limit": 4})).json()
    rest = (
        await desk.http.get(f"{case.path}/timeline", params={"limit": 4, "cursor": first["next_cursor"]})
    ).json()
    entries = first["items"] + rest["items"]
    assert [entry["kind"] for entry in entries] == [
        "received",
        "acknowledged",
        "assigned",
        "note",
        "note",
        "note",
    ]
    assert [entry["text"] for entry in entries[3:]] == ["one", "two", "three"]
    assert {entry["actor_id"] for entry in entries} == {"agent-7"}


async def test_the_timeline_cannot_be_changed_even_in_the_database(desk: Any, service: Any) -> None:
    await desk.file()
    connection = await service.database.connect()
    try:
        for change in ("UPDATE complaint_timeline SET text = 'x'", "DELETE FROM complaint_timeline"):
            with pytest.raises(Exception, match="append-only"):
                await connection.execute(change)
    finally:
        await connection.close()


INDEXES = [
    (ComplaintFilter(), "complaints_received"),
    (ComplaintFilter(status=Status.RECEIVED), "complaints_status"),
    (ComplaintFilter(owner_id="agent-9"), "complaints_owner"),
    (ComplaintFilter(channel="sms"), "complaints_channel"),
    (ComplaintFilter(severity="critical"), "complaints_severity"),
    (ComplaintFilter(customer_id=UUID(int=5)), "complaints_customer"),
    (ComplaintFilter(external_number="X"), "complaints_external_number"),
    (ComplaintFilter(follows_complaint_id=UUID(int=5)), "complaints_follows"),
    (ComplaintFilter(overdue_at=datetime(2026, 3, 2, tzinfo=UTC)), "complaints_overdue"),
]
# Copies of one row, different enough for the planner to have to choose.
CHANGED = {
    "id": "gen_random_uuid()",
    "number": "'X-' || n",
    "received_at": "received_at - n * interval '1 minute'",
    "owner_id": "'agent-' || n % 50",
    "external_number": "n::text",
    "customer_id": "gen_random_uuid()",
    "channel": "CASE WHEN n % 50 = 0 THEN 'sms' ELSE channel END",
    "severity": "CASE WHEN n % 50 = 0 THEN 'critical' ELSE severity END",
    "status": "CASE WHEN n % 50 = 0 THEN 'received' ELSE 'investigating' END",
    "overdue_from": "CASE WHEN n % 50 = 0 THEN received_at END",
}


async def test_every_filter_has_an_index_in_the_order_of_the_list(desk: Any, service: Any) -> None:
    await desk.file()
    columns = [column.name for column in complaints.columns]
    taken = ", ".join(CHANGED.get(column, column) for column in columns)
    connection = await service.database.connect()
    try:
        await connection.execute(
            f"INSERT INTO complaints ({', '.join(columns)})"
            f" SELECT {taken} FROM complaints, generate_series(1, 5000) AS n"
        )
        await connection.execute("ANALYZE complaints")
        for wanted, index in INDEXES:
            params = wanted.given()
            statement = complaint_queries._COMPLAINTS(tuple(params))
            arguments = statement.arguments({**params, "row_limit": 51})
            plan = "\n".join(row[0] for row in await connection.fetch("EXPLAIN " + statement.sql, *arguments))
            assert index in plan, plan
            assert "Seq Scan" not in plan
    finally:
        await connection.close()


async def test_an_unknown_complaint_is_not_found(desk: Any) -> None:
    answer = await desk.http.get(f"/complaints/{uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "complaint_not_found")
