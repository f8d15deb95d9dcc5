"""The development issuer: a key of this machine's own, for suites on loopback. Production refuses its tokens."""

import json
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from shared.operations.settings import AUDIENCE, DEVELOPMENT_ISSUER
from shared.web.signing import SigningKey

FOLDER = "issuer"
KEY_FILE = "signing-key.pem"
JWKS_FILE = "jwks.json"


class IssuerKeyExposedError(Exception):
    """The development issuer's key can be read by others than its owner."""


def jwks_path(state_dir: Path | str) -> Path:
    """The JWK set for the services' setting `jwks`; made, with the key, when it is missing."""
    signing_key(state_dir)
    return _folder(state_dir) / JWKS_FILE


def signing_key(state_dir: Path | str) -> SigningKey:
    """The key below `state_dir`, made on first use; two first users at once end up with the same one."""
    folder = _folder(state_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / KEY_FILE
    if not path.exists():
        _keep_first(path, SigningKey.generate().to_pem())
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise IssuerKeyExposedError(f"{path} can be read by others; remove it to have a new one made")
    key = SigningKey.from_pem(path.read_bytes())
    published = json.dumps(key.jwks, indent=2) + "\n"
    jwks = folder / JWKS_FILE
    if not jwks.exists() or jwks.read_text(encoding="utf-8") != published:
        _written(folder, published.encode()).replace(jwks)
    return key


def issue_token(
    state_dir: Path | str,
    role: str,
    subject: str,
    *,
    customer_id: UUID | None = None,
    scopes: Iterable[str] = (),
    minutes: float = 60,
) -> str:
    """An access token of the development issuer. Raises ValueError for claims that no service would take."""
    return signing_key(state_dir).token(
        issuer=DEVELOPMENT_ISSUER,
        audience=AUDIENCE,
        role=role,
        subject=subject,
        customer_id=customer_id,
        scopes=scopes,
        minutes=minutes,
    )


def _folder(state_dir: Path | str) -> Path:
    return Path(state_dir).absolute() / FOLDER


def _keep_first(path: Path, content: bytes) -> None:
    """Write `content` with mode 0600 unless somebody else was first; the file is never seen half written."""
    partial = _written(path.parent, content)
    try:
        os.link(partial, path)
    except FileExistsError:
        return
    finally:
        partial.unlink()


def _written(folder: Path, content: bytes) -> Path:
    """A new file of mode 0600 with `content`, safely on disk, under a name of its own."""
    handle, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
