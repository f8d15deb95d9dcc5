"""Bearer tokens: who is asking. Identity headers are never read."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import jwt

from shared.kernel.context import Actor
from shared.kernel.errors import UnauthenticatedError
from shared.web.keys import KeySource

ALGORITHM = "ES256"
TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
ROLES = frozenset({"agent", "supervisor", "quality", "admin", "system", "customer"})
CACHED_TOKENS = 10_000
CACHED_SECONDS = 60.0
LONGEST_TOKEN = 8_192


class InvalidTokenError(UnauthenticatedError):
    """The bearer token is not valid here."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `customer_id` is set for customers and comes from the token only; `scopes` matter for systems."""

    role: str
    id: str
    customer_id: UUID | None = None
    scopes: frozenset[str] = frozenset()
    actor: Actor = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "actor", Actor(self.role, self.id))

    @property
    def is_customer(self) -> bool:
        return self.role == "customer"


class TokenVerifier:
    """Verifies ES256 access tokens (RFC 9068) of one issuer for one audience.

    Verified tokens are remembered by their hash, at most `CACHED_TOKENS` of them and at most
    `CACHED_SECONDS` each, and never past their expiry. Expiry is judged on the real clock.
    """

    def __init__(
        self, *, issuer: str, audience: str, keys: KeySource, now: Callable[[], float] = time.time
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._now = now
        self._verified: OrderedDict[bytes, tuple[Principal, float]] = OrderedDict()

    def recall(self, token: bytes) -> Principal | None:
        """The principal of a token that was verified a moment ago, or None."""
        found = self._verified.get(hashlib.sha256(token).digest())
        if found is None or found[1] <= self._now():
            return None
        return found[0]

    async def verify(self, token: bytes) -> Principal:
        """The principal of a token. Raises `InvalidTokenError`, which never says more than which claim is wrong."""
        recalled = self.recall(token)
        if recalled is not None:
            return recalled
        if len(token) > LONGEST_TOKEN:
            raise _refused("it is too long")
        claims = await self._claims(token)
        principal = principal_of(claims)
        until = min(float(claims["exp"]), self._now() + CACHED_SECONDS)
        self._remember(hashlib.sha256(token).digest(), principal, until)
        return principal

    def _remember(self, digest: bytes, principal: Principal, until: float) -> None:
        self._verified[digest] = (principal, until)
        self._verified.move_to_end(digest)
        while len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)

    async def _claims(self, token: bytes) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise _refused("it is not a JSON web token") from error
        if header.get("alg") != ALGORITHM:
            raise _refused(f"only {ALGORITHM} is accepted")
        if str(header.get("typ", "")).lower() not in TOKEN_TYPES:
            raise _refused("its typ must be at+jwt")
        key = await self._keys.find(header.get("kid"))
        if key is None:
            raise _refused("its key is not one of the issuer's")
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise _refused("it has expired") from error
        except jwt.InvalidSignatureError as error:
            raise _refused("its signature does not match") from error
        except jwt.InvalidTokenError as error:
            raise _refused(str(error)) from error
        return claims


def principal_of(claims: Mapping[str, Any]) -> Principal:
    """The principal that verified claims name: `sub`, `role`, `customer_id` for customers, `scope` for systems."""
    role, subject = claims.get("role"), claims["sub"]
    if not isinstance(role, str) or role not in ROLES:
        raise _refused("its role is unknown here")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise _refused("its subject is missing")
    customer_id = None
    if role == "customer":
        try:
            customer_id = UUID(str(claims["customer_id"]))
        except (KeyError, ValueError) as error:
            raise _refused("a customer's token needs its customer_id") from error
    return Principal(role, subject, customer_id, frozenset(str(claims.get("scope", "")).split()))


def _refused(why: str) -> InvalidTokenError:
    return InvalidTokenError(f"The bearer token is not valid here: {why}.", token_refused=True)
