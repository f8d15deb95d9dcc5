"""The issuer's public keys: from a file or over HTTPS, cached, read again when an unknown key id appears."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx
import jwt
import structlog

from shared.kernel.errors import UnavailableError

log = structlog.get_logger(__name__)

REFRESH_SECONDS = 300.0
# An unknown key id makes us look again, at most this often, whatever tokens are thrown at us.
RETRY_SECONDS = 5.0
# A key that the issuer took back must not be trusted for ever because its document is away.
STALE_SECONDS = 3600.0
FETCH_TIMEOUT_SECONDS = 5.0
LARGEST_DOCUMENT = 65_536


class SigningKeysUnavailableError(UnavailableError):
    """The issuer's keys cannot be read now, so no token can be checked."""


class KeySource(Protocol):
    """Finds the public key of a key id; None when the issuer has no such key."""

    async def find(self, kid: str | None) -> Any | None: ...


def read_keys(document: Any) -> dict[str, Any]:
    """Key id → public key, of the P-256 signature keys of a JWK set; others are left out.

    Raises ValueError for what is no JWK set.
    """
    keys = {}
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("a JWK set is an object with a list of keys")
    for entry in entries:
        usable = entry.get("kty") == "EC" and entry.get("crv") == "P-256" and entry.get("use", "sig") == "sig"
        if usable and entry.get("kid") and entry.get("alg", "ES256") == "ES256" and "d" not in entry:
            keys[str(entry["kid"])] = jwt.PyJWK(entry, algorithm="ES256").key
    return keys


class StaticKeys:
    """Keys that never change."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._keys = read_keys(document)

    async def find(self, kid: str | None) -> Any | None:
        return self._keys.get(kid) if kid else None


class RefreshedKeys:
    """Keys of a JWK set that is read again every `refresh_seconds`, and on an unknown key id.

    While it cannot be read, the keys known so far stay good for `stale_seconds`; without any,
    `SigningKeysUnavailableError`.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[bytes]],
        *,
        refresh_seconds: float = REFRESH_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        stale_seconds: float = STALE_SECONDS,
    ) -> None:
        self._read = read
        self._refresh_seconds = refresh_seconds
        self._retry_seconds = retry_seconds
        self._stale_seconds = stale_seconds
        self._keys: dict[str, Any] = {}
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._reading = asyncio.Lock()

    async def find(self, kid: str | None) -> Any | None:
        if not kid:
            return None
        now = time.monotonic()
        is_old = now - self._read_at >= self._refresh_seconds
        if (is_old or kid not in self._keys) and now - self._tried_at >= self._retry_seconds:
            await self._refresh()
        if not self._keys or time.monotonic() - self._read_at >= self._stale_seconds:
            raise SigningKeysUnavailableError
        return self._keys.get(kid)

    async def _refresh(self) -> None:
        async with self._reading:
            if time.monotonic() - self._tried_at < self._retry_seconds:
                return
            try:
                content = await self._read()
                if len(content) > LARGEST_DOCUMENT:
                    raise ValueError(f"a JWK set of {len(content)} bytes is not believable")
                self._keys = read_keys(json.loads(content))
                self._read_at = time.monotonic()
            except (OSError, ValueError, httpx.HTTPError, jwt.PyJWTError) as error:
                log.warning("signing_keys_unreadable", error=repr(error))
            finally:
                self._tried_at = time.monotonic()


class HttpsDocument:
    """Reads a document over https: bounded in time and size, redirects are not followed."""

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        if not url.startswith("https://"):
            raise ValueError(f"keys are read over https, not from {url!r}")
        self._url = url
        self._transport = transport

    async def __call__(self) -> bytes:
        async with (
            httpx.AsyncClient(timeout=FETCH_TIMEOUT_SECONDS, transport=self._transport) as client,
            client.stream("GET", self._url, headers={"Accept": "application/json"}) as answer,
        ):
            answer.raise_for_status()
            if answer.is_redirect:
                raise ValueError("a redirect is not followed")
            content = b""
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > LARGEST_DOCUMENT:
                    break
            return content


class FileDocument:
    """Reads a document from a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def __call__(self) -> bytes:
        return await asyncio.to_thread(self._path.read_bytes)


def key_source(location: str) -> KeySource:
    """Keys from `https://…` or from a file's path; ValueError for another kind of URL."""
    if location.startswith("https://"):
        return RefreshedKeys(HttpsDocument(location))
    if "://" in location:
        raise ValueError(f"keys are read from a file or over https, not from {location!r}")
    return RefreshedKeys(FileDocument(Path(location)))
