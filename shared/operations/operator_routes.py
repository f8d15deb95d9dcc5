"""What every service offers its operators over HTTP: dead letters, and how its events flow.

    create_app(
        …,
        routers=[…, operator_routes(consumer.dead_letters)],
        permissions={**PERMISSIONS, **OPERATOR_PERMISSIONS},
    )

The paths are `/<service>/v1/dead-letters…` and `/<service>/v1/event-flow`.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from shared.events.dead_letters import DeadLetter, DeadLetters, Resolution, State
from shared.operations.event_flow import EventFlow, event_flow
from shared.web.answers import BytesResponse, to_bytes
from shared.web.authentication import Principal
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Page
from shared.web.permissions import allow
from shared.web.reads import Reader, reading

_OPERATORS = frozenset({"admin", "supervisor"})

OPERATOR_PERMISSIONS: Mapping[str, frozenset[str]] = {
    "list_dead_letters": _OPERATORS,
    "get_dead_letter": _OPERATORS,
    "replay_dead_letter": _OPERATORS,
    "discard_dead_letter": _OPERATORS,
    "get_event_flow": _OPERATORS,
}
_TAG = "operations"


class DeadLetterOut(ApiModel):
    """An event that could not be handled (inbound) or that the broker refused (outbound)."""

    id: UUID
    direction: Literal["inbound", "outbound"]
    event_id: UUID
    type: str = Field(examples=["ticketing.ticket_opened.v1"])
    key: str = Field(description="The key whose later events wait.")
    topic: str
    partition: int
    position: int
    error_code: str
    error_message: str
    state: State
    attempts: int
    failed_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    parked: int = Field(description="Later events of the key that wait behind this one.")

    @classmethod
    def of(cls, letter: DeadLetter) -> "DeadLetterOut":
        return cls.model_validate(letter)


class DeadLetterDetail(DeadLetterOut):
    """A dead letter with the event itself."""

    headers: dict[str, str]
    payload: Any = Field(description="The event's data; text where it is no JSON.")

    @classmethod
    def of(cls, letter: DeadLetter) -> "DeadLetterDetail":
        return cls(
            **dict(DeadLetterOut.of(letter)), headers=dict(letter.headers), payload=_payload(letter.payload)
        )


class ResolutionOut(ApiModel):
    """What became of a dead letter."""

    dead_letter: DeadLetterOut
    released: int = Field(description="Events that waited behind it and took effect now.")

    @classmethod
    def of(cls, resolution: Resolution) -> "ResolutionOut":
        return cls(dead_letter=DeadLetterOut.of(resolution.dead_letter), released=resolution.released)


def operator_routes(dead_letters: DeadLetters) -> APIRouter:
    """The routes over one service's dead letters (`consumer.dead_letters`, or one made without a delivery)."""
    router = APIRouter(tags=[_TAG])

    @router.get("/dead-letters", response_model=Page[DeadLetterOut])
    async def list_dead_letters(
        paging: Annotated[Paging, Depends(paging)],
        reader: Annotated[Reader, Depends(reading("list_dead_letters"))],
        state: State = "open",
    ) -> Response:
        """Dead letters in one state, oldest first."""
        after = paging.after(UUID)
        async with reader.session() as session:
            letters = await dead_letters.page(
                session, state=state, after=after[0] if after else None, limit=paging.fetch
            )
        return paging.page(letters, present=DeadLetterOut.of, key=lambda letter: (letter.id,))

    @router.get("/dead-letters/{dead_letter_id}", response_model=DeadLetterDetail)
    async def get_dead_letter(
        dead_letter_id: UUID, reader: Annotated[Reader, Depends(reading("get_dead_letter"))]
    ) -> Response:
        """One dead letter with its event."""
        async with reader.session() as session:
            letter = await dead_letters.get(session, dead_letter_id)
        return reader.answer(DeadLetterDetail.of(letter))

    @router.post(
        "/dead-letters/{dead_letter_id}/replay", response_model=ResolutionOut, responses={409: _CONFLICT}
    )
    async def replay_dead_letter(
        dead_letter_id: UUID, principal: Annotated[Principal, Depends(allow("replay_dead_letter"))]
    ) -> Response:
        """Handle (or publish) the event again, then those that wait behind it, in order.

        Safe to repeat: an event takes effect once, and a resolved dead letter answers 409.
        """
        resolution = await dead_letters.replay(dead_letter_id, principal.actor)
        return BytesResponse(to_bytes(ResolutionOut.of(resolution)))

    @router.post(
        "/dead-letters/{dead_letter_id}/discard", response_model=ResolutionOut, responses={409: _CONFLICT}
    )
    async def discard_dead_letter(
        dead_letter_id: UUID, principal: Annotated[Principal, Depends(allow("discard_dead_letter"))]
    ) -> Response:
        """Give the event up for good, and go on with those that wait behind it, in order."""
        resolution = await dead_letters.discard(dead_letter_id, principal.actor)
        return BytesResponse(to_bytes(ResolutionOut.of(resolution)))

    @router.get("/event-flow", response_model=EventFlow)
    async def get_event_flow(reader: Annotated[Reader, Depends(reading("get_event_flow"))]) -> Response:
        """What waits to be published, what is held back, and how far each partition is consumed."""
        async with reader.session() as session:
            return reader.answer(await event_flow(session))

    return router


_CONFLICT: dict[str, Any] = {"description": "It is resolved already, or the event failed again."}


def _payload(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
