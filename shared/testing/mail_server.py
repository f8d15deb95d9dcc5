"""A real SMTP server in the test's own loop: keeps what it accepts, refuses what it is told to."""

import asyncio
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP


class MailServer:
    """Listens on 127.0.0.1; `port` is chosen at the first start and kept.

    Set `refuse_recipient` or `refuse_data` to a reply such as `550 no such user` to refuse from then on.
    """

    def __init__(self) -> None:
        self.accepted: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refuse_recipient: str | None = None
        self.refuse_data: str | None = None
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def message_ids(self) -> list[str]:
        """The Message-IDs accepted, in order."""
        return [str(mail["Message-ID"]) for mail in self.accepted]

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="mail.test", loop=loop), "127.0.0.1", self.port
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's names
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.refuse_recipient is not None:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuse_data is not None:
            return self.refuse_data
        self.accepted.append(message_from_bytes(envelope.content, policy=default))
        self.recipients += envelope.rcpt_tos
        return "250 accepted"
