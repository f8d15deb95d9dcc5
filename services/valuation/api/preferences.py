"""How a customer wishes to be treated (偏好)."""

from datetime import time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.api.visibility import require_own
from services.valuation.domain.profile.errors import PreferencesNotFoundError
from services.valuation.domain.profile.preferences import Language, Preferences, PreferredChannel
from services.valuation.persistence import customers, preferences
from services.valuation.usecases import set_preferences as setting
from services.valuation.usecases.set_preferences import SetPreferences
from shared.kernel.errors import PreconditionRequiredError
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel, Instant
from shared.web.reads import Reader, reading

Code = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
LocalTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]


class PreferencesIn(ApiModel):
    """All wishes as they shall be. Quiet hours are local times and may pass midnight."""

    language: Language | None = None
    channel: PreferredChannel | None = None
    timezone: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        default="UTC", examples=["Asia/Shanghai"]
    )
    quiet_from: LocalTime | None = None
    quiet_until: LocalTime | None = None
    interests: Annotated[list[Code], Field(max_length=50)] = Field(
        default_factory=list, description="Codes of offerings (增值服务项目) to hear about."
    )


class PreferencesOut(PreferencesIn):
    """The account's wishes."""

    customer_id: UUID
    changed_at: Instant
    version: int

    @classmethod
    def of(cls, wished: Preferences) -> "PreferencesOut":
        return cls(
            customer_id=wished.customer_id,
            language=wished.language,
            channel=wished.channel,
            timezone=wished.timezone,
            quiet_from=_text(wished.quiet_from),
            quiet_until=_text(wished.quiet_until),
            interests=list(wished.interests),
            changed_at=wished.changed_at,
            version=wished.version,
        )


def preference_routes() -> APIRouter:
    router = APIRouter(tags=["preferences"])

    @router.get("/customers/{customer_id}/preferences", response_model=PreferencesOut)
    async def get_preferences(
        customer_id: UUID, reader: Annotated[Reader, Depends(reading("get_preferences"))]
    ) -> Response:
        """How the customer wishes to be treated; `404 preferences_not_found` while nobody has said."""
        require_own(reader.principal, customer_id)
        async with reader.session() as session:
            await customers.require(session, customer_id)
            wished = await preferences.find(session, customer_id)
        if wished is None:
            raise PreferencesNotFoundError
        return reader.answer(PreferencesOut.of(wished))

    @router.put("/customers/{customer_id}/preferences", response_model=PreferencesOut)
    async def set_preferences(
        customer_id: UUID,
        body: PreferencesIn,
        edge: Annotated[CommandEdge, Depends(command("set_preferences", if_match="optional"))],
    ) -> Response:
        """Set all wishes; If-Match when there are some already."""
        require_own(edge.principal, customer_id)
        try:
            expected: int | None = edge.expected_version
        except PreconditionRequiredError:
            expected = None
        wanted = SetPreferences(
            customer_id=customer_id,
            expected_version=expected,
            language=body.language,
            channel=body.channel,
            timezone=body.timezone,
            quiet_from=_time(body.quiet_from),
            quiet_until=_time(body.quiet_until),
            interests=tuple(dict.fromkeys(body.interests)),
        )
        return await edge.run(lambda work: setting.set_preferences(wanted, work), present=PreferencesOut.of)

    return router


def _time(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)


def _text(local: time | None) -> str | None:
    return None if local is None else f"{local:%H:%M}"
