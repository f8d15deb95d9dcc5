"""The issuer's public keys: from a file or over HTTPS, cached, read again when an unknown key id appears."""

import asyncio
import json
import time
from collections.abc import Mapping
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
FETCH_TIMEOUT_SECONDS = 5.0
LARGEST_DOCUMENT = 65_536


class SigningKeysUnavailableError(UnavailableError):
    """The issuer's keys cannot be read now, so no token can be checked."""


class KeySource(Protocol):
    """Finds the public key of a key id; None when the issuer has no such key."""

    async def find(self, kid: str | None) -> Any | None: ...


def read_keys(document: Mapping[str, Any]) -> dict[str, Any]:
    """Key id → public key, of the P-256 signature keys of a JWK set; others are left out."""
    keys = {}
    for entry in document.get("keys", []):
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
    """Keys of a JWK set that is read again every `REFRESH_SECONDS`, and on an unknown key id.

    While it cannot be read, the keys known so far stay good; without any, `SigningKeysUnavailableError`.
    """

    def __init__(self, location: str) -> None:
        self._location = location
        self._keys: dict[str, Any] = {}
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._reading = asyncio.Lock()

    async def find(self, kid: str | None) -> Any | None:
        if not kid:
            return None
        known = self._keys.get(kid)
        age = time.monotonic() - (self._read_at if known is not None else self._tried_at)
        if age >= (REFRESH_SECONDS if known is not None else RETRY_SECONDS):
            await self._refresh()
            known = self._keys.get(kid)
        if not self._keys:
            raise SigningKeysUnavailableError
        return known

    async def _refresh(self) -> None:
        asked_at = time.monotonic()
        async with self._reading:
            if self._tried_at >= asked_at or time.monotonic() - self._tried_at < RETRY_SECONDS:
                return
            self._tried_at = time.monotonic()
            try:
                self._keys = read_keys(await self._read())
                self._read_at = self._tried_at
            except (OSError, ValueError, httpx.HTTPError, jwt.PyJWTError) as error:
                log.warning("signing_keys_unreadable", location=self._location, error=repr(error))

    async def _read(self) -> Mapping[str, Any]:
        if self._location.startswith("https://"):
            async with httpx.AsyncClient(timeout=FETCH_TIMEOUT_SECONDS, follow_redirects=False) as client:
                answer = await client.get(self._location, headers={"Accept": "application/json"})
                answer.raise_for_status()
                content = answer.content
        else:
            content = await asyncio.to_thread(Path(self._location).read_bytes)
        if len(content) > LARGEST_DOCUMENT:
            raise ValueError(f"a JWK set of {len(content)} bytes is not believable")
        document = json.loads(content)
        if not isinstance(document, dict):
            raise ValueError("a JWK set is an object")
        return document


def key_source(location: str) -> KeySource:
    """Keys from `https://…` or from a file's path."""
    if "://" in location and not location.startswith("https://"):
        raise ValueError(f"keys are read from a file or over https, not from {location!r}")
    return RefreshedKeys(location)
