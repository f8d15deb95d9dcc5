"""Bearer tokens for tests: an issuer with a key of its own, whose JWKS any service can be pointed to."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from shared.kernel.ids import new_id

ISSUER = "https://issuer.test"
AUDIENCE = "careloop"


class TestIssuer:
    """Signs with ES256; `jwks_path` is the file a service's `jwks` setting names."""

    __test__ = False

    def __init__(self, directory: Path, kid: str = "test") -> None:
        self.kid = kid
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.jwks_path = directory / f"jwks-{kid}.json"
        public: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        self.jwks_path.write_text(
            json.dumps({"keys": [{**public, "kid": kid, "use": "sig", "alg": "ES256"}]})
        )

    def token(
        self,
        role: str,
        subject: str | None = None,
        *,
        customer_id: str | None = None,
        scopes: str = "",
        valid_for: timedelta = timedelta(hours=1),
        **overrides: Any,
    ) -> str:
        """A token; `overrides` replace or add claims (None removes one)."""
        now = datetime.now(UTC)
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject or f"{role}-1",
            "role": role,
            "iat": now,
            "exp": now + valid_for,
            "jti": str(new_id()),
        }
        if customer_id is not None:
            claims["customer_id"] = customer_id
        if scopes:
            claims["scope"] = scopes
        claims = {name: value for name, value in {**claims, **overrides}.items() if value is not None}
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": self.kid, "typ": "at+jwt"})

    def headers(self, role: str, subject: str | None = None, **claims: Any) -> dict[str, str]:
        """The Authorization header."""
        return {"Authorization": f"Bearer {self.token(role, subject, **claims)}"}
