"""Only a token that the issuer signed for us, now, says who somebody is."""

import base64
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shared.testing.tokens import ISSUER, TestIssuer

ME = "/notes/v1/me"


def claims(issuer: TestIssuer) -> dict[str, Any]:
    return jwt.decode(issuer.token("agent", "anna"), options={"verify_signature": False})


def segment(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def unsigned(issuer: TestIssuer) -> str:
    return f"{segment({'alg': 'none', 'typ': 'at+jwt', 'kid': issuer.kid})}.{segment(claims(issuer))}."


def signed_with_the_public_key_as_secret(issuer: TestIssuer) -> str:
    """The old confusion: an HMAC keyed with the public key's text."""
    import hashlib
    import hmac

    public = issuer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = f"{segment({'alg': 'HS256', 'typ': 'at+jwt', 'kid': issuer.kid})}.{segment(claims(issuer))}"
    mac = hmac.new(public, head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def signed_by(key: Any, algorithm: str, issuer: TestIssuer, **headers: Any) -> str:
    return jwt.encode(claims(issuer), key, algorithm, headers={"typ": "at+jwt", "kid": issuer.kid, **headers})


def tampered(issuer: TestIssuer) -> str:
    head, _, signature = issuer.token("agent", "anna").split(".")
    return f"{head}.{segment({**claims(issuer), 'role': 'admin'})}.{signature}"


def with_role(issuer: TestIssuer, role: Any) -> str:
    content = {**claims(issuer), "role": role}
    return jwt.encode(content, issuer.key, "ES256", headers={"typ": "at+jwt", "kid": issuer.kid})


BAD_TOKENS: dict[str, Any] = {
    "expired": lambda i: i.token("agent", valid_for=timedelta(seconds=-1)),
    "not yet valid": lambda i: i.token("agent", nbf=4_000_000_000),
    "without expiry": lambda i: i.token("agent", exp=None),
    "without subject": lambda i: i.token("agent", sub=None),
    "subject is no text": lambda i: i.token("agent", sub=7),
    "of another issuer": lambda i: i.token("agent", iss="https://other.test"),
    "without issuer": lambda i: i.token("agent", iss=None),
    "for another audience": lambda i: i.token("agent", aud="bank"),
    "without audience": lambda i: i.token("agent", aud=None),
    "of an unknown role": lambda i: i.token("emperor"),
    "without role": lambda i: with_role(i, None),
    "of several roles": lambda i: with_role(i, ["admin"]),
    "of a customer without id": lambda i: i.token("customer"),
    "of a customer with a broken id": lambda i: i.token("customer", customer_id="7"),
    "unsigned": unsigned,
    "signed with HMAC": signed_with_the_public_key_as_secret,
    "signed with RSA": lambda i: signed_by(rsa.generate_private_key(65537, 2048), "RS256", i),
    "signed with another curve": lambda i: signed_by(ec.generate_private_key(ec.SECP384R1()), "ES384", i),
    "signed with another key": lambda i: signed_by(ec.generate_private_key(ec.SECP256R1()), "ES256", i),
    "of an unknown key": lambda i: signed_by(i.key, "ES256", i, kid="other"),
    "without key id": lambda i: jwt.encode(claims(i), i.key, "ES256", headers={"typ": "at+jwt"}),
    "an id token": lambda i: signed_by(i.key, "ES256", i, typ="JWT"),
    "tampered": tampered,
    "cut short": lambda i: i.token("agent")[:-8],
    "no token": lambda i: "hello",
    "too long": lambda i: i.token("agent", story="x" * 9_000),
    "empty": lambda i: "",
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_a_bad_token_is_refused(kind: str, make_client: Any, issuer: TestIssuer) -> None:
    token = BAD_TOKENS[kind](issuer)
    answer = await make_client(None).get(ME, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'Bearer realm="careloop", error="invalid_token"'
    assert answer.json()["code"] == "invalid_token"
    assert token == "" or token not in answer.text


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "bearer", "agent", "Token abc"])
async def test_another_scheme_is_refused(header: str, make_client: Any) -> None:
    answer = await make_client(None).get(ME, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_no_header_that_names_somebody_is_believed(make_client: Any) -> None:
    names = (
        "X-User",
        "X-User-Id",
        "X-User-Role",
        "X-Forwarded-User",
        "Remote-User",
        "X-Principal",
        "Forwarded",
    )
    answer = await make_client(None).get(ME, headers=dict.fromkeys(names, "admin"))
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    customer_id, other = uuid4(), uuid4()
    mine = await make_client("customer", customer_id=str(customer_id)).get(
        ME, headers={"X-Customer-Id": str(other)}, params={"customer_id": str(other)}
    )
    assert mine.json()["customer_id"] == str(customer_id)


async def test_the_scheme_is_read_in_any_case_and_a_token_again_and_again(
    make_client: Any, issuer: TestIssuer
) -> None:
    client = make_client(None)
    for scheme in ("Bearer", "bearer", "BEARER"):
        answer = await client.get(ME, headers={"Authorization": f"{scheme} {issuer.token('agent', 'anna')}"})
        assert answer.json() == {"role": "agent", "id": "anna", "customer_id": None}


async def test_two_authorization_headers_are_refused(make_client: Any, issuer: TestIssuer) -> None:
    headers = [("Authorization", f"Bearer {issuer.token(role)}") for role in ("agent", "admin")]
    answer = await make_client(None).get(ME, headers=headers)
    assert answer.status_code == 401


async def test_unreadable_keys_are_a_passing_fault_not_a_refusal(
    make_app: Any, make_client: Any, tmp_path: Any
) -> None:
    from shared.testing.tokens import AUDIENCE
    from shared.web.authentication import TokenVerifier
    from shared.web.keys import key_source

    keys = key_source(str(tmp_path / "missing.json"))
    app = make_app(verifier=TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=keys))
    answer = await make_client("agent", of=app).get(ME)
    assert answer.status_code == 503
    assert answer.json()["code"] == "signing_keys_unavailable"
    assert "retry-after" in answer.headers
