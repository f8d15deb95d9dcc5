"""A version applied to what runs already: a job with progress, resumable, that convicts nothing of the past."""

from collections import Counter
from typing import Any

import pytest

from services.sla.usecases.apply_version import RunJob
from services.sla.workers.jobs import JobWorker
from shared.contracts import ticketing
from shared.kernel.ids import new_id


async def add_version(desk: Any, target: dict[str, Any], **body: Any) -> str:
    """A next version of the standard policy; the policy's id."""
    policies = (await desk.get("policies"))["items"]
    policy = await desk.get(f"policies/{next(one['id'] for one in policies if one['name'] == 'standard')}")
    written = {
        "agreement": "sla",
        "match": {"subject_kind": "ticket"},
        "calendar_id": policy["latest"]["calendar_id"],
        "targets": [target],
    }
    answer = await desk.call(
        "POST",
        f"policies/{policy['id']}/versions",
        json=written | body,
        headers={"If-Match": f'"{policy["version"]}"'},
    )
    assert answer.status_code == 201, answer.text
    return str(policy["id"])


async def apply(desk: Any, policy_id: str, version: int = 2) -> Any:
    answer = await desk.call("POST", "jobs", json={"policy_id": policy_id, "version": version})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/sla/v1/jobs/{answer.json()['id']}"
    return answer.json()


def worker(desk: Any, batch: int) -> JobWorker:
    """As after a restart: nothing is remembered but what the database holds."""
    catalogues = type(desk.service.app.state.sla.catalogues)()
    return JobWorker(desk.service.database, RunJob(batch), catalogues)


async def test_version_is_applied_to_what_runs_and_to_nothing_else(desk: Any, target: dict[str, Any]) -> None:
    await desk.promise()
    running, done = await desk.open_ticket(), await desk.open_ticket()
    await desk.advance("09:00")
    await desk.publish(done, ticketing.TicketResolvedV1(ticket_id=done, resolution_code="fixed"))
    await desk.advance("09:01")
    policy_id = await add_version(desk, target | {"duration": 6})
    job = await apply(desk, policy_id)
    assert (job["state"], job["subjects_total"]) == ("pending", 2)
    await desk.drain()
    job = await desk.get(f"jobs/{job['id']}")
    assert (job["state"], job["percent"], job["subjects_changed"]) == ("done", 100.0, 2)
    clocks = {clock["subject_id"]: clock for clock in await desk.clocks()}
    shown = clocks[str(running)]
    assert (shown["due_at"], shown["policy"]["version"]) == ("2026-03-02T14:00:00Z", 2)
    assert (clocks[str(done)]["state"], clocks[str(done)]["policy"]["version"]) == ("met", 1)
    names = [name for name, _ in await desk.published()]
    assert names.count("clock_retargeted") == 1
    (reason,) = await desk.rows("SELECT payload FROM published_events WHERE type = 'sla.clock_retargeted.v1'")
    assert '"reason": "policy"' in reason["payload"] or '"reason":"policy"' in reason["payload"]
    explained = await desk.get(f"clocks/{shown['id']}/explain")
    assert explained["ledger"][-1]["kind"] == "policy_changed"
    assert explained["matched"].startswith("standard, version 2")


async def test_shorter_target_leaves_its_notice_and_convicts_nothing(
    desk: Any, target: dict[str, Any]
) -> None:
    await desk.promise(target | {"duration": 8})
    await desk.open_ticket()
    await desk.advance("12:00")
    await apply(desk, await add_version(desk, target | {"duration": 2}))
    await desk.drain()
    (clock,) = await desk.clocks()
    assert (clock["due_at"], clock["breached_at"], clock["state"]) == (
        "2026-03-02T13:00:00Z",
        None,
        "running",
    )


async def test_what_the_change_makes_late_is_one_digest_over_all_subjects(
    desk: Any, target: dict[str, Any]
) -> None:
    levels = [{"offset": 0, "target": "lead"}, {"offset": 0, "target": "lead"}]
    await desk.promise(target | {"duration": 8})
    for _ in range(3):
        await desk.open_ticket()
    await desk.advance("11:30")
    before = len(await desk.published())
    await apply(
        desk,
        await add_version(desk, target | {"duration": 2, "notice": 0, "warn_at": [], "escalations": levels}),
    )
    await desk.drain()
    await desk.advance("11:32")
    names = Counter(name for name, _ in (await desk.published())[before:])
    assert names == {"clock_breached": 3, "clock_retargeted": 3, "escalation_digest": 1}
    (told,) = await desk.rows("SELECT count(*) AS lines FROM digest_lines WHERE told_at IS NOT NULL")
    assert told["lines"] == 6


