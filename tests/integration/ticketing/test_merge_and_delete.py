"""Two tickets about one matter, and tickets that must go."""

import asyncio


async def test_the_survivor_goes_on_for_both(desk, stored) -> None:
    loser, survivor = await desk.open(), await desk.open()
    merged = await desk.do(loser, ("merge", {"into_ticket_id": survivor["id"]}))
    assert (merged["status"], merged["merged_into_id"]) == ("merged", survivor["id"])
    assert (await desk.get(survivor))["version"] == 2
    assert (await desk.steps(survivor))[-1]["details"] == {"ticket_id": loser["id"], "number": "T-000001"}
    types = [row["type"] for row in await stored.rows("SELECT type FROM outbox ORDER BY id")]
    assert types[2:] == ["ticketing.ticket_merged.v1"]


async def test_a_merged_ticket_takes_nothing_any_more_and_says_so(desk) -> None:
    loser, survivor = await desk.open(), await desk.open()
    merged = await desk.do(loser, ("merge", {"into_ticket_id": survivor["id"]}))
    answer = await desk.attempt(merged, "customer-messages")
    assert (answer.status_code, answer.json()["code"]) == (409, "ticket_merged")
    third = await desk.open()
    chain = await desk.attempt(third, "merge", {"into_ticket_id": loser["id"]})
    assert (chain.status_code, chain.json()["code"]) == (409, "ticket_merged")


async def test_a_ticket_is_not_merged_into_itself(desk) -> None:
    ticket = await desk.open()
    answer = await desk.attempt(ticket, "merge", {"into_ticket_id": ticket["id"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "merge_into_itself")


async def test_two_merges_against_each_other_leave_one_survivor(desk) -> None:
    for _ in range(5):
        one, two = await desk.open(), await desk.open()
        answers = await asyncio.gather(
            desk.attempt(one, "merge", {"into_ticket_id": two["id"]}),
            desk.attempt(two, "merge", {"into_ticket_id": one["id"]}),
        )
        assert sorted(answer.status_code for answer in answers) in ([200, 409], [200, 412])


async def test_a_deleted_ticket_leaves_its_number_and_no_word(desk, stored) -> None:
    word = "秘密secret"
    ticket = await desk.open(subject=word, description=word, external_number="INC-7")
    ticket = await desk.do(
        ticket,
        ("messages", {"visibility": "internal", "text": word}),
        ("wait", {"waiting_on": "customer", "remark": word}),
        ("resolution", {"resolution_code": "fixed", "remark": word}),
        "closure",
        ("follow-up", {"csat": 1, "comment": word}),
    )
    headers = {**desk.of("admin"), "If-Match": f'"{ticket["version"]}"'}
    assert (await desk.http.delete(f"/tickets/{ticket['id']}", headers=headers)).status_code == 204
    for path in (f"/tickets/{ticket['id']}", f"/tickets/{ticket['id']}/timeline"):
        assert (await desk.http.get(path)).status_code == 404
    assert await desk.find() == []
    assert await desk.find(q="secret") == []
    assert await desk.find(q="T-000001") == []
    state = await stored.state()
    assert all(word not in str(dict(row)) for rows in state.values() for row in rows)
    assert "'" not in str([row["terms"] for row in state["timeline"] if row["terms"]])
    assert state["outbox"][-1]["type"] == "ticketing.ticket_deleted.v1"
    assert await desk.find(external_number="INC-7") == []
    assert (await desk.open())["number"] == "T-000002"
