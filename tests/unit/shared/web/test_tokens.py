"""Keys that rotate, verified tokens that are remembered for a bounded while, and signing for development."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.web.authentication import CACHED_SECONDS, InvalidTokenError, TokenVerifier
from shared.web.keys import (
    HttpsDocument,
    RefreshedKeys,
    SigningKeysUnavailableError,
    StaticKeys,
    key_source,
    read_keys,
)
from shared.web.signing import SigningKey

NAMES = {"issuer": "https://issuer.test", "audience": "careloop"}


class Document:
    """A JWK set that the issuer changes, and how often it was read."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys, self.reads, self.is_away = keys, 0, False

    async def __call__(self) -> bytes:
        self.reads += 1
        if self.is_away:
            raise OSError("away")
        return json.dumps({"keys": [key.public_jwk for key in self.keys]}).encode()


async def test_a_new_key_is_found_and_one_taken_back_is_not() -> None:
    old, new = SigningKey.generate(), SigningKey.generate()
    document = Document(old)
    keys = RefreshedKeys(document, refresh_seconds=0, retry_seconds=0)
    assert await keys.find(old.kid) is not None
    assert await keys.find(new.kid) is None
    document.keys = (old, new)
    assert await keys.find(new.kid) is not None
    document.keys = (new,)
    assert await keys.find(old.kid) is None


async def test_tokens_with_made_up_keys_do_not_make_us_hammer_the_issuer() -> None:
    document = Document(SigningKey.generate())
    keys = RefreshedKeys(document, retry_seconds=3_600)
    for _ in range(100):
        assert await keys.find(uuid4().hex) is None
    assert document.reads == 1


async def test_while_the_issuer_is_away_known_keys_stay_good_for_a_while() -> None:
    key = SigningKey.generate()
    document = Document(key)
    keys = RefreshedKeys(document, refresh_seconds=0, retry_seconds=0)
    await keys.find(key.kid)
    document.is_away = True
    assert await keys.find(key.kid) is not None
    stale = RefreshedKeys(Document(key), refresh_seconds=0, retry_seconds=0, stale_seconds=0)
    with pytest.raises(SigningKeysUnavailableError):
        await stale.find(key.kid)


async def test_without_any_key_no_token_can_be_judged() -> None:
    document = Document()
    document.is_away = True
    with pytest.raises(SigningKeysUnavailableError):
        await RefreshedKeys(document).find("any")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"keys": 7}', b"x" * 70_000])
async def test_what_is_no_key_set_is_not_believed(content: bytes) -> None:
    async def read() -> bytes:
        return content

    with pytest.raises(SigningKeysUnavailableError):
        await RefreshedKeys(read).find("any")


def test_keys_for_other_uses_and_private_ones_are_left_out() -> None:
    jwk = SigningKey.generate().public_jwk
    entries = [
        {**jwk, "use": "enc"},
        {**jwk, "alg": "ES384"},
        {**jwk, "d": "secret"},
        {**jwk, "kid": ""},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"},
    ]
    assert read_keys({"keys": entries}) == {}
    assert list(read_keys({"keys": [*entries, jwk]})) == [jwk["kid"]]


async def test_keys_come_over_https_only_and_redirects_are_not_followed() -> None:
    with pytest.raises(ValueError, match="https"):
        key_source("http://issuer.test/keys")
    with pytest.raises(ValueError, match="https"):
        HttpsDocument("ftp://issuer.test/keys")
    key = SigningKey.generate()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/keys":
            return httpx.Response(200, json=key.jwks)
        return httpx.Response(302, headers={"Location": "https://issuer.test/keys"})

    transport = httpx.MockTransport(answer)
    good = RefreshedKeys(HttpsDocument("https://issuer.test/keys", transport))
    assert await good.find(key.kid) is not None
    with pytest.raises(SigningKeysUnavailableError):
        await RefreshedKeys(HttpsDocument("https://issuer.test/moved", transport)).find(key.kid)


async def test_a_verified_token_is_remembered_for_a_minute_and_never_past_its_expiry() -> None:
    key = SigningKey.generate()
    keys, now = CountedKeys(key), [0.0]
    verifier = TokenVerifier(**NAMES, keys=keys, now=lambda: now[0])
    token = key.token(**NAMES, role="agent", subject="anna").encode()
    for _ in range(3):
        assert (await verifier.verify(token)).id == "anna"
    assert keys.found == 1
    now[0] = CACHED_SECONDS
    assert verifier.recall(token) is None
    await verifier.verify(token)
    assert keys.found == 2
    expiring = key.sign({**NAMES_AS_CLAIMS, "sub": "a", "role": "agent", "exp": 2_000_000_000}).encode()
    now[0] = 1_999_999_990
    await verifier.verify(expiring)
    now[0] = 2_000_000_000
    assert verifier.recall(expiring) is None


NAMES_AS_CLAIMS = {"iss": NAMES["issuer"], "aud": NAMES["audience"]}


class CountedKeys(StaticKeys):
    def __init__(self, key: SigningKey) -> None:
        super().__init__(key.jwks)
        self.found = 0

    async def find(self, kid: str | None) -> Any | None:
        self.found += 1
        return await super().find(kid)


@pytest.mark.parametrize(
    "claims",
    [
        {"role": "emperor", "subject": "a"},
        {"role": "customer", "subject": "a"},
        {"role": "agent", "subject": "a", "customer_id": uuid4()},
        {"role": "agent", "subject": "a", "minutes": 0},
        {"role": "agent", "subject": "a", "minutes": timedelta(days=8) / timedelta(minutes=1)},
    ],
)
def test_no_token_is_signed_that_no_service_would_take(claims: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"role|customer|minutes"):
        SigningKey.generate().token(**NAMES, **claims)


async def test_a_key_survives_its_file_and_keeps_its_id() -> None:
    key = SigningKey.generate()
    again = SigningKey.from_pem(key.to_pem())
    assert again.kid == key.kid
    token = again.token(**NAMES, role="system", subject="mail", scopes=["ticketing:*", "sla:explain"])
    principal = await TokenVerifier(**NAMES, keys=StaticKeys(key.jwks)).verify(token.encode())
    assert principal.scopes == {"ticketing:*", "sla:explain"}
    assert str(principal.actor) == "system:mail"


async def test_a_refusal_says_which_claim_and_nothing_more() -> None:
    key = SigningKey.generate()
    verifier = TokenVerifier(issuer="https://other.test", audience="careloop", keys=StaticKeys(key.jwks))
    token = key.token(**NAMES, role="agent", subject="anna")
    with pytest.raises(InvalidTokenError) as refused:
        await verifier.verify(token.encode())
    assert "issuer" in refused.value.detail
    assert "anna" not in refused.value.detail
