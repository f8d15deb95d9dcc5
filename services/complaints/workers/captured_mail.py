"""The captured outbox: nothing leaves; what would have left is read through the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.complaints.workers.mail_transport import Mail, MailSession


class CapturedMail:
    """Takes every mail. Its row in `messages` is the captured mail, so nothing is left to do here."""

    @asynccontextmanager
    async def session(self) -> AsyncIterator[MailSession]:
        yield self

    async def send(self, mail: Mail) -> None:
        """Accepted as it is."""