async def test_date_that_the_change_puts_at_risk_is_announced_and_in_no_digest(
    desk: Any, target: dict[str, Any]
) -> None:
    await desk.promise(target | {"duration": 2, "warn_at": []})
    ticket_id = await desk.open_ticket()
    made = ticketing.CommitmentMadeV1(ticket_id=ticket_id, committed_at=desk.at("14:00"))
    await desk.publish(ticket_id, made)
    await desk.advance("09:00")
    longer = target | {"duration": 8, "warn_at": []}
    job = await apply(desk, await add_version(desk, longer))
    await desk.drain()
    assert (await desk.get(f"jobs/{job['id']}"))["state"] == "done"
    await desk.advance("09:30")
    names = [name for name, _ in await desk.published()]
    assert (names.count("commitment_at_risk"), names.count("escalation_digest")) == (1, 0)


async def test_job_goes_on_after_the_last_committed_batch(
    desk: Any, target: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.promise()
    for _ in range(5):
        await desk.open_ticket()
    await desk.advance("09:00")
    job = await apply(desk, await add_version(desk, target | {"duration": 6}))
    assert await worker(desk, 2).run_once() == 2
    half = await desk.get(f"jobs/{job['id']}")
    assert (half["state"], half["subjects_done"], half["percent"]) == ("running", 2, 40.0)

    class KilledError(BaseException):
        """Stands for the process's end: nothing handles it."""

    def kill(name: str) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("shared.kernel.failpoints.hit", kill)
        with pytest.raises(KilledError):
            await worker(desk, 2).run_once()
    assert (await desk.get(f"jobs/{job['id']}"))["subjects_done"] == 2
    fresh = worker(desk, 2)
    done = [await fresh.run_once() for _ in range(4)]
    assert done == [2, 1, 1, 0]
    ended = await desk.get(f"jobs/{job['id']}")
    assert (ended["state"], ended["subjects_done"], ended["subjects_changed"]) == ("done", 5, 5)
    lines = await desk.rows("SELECT subject_id FROM ledger WHERE kind = 'policy_changed'")
    assert len(lines) == len({row["subject_id"] for row in lines}) == 5
    assert {clock["due_at"] for clock in await desk.clocks()} == {"2026-03-02T14:00:00Z"}


async def test_version_applied_twice_changes_nothing_more(desk: Any, target: dict[str, Any]) -> None:
    await desk.promise()
    await desk.open_ticket()
    await desk.advance("09:00")
    policy_id = await add_version(desk, target | {"duration": 6})
    await apply(desk, policy_id)
    await desk.drain()
    again = await apply(desk, policy_id)
    await desk.drain()
    assert (await desk.get(f"jobs/{again['id']}"))["subjects_changed"] == 0
    assert [job["state"] for job in (await desk.get("jobs"))["items"]] == ["done", "done"]


async def test_later_inputs_are_folded_under_the_applied_version_by_any_process(
    desk: Any, target: dict[str, Any]
) -> None:
    await desk.promise()
    ticket_id = await desk.open_ticket()
    await desk.advance("09:00")
    await apply(desk, await add_version(desk, target | {"duration": 6}))
    await desk.drain()
    catalogues = desk.service.app.state.sla.catalogues
    catalogues.__init__()  # as a process that has just begun
    await desk.advance("10:00")
    await desk.publish(ticket_id, ticketing.TicketWaitingV1(ticket_id=ticket_id, waiting_on="customer"))
    await desk.advance("11:00")
    await desk.publish(ticket_id, ticketing.TicketResumedV1(ticket_id=ticket_id, state="open"))
    await desk.drain()
    (clock,) = await desk.clocks()
    assert (clock["due_at"], clock["policy"]["version"]) == ("2026-03-02T15:00:00Z", 2)


async def test_calendar_version_is_applied_to_subjects_whose_policies_use_it(desk: Any) -> None:
    await desk.promise()
    await desk.open_ticket()
    await desk.advance("09:00")
    (calendar,) = (await desk.get("calendars"))["items"]
    later = {"timezone": "UTC", "weekly": {"mon": [["08:00", "10:00"], ["20:00", "24:00"]]}}
    added = await desk.call(
        "POST", f"calendars/{calendar['id']}/versions", json=later, headers={"If-Match": '"1"'}
    )
    assert added.status_code == 201, added.text
    answer = await desk.call("POST", "jobs", json={"calendar_id": calendar["id"], "version": 2})
    assert answer.status_code == 202, answer.text
    await desk.drain()
    (clock,) = await desk.clocks()
    assert (clock["calendar"]["version"], clock["due_at"]) == (2, "2026-03-02T22:00:00Z")


@pytest.mark.parametrize("what", ["policies", "calendars"])
async def test_version_written_as_retroactive_starts_its_job_at_once(
    desk: Any, target: dict[str, Any], what: str
) -> None:
    await desk.promise()
    await desk.open_ticket()
    await desk.advance("09:00")
    found = next(one for one in (await desk.get(what))["items"] if one["name"] in ("standard", "always"))
    latest = (await desk.get(f"{what}/{found['id']}"))["latest"]
    bodies: dict[str, dict[str, Any]] = {
        "policies": {
            "agreement": "sla",
            "match": {"subject_kind": "ticket"},
            "calendar_id": latest.get("calendar_id"),
            "targets": [target | {"duration": 6}],
        },
        "calendars": {"timezone": "UTC", "weekly": {"mon": [["08:00", "11:00"], ["13:00", "24:00"]]}},
    }
    path = f"{what}/{found['id']}/versions"
    body = bodies[what] | {"application": "retroactive"}
    ahead = body | {"effective_from": "2026-03-09T00:00:00Z"}
    refused = await desk.call("POST", path, json=ahead, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["code"]) == (422, "version_not_in_force")
    added = await desk.call("POST", path, json=body, headers={"If-Match": '"1"'})
    assert (added.status_code, added.json()["version"]) == (202, 2), added.text
    await desk.drain()
    assert (await desk.get(f"jobs/{added.json()['job_id']}"))["state"] == "done"
    (clock,) = await desk.clocks()
    assert clock["due_at"] == "2026-03-02T14:00:00Z"


async def test_failed_job_says_why_and_goes_on_when_retried(
    desk: Any, target: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.promise()
    await desk.open_ticket()
    await desk.advance("09:00")
    job = await apply(desk, await add_version(desk, target | {"duration": 6}))

    def fail(name: str) -> None:
        raise RuntimeError("the disk is on fire")

    with monkeypatch.context() as patch:
        patch.setattr("shared.kernel.failpoints.hit", fail)
        await worker(desk, 2).run_once()
    failed = await desk.get(f"jobs/{job['id']}")
    assert (failed["state"], failed["error"]) == ("failed", "RuntimeError: the disk is on fire")
    retried = await desk.call("POST", f"jobs/{job['id']}/retry")
    assert (retried.status_code, retried.json()["state"]) == (202, "pending")
    await desk.drain()
    assert (await desk.get(f"jobs/{job['id']}"))["state"] == "done"
    again = await desk.call("POST", f"jobs/{job['id']}/retry")
    assert (again.status_code, again.json()["code"]) == (409, "job_not_failed")


async def test_bad_applications_are_named_and_start_no_job(desk: Any, target: dict[str, Any]) -> None:
    await desk.promise()
    await desk.advance("09:00")
    policy_id = await add_version(desk, target, effective_from="2026-03-03T00:00:00Z")
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"policy_id": policy_id, "version": 2}, 422, "version_not_in_force"),
        ({"policy_id": policy_id, "version": 9}, 404, "policy_version_not_found"),
        ({"policy_id": str(new_id()), "version": 1}, 404, "policy_version_not_found"),
        ({"calendar_id": str(new_id()), "version": 1}, 404, "calendar_version_not_found"),
        ({"version": 1}, 422, "invalid_input"),
    ]
    for body, status, code in cases:
        answer = await desk.call("POST", "jobs", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await desk.get("jobs"))["items"] == []
    assert (await desk.call("GET", f"jobs/{new_id()}")).json()["code"] == "job_not_found"
    assert (await desk.call("POST", "jobs", json=cases[0][0], role="agent")).status_code == 403
