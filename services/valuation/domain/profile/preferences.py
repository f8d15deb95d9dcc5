"""How a customer wishes to be treated (偏好): language, channel, quiet hours, interests."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.valuation.domain.profile.errors import UnknownTimezoneError
from shared.kernel.errors import FieldError, InvalidInputError

Language = Literal["en", "zh"]
PreferredChannel = Literal["phone", "email", "sms", "chat", "mail"]


@dataclass(frozen=True, slots=True)
class Preferences:
    """One account's wishes. Quiet hours are local times of `timezone`; they may pass midnight.

    interests  codes of offerings (增值服务项目) that the customer asked to hear about
    """

    customer_id: UUID
    language: Language | None
    channel: PreferredChannel | None
    timezone: str
    quiet_from: time | None
    quiet_until: time | None
    interests: tuple[str, ...]
    changed_at: datetime
    version: int = 1

    def __post_init__(self) -> None:
        """Raises `UnknownTimezoneError`, or `InvalidInputError` naming the field."""
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
            raise UnknownTimezoneError(
                f"{self.timezone!r} is no time zone",
                field_errors=[FieldError("timezone", "iana", "Give an IANA name, e.g. Asia/Shanghai")],
            ) from unknown
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise InvalidInputError.of("quiet_until", "both", "Quiet hours have a beginning and an end")
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            raise InvalidInputError.of("quiet_until", "differs", "Quiet hours end at another time")
