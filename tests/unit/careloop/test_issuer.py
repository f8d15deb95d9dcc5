"""The development issuer: a key of this machine's own that nobody else reads."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from careloop.issuer import IssuerKeyExposedError, issue_token, jwks_path, signing_key
from shared.operations.settings import AUDIENCE, DEVELOPMENT_ISSUER
from shared.web.authentication import TokenVerifier
from shared.web.keys import key_source


async def test_its_tokens_pass_with_the_keys_it_publishes(tmp_path: Path) -> None:
    customer_id = uuid4()
    token = issue_token(tmp_path, "customer", "wei", customer_id=customer_id)
    keys = key_source(str(jwks_path(tmp_path)))
    verifier = TokenVerifier(issuer=DEVELOPMENT_ISSUER, audience=AUDIENCE, keys=keys)
    principal = await verifier.verify(token.encode())
    assert (principal.role, principal.id, principal.customer_id) == ("customer", "wei", customer_id)


def test_the_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    kid = signing_key(tmp_path).kid
    assert signing_key(tmp_path).kid == kid
    folder = tmp_path / "issuer"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "signing-key.pem").stat().st_mode) == 0o600
    published = json.loads(jwks_path(tmp_path).read_text())
    assert [key["kid"] for key in published["keys"]] == [kid]
    assert "d" not in published["keys"][0]


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    signing_key(tmp_path)
    (tmp_path / "issuer" / "signing-key.pem").chmod(0o644)
    with pytest.raises(IssuerKeyExposedError, match="remove it"):
        signing_key(tmp_path)


def test_first_users_at_once_get_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        kids = {key.kid for key in pool.map(lambda _: signing_key(tmp_path), range(8))}
    assert len(kids) == 1
    assert {path.name for path in (tmp_path / "issuer").iterdir()} == {"signing-key.pem", "jwks.json"}
