"""Answers whose bytes and headers are made once, without Starlette's generality."""

from collections.abc import Iterable, Mapping

from pydantic import BaseModel
from starlette.responses import Response

JSON = "application/json"
_JSON_TYPE = (b"content-type", b"application/json")


class BytesResponse(Response):
    """A whole body in bytes; JSON unless it is empty or `headers` say otherwise."""

    def __init__(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        raw = [] if headers is None else list(_raw(headers.items()))
        if body and (headers is None or "content-type" not in headers):
            raw.append(_JSON_TYPE)
        if status >= 200 and status not in (204, 304):
            raw.append((b"content-length", b"%d" % len(body)))
        self.raw_headers = raw


def to_bytes(shown: BaseModel) -> bytes:
    """The model as JSON."""
    return shown.__pydantic_serializer__.to_json(shown)


def _raw(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[bytes, bytes]]:
    return ((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers)
