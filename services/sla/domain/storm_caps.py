"""Storm caps: how many escalations one subject, and one target, may get before the rest is told in a digest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StormCaps:
    """Escalations in one window (rule 9). Windows are aligned to the epoch, so that what waits is told together.

    digest_after   what fires later than this after its instant is past, and told in a digest (rule 8)
    digest_settle  so long after the last of what is past its digest is told, when the window is not over before
    """

    per_subject: int = 10
    per_target: int = 200
    window: timedelta = timedelta(hours=1)
    digest_after: timedelta = timedelta(minutes=1)
    digest_settle: timedelta = timedelta(minutes=1)

    def window_start(self, at: datetime) -> datetime:
        return at - (at - _EPOCH) % self.window

    def window_end(self, at: datetime) -> datetime:
        return self.window_start(at) + self.window


@dataclass
class Allowance:
    """What is left of the caps in the window at hand."""

    caps: StormCaps
    by_subject: dict[UUID, int] = field(default_factory=dict)
    by_target: dict[str, int] = field(default_factory=dict)

    @classmethod
    def after(
        cls, caps: StormCaps, by_subject: Mapping[UUID, int], by_target: Mapping[str, int]
    ) -> "Allowance":
        """What is left after those already sent in this window."""
        return cls(caps, dict(by_subject), dict(by_target))

    def take(self, subject_id: UUID, target: str) -> bool:
        """One escalation more, if both caps allow it."""
        of_subject, to_target = self.by_subject.get(subject_id, 0), self.by_target.get(target, 0)
        if of_subject >= self.caps.per_subject or to_target >= self.caps.per_target:
            return False
        self.by_subject[subject_id], self.by_target[target] = of_subject + 1, to_target + 1
        return True
