"""Which complaint a command means, in which version, and whose it must be."""

from dataclasses import dataclass
from uuid import UUID

from services.complaints.domain.complaint import Complaint
from services.complaints.persistence import complaint_store
from shared.db.work import Work


@dataclass(frozen=True, slots=True)
class Target:
    """`of_customer` is set when a customer acts: other customers' complaints do not exist for them."""

    complaint_id: UUID
    expected_version: int
    of_customer: UUID | None = None

    async def lock(self, work: Work) -> Complaint:
        """The complaint, locked. Raises `ComplaintNotFoundError`, `PreconditionFailedError`."""
        return await complaint_store.lock(
            work, self.complaint_id, expected_version=self.expected_version, of_customer=self.of_customer
        )
