"""Lists in pages that neither skip nor repeat, whatever is written meanwhile."""

from typing import Any

import httpx
import pytest

NOTES = "/notes/v1/notes"


async def add(client: httpx.AsyncClient, *texts: str) -> list[str]:
    return [(await client.post(NOTES, json={"text": text})).json()["id"] for text in texts]


async def test_pages_are_linked_until_the_last(client: httpx.AsyncClient) -> None:
    ids = await add(client, *"abcde")
    seen, url = [], f"{NOTES}?limit=2"
    pages = 0
    while url:
        answer = await client.get(url)
        assert answer.status_code == 200
        seen += [item["id"] for item in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url", "")
        assert (answer.json()["next_cursor"] is None) == (url == "")
        pages += 1
    assert seen == ids
    assert pages == 3


async def test_pages_are_stable_under_writes(client: httpx.AsyncClient) -> None:
    ids = await add(client, *"abcd")
    first = await client.get(NOTES, params={"limit": 2})
    await client.delete(f"{NOTES}/{ids[0]}")
    await client.delete(f"{NOTES}/{ids[1]}")
    later = await add(client, "e")
    second = await client.get(first.links["next"]["url"])
    assert [item["id"] for item in second.json()["items"]] == ids[2:]
    third = await client.get(second.links["next"]["url"])
    assert [item["id"] for item in third.json()["items"]] == later


async def test_the_last_full_page_has_no_next(client: httpx.AsyncClient) -> None:
    await add(client, *"ab")
    answer = await client.get(NOTES, params={"limit": 2})
    assert answer.json()["next_cursor"] is None
    assert "link" not in answer.headers
    assert (await client.get(NOTES, params={"word": "nothing"})).json() == {"items": [], "next_cursor": None}


async def test_a_cursor_belongs_to_its_filters_and_path(client: httpx.AsyncClient) -> None:
    await add(client, "ab", "ac", "ad")
    cursor = (await client.get(NOTES, params={"limit": 1, "word": "a"})).json()["next_cursor"]
    fine = await client.get(NOTES, params={"limit": 50, "word": "a", "cursor": cursor})
    assert len(fine.json()["items"]) == 2
    for params in ({"word": "b"}, {}, {"word": "a", "more": "1"}):
        refused = await client.get(NOTES, params={**params, "cursor": cursor})
        assert refused.status_code == 422
        assert refused.json()["code"] == "invalid_cursor"
        assert refused.json()["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    "broken", ["", "x", "0", "AAAA", "ä", "%00", "'; DROP TABLE notes", "e30", "x" * 1_024, "x" * 1_025]
)
async def test_a_cursor_of_no_list_is_named(broken: str, client: httpx.AsyncClient) -> None:
    refused = await client.get(NOTES, params={"cursor": broken})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    ("limit", "status"), [("1", 200), ("200", 200), ("0", 422), ("201", 422), ("x", 422)]
)
async def test_the_limit_has_limits(limit: str, status: int, client: httpx.AsyncClient) -> None:
    assert (await client.get(NOTES, params={"limit": limit})).status_code == status


async def test_fifty_is_the_usual_page(client: httpx.AsyncClient) -> None:
    await add(client, *("x" for _ in range(51)))
    answer = await client.get(NOTES)
    assert len(answer.json()["items"]) == 50
    assert answer.json()["next_cursor"]


async def test_the_link_keeps_filters_in_any_script(client: httpx.AsyncClient, app: Any) -> None:
    await add(client, "退款 一", "退款 二")
    first = await client.get(NOTES, params={"limit": 1, "word": "退款"})
    second = await client.get(first.links["next"]["url"])
    assert [item["text"] for item in second.json()["items"]] == ["退款 二"]
