"""How a message leaves: one small protocol, and the form in which every transport gets it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.complaints.domain.message import MessageKind
from services.complaints.domain.outcomes import Language


@dataclass(frozen=True, slots=True)
class Mail:
    """`id` becomes the Message-ID, the same at every attempt, so that mail systems can see a repetition."""

    id: UUID
    kind: MessageKind
    language: Language
    recipient: str
    subject: str
    body: str
    written_at: datetime


class MailNotAcceptedError(Exception):
    """The mail was not accepted. `code` names why, without personal data; `is_final`: trying again is no use."""

    def __init__(self, code: str, *, is_final: bool) -> None:
        super().__init__(code)
        self.code = code
        self.is_final = is_final


class MailSession(Protocol):
    """An open way for several mails."""

    async def send(self, mail: Mail) -> None:
        """Returns once the other side has taken responsibility; raises `MailNotAcceptedError`."""


class MailTransport(Protocol):
    """Where mails go."""

    def session(self) -> AbstractAsyncContextManager[MailSession]:
        """Open a way; never raises for what the other side does (that is each mail's own fate)."""
