"""Reads every clock of the suite through the sla service's API."""

from collections.abc import Mapping
from typing import Any

from careloop.sample.client import SuiteClient
from careloop.sample.clock_rows import ClockRow
from careloop.sample.timeline import Progress

CLOCKS = "/sla/v1/clocks"
COMPLAINT = "complaint"


async def read_clocks(client: SuiteClient, progress: Progress) -> list[ClockRow]:
    """One row a clock and cycle, in the order of their starts."""
    rows = []
    async for clock in client.pages(CLOCKS):
        rows.append(_row(clock))
        progress(1)
    return rows


def _row(clock: Mapping[str, Any]) -> ClockRow:
    policy, calendar, target = clock["policy"], clock["calendar"], clock["target"]
    return ClockRow(
        external_number=clock["subject_external_number"] or clock["subject_number"],
        metric=clock["metric"],
        agreement=clock["agreement"],
        group=COMPLAINT if clock["subject_kind"] == COMPLAINT else clock["priority"],
        policy_version=f"{policy['name']} v{policy['version']}",
        target=f"{target['amount']} {target['unit']}",
        calendar=None if calendar is None else calendar["name"],
        started_at=clock["started_at"],
        pauses=[[pause["start_at"], pause["end_at"]] for pause in clock["pauses"]],
        due_at=clock["due_at"],
        warned_at=clock["warned_at"],
        breached_at=clock["breached_at"],
        fulfilled_at=clock["fulfilled_at"],
        state=clock["state"],
        retargets=[
            {"at": retarget["at"], "from": retarget["previous"], "notice": retarget["notice"]}
            for retarget in clock["retargets"]
        ],
    )
