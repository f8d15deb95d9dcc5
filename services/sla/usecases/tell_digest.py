"""Tell one target what waited for it in one window: events, and the lines marked as told, in one transaction."""

from dataclasses import dataclass
from datetime import datetime

from services.sla.domain.storm_caps import StormCaps
from services.sla.persistence import digest_store
from shared.db.work import Work
from shared.kernel import failpoints

AFTER_LINES = failpoints.declare("digests.after_lines", "events and marks of a digest roll back together")

# A part is one transaction for whoever reads it, and ten thousand lines are enough for one to tell at once.
LINES_A_PART = 200
MOST_PARTS = 50


@dataclass(frozen=True, slots=True)
class TellDigest:
    target: str
    window_start: datetime
    caps: StormCaps


async def tell_digest(command: TellDigest, work: Work) -> int:
    """How many lines were told; 0 when another worker was faster, or more has come and is waited for.

    What is above `MOST_PARTS` is told the next time.
    """
    target = await digest_store.lock_target(work, command.target)
    # Read anew under the lock: what led here may have been told meanwhile.
    waiting = await digest_store.waiting(work, command.caps.window, command.target)
    is_due = any(
        one.window_start == command.window_start and one.due_at(command.caps) <= work.now for one in waiting
    )
    told = 0
    for _ in range(MOST_PARTS if is_due else 0):
        lines = await digest_store.lines(
            work, command.target, command.window_start, command.caps.window, limit=LINES_A_PART
        )
        if not lines:
            break
        target.tell(command.window_start, [one.line for one in lines], work.now)
        await digest_store.mark_told(work, [one.id for one in lines])
        told += len(lines)
    if told:
        await digest_store.save_target(work, target)
        failpoints.hit(AFTER_LINES)
    return told
