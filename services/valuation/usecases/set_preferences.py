"""Write down how a customer wishes to be treated."""

from dataclasses import dataclass
from datetime import time
from uuid import UUID

from services.valuation.domain.profile.preferences import Language, Preferences, PreferredChannel
from services.valuation.persistence import customers, preferences
from shared.db.work import Work
from shared.kernel.errors import PreconditionFailedError, PreconditionRequiredError


@dataclass(frozen=True)
class SetPreferences:
    """All wishes as they shall be. The first ones expect no version."""

    customer_id: UUID
    expected_version: int | None
    language: Language | None
    channel: PreferredChannel | None
    timezone: str
    quiet_from: time | None
    quiet_until: time | None
    interests: tuple[str, ...]


async def set_preferences(command: SetPreferences, work: Work) -> Preferences:
    """Raises what `customers.lock` and `Preferences` do, `PreconditionRequiredError`, `PreconditionFailedError`."""
    await customers.lock(work, command.customer_id)
    present = await preferences.find(work, command.customer_id)
    if present is not None and command.expected_version is None:
        raise PreconditionRequiredError
    if command.expected_version != (None if present is None else present.version):
        raise PreconditionFailedError
    wished = Preferences(
        customer_id=command.customer_id,
        language=command.language,
        channel=command.channel,
        timezone=command.timezone,
        quiet_from=command.quiet_from,
        quiet_until=command.quiet_until,
        interests=command.interests,
        changed_at=work.now,
        version=1 if present is None else present.version + 1,
    )
    await preferences.put(work, wished, is_new=present is None)
    return wished
