"""Strong validators: what `ETag` says, and what `If-Match` and `If-None-Match` are compared with.

An ETag is `"<version>-<digest>"`. The version is what commands compare, under the lock; the digest makes
the validator strong even where a representation shows facts that come with events and do not change the
version (a ticket's SLA state). `If-Match` is satisfied by the version, so `"<version>"` alone will do.
"""

import re
from zlib import crc32

from shared.kernel.errors import InvalidInputError, PreconditionFailedError, PreconditionRequiredError

_ETAG = re.compile(r'"([1-9][0-9]{0,17})(?:-[0-9a-f]{8})?"')
_ANY_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_RULE = 'send If-Match with one ETag as you last read it, e.g. "3-9f86d081"'


def etag(version: int, body: bytes) -> str:
    """The strong validator of one representation of a resource at `version`."""
    return f'"{version}-{crc32(body):08x}"'


def expected_version(if_match: str | None) -> int:
    """The version that `If-Match` names.

    Raises `PreconditionRequiredError` without a header, `PreconditionFailedError` for a validator that we
    never gave (weak ones too: the comparison is strong) and `InvalidInputError` for what is no ETag.
    """
    if if_match is None:
        raise PreconditionRequiredError
    found = _ETAG.fullmatch(if_match.strip())
    if found is not None:
        return int(found[1])
    if _ANY_ETAG.fullmatch(if_match.strip()):
        raise PreconditionFailedError
    raise InvalidInputError.of("If-Match", "etag", _RULE)


def require_version(actual: int, expected: int) -> None:
    """Under the lock: raises `PreconditionFailedError` unless the versions are the same."""
    if actual != expected:
        raise PreconditionFailedError


def is_fresh(if_none_match: str | None, tag: str) -> bool:
    """Whether the caller already has this representation (weak comparison, as RFC 9110 has it)."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return any(one.removeprefix("W/") == tag for one in _ANY_ETAG.findall(if_none_match))
