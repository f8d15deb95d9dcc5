"""Signing access tokens as an issuer does (RFC 9068), for development and tests: no service signs any."""

import base64
import hashlib
import json
import time
from collections.abc import Iterable
from typing import Any, Self
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from shared.kernel.ids import new_id
from shared.web.authentication import ALGORITHM, ROLES

LONGEST_MINUTES = 7 * 24 * 60


class SigningKey:
    """A P-256 key pair. Its id is the RFC 7638 thumbprint of the public key."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        public: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(private.public_key()))
        members = {name: public[name] for name in ("crv", "kty", "x", "y")}
        canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
        self.kid = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
        self.public_jwk = {**members, "kid": self.kid, "use": "sig", "alg": ALGORITHM}

    @classmethod
    def generate(cls) -> Self:
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Raises ValueError for what is no private P-256 key."""
        private = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
            raise ValueError("a private P-256 key is needed")
        return cls(private)

    def to_pem(self) -> bytes:
        return self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def jwks(self) -> dict[str, Any]:
        """The JWK set with the public key."""
        return {"keys": [self.public_jwk]}

    def token(
        self,
        *,
        issuer: str,
        audience: str,
        role: str,
        subject: str,
        customer_id: UUID | None = None,
        scopes: Iterable[str] = (),
        minutes: float = 60,
    ) -> str:
        """An access token valid from now on the real clock; ValueError for claims that no service would take."""
        if role not in ROLES:
            raise ValueError(f"role must be one of {', '.join(sorted(ROLES))}")
        if (role == "customer") != (customer_id is not None):
            raise ValueError("a customer's token, and only that, has a customer_id")
        if not 0 < minutes <= LONGEST_MINUTES:
            raise ValueError(f"minutes must be above 0 and at most {LONGEST_MINUTES}")
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": issuer,
            "aud": audience,
            "sub": subject,
            "role": role,
            "iat": now,
            "exp": now + round(minutes * 60),
            "jti": str(new_id()),
        }
        if customer_id is not None:
            claims["customer_id"] = str(customer_id)
        if scopes := sorted(scopes):
            claims["scope"] = " ".join(scopes)
        return self.sign(claims)

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        """Any claims as a signed token; `headers` override `typ` and `kid`."""
        return jwt.encode(
            claims, self._private, ALGORITHM, headers={"typ": "at+jwt", "kid": self.kid, **headers}
        )
