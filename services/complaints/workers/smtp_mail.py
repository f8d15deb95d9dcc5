"""Mail by SMTP (aiosmtplib)."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Literal

import aiosmtplib

from services.complaints.domain.contact import domain_of
from services.complaints.domain.message import MessageKind
from services.complaints.workers.mail_transport import Mail, MailNotAcceptedError, MailSession

PERMANENT = 500
# Every mail server understands seven bits; long lines and Chinese are encoded by the policy.
_POLICY = SMTP_POLICY.clone(cte_type="7bit")


@dataclass(frozen=True, kw_only=True)
class SmtpServer:
    """Where mail is handed in, and as whom."""

    host: str
    port: int
    security: Literal["none", "starttls", "tls"]
    sender: str
    sender_name: str
    username: str | None = None
    password: str | None = None
    timeout_seconds: float = 10.0
    tls_context: ssl.SSLContext | None = None


class SmtpMail:
    """Hands mails to one SMTP server, on one connection a session."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    @asynccontextmanager
    async def session(self) -> AsyncIterator[MailSession]:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            username=server.username,
            password=server.password,
            timeout=server.timeout_seconds,
            tls_context=server.tls_context,
        )
        try:
            yield _SmtpSession(client, server)
        finally:
            if client.is_connected:
                # Whatever was accepted is accepted; a server that is gone need not be told goodbye.
                with suppress(aiosmtplib.SMTPException, OSError):
                    await client.quit()
            client.close()


class _SmtpSession:
    def __init__(self, client: aiosmtplib.SMTP, server: SmtpServer) -> None:
        self._client = client
        self._server = server

    async def send(self, mail: Mail) -> None:
        message = email_of(mail, self._server)
        try:
            if not self._client.is_connected:
                await self._client.connect()
            await self._client.send_message(message, sender=self._server.sender, recipients=[mail.recipient])
        except aiosmtplib.SMTPRecipientsRefused as refused:
            code = refused.recipients[0].code
            raise MailNotAcceptedError(f"recipient_refused_{code}", is_final=code >= PERMANENT) from None
        except aiosmtplib.SMTPDataError as refused:
            raise MailNotAcceptedError(
                f"data_refused_{refused.code}", is_final=refused.code >= PERMANENT
            ) from None
        except aiosmtplib.SMTPResponseException as refused:
            # About us (sender, login, greeting), not about this recipient: whoever runs us can put it right.
            raise MailNotAcceptedError(f"refused_{refused.code}", is_final=False) from None
        except aiosmtplib.SMTPTimeoutError:
            raise MailNotAcceptedError("timeout", is_final=False) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailNotAcceptedError(f"unreachable_{type(error).__name__}", is_final=False) from None


def message_id_of(mail: Mail, sender: str) -> str:
    """`<uuid@domain>`: the same for every attempt of one message."""
    return f"<{mail.id}@{domain_of(sender)}>"


def email_of(mail: Mail, server: SmtpServer) -> EmailMessage:
    """The mail as it leaves. Header values are structured or ours; none is taken from what a customer wrote."""
    message = EmailMessage(_POLICY)
    # First: setting the content takes every Content- header away.
    message.set_content(mail.body + "\n", charset="utf-8")
    message["From"] = Address(server.sender_name, addr_spec=server.sender)
    message["To"] = Address(addr_spec=mail.recipient)
    message["Subject"] = mail.subject
    message["Date"] = mail.written_at
    message["Message-ID"] = message_id_of(mail, server.sender)
    message["Content-Language"] = mail.language.value
    if mail.kind is MessageKind.ACKNOWLEDGEMENT:
        message["Auto-Submitted"] = "auto-replied"
        message["X-Auto-Response-Suppress"] = "All"
    return message
