"""One log line a request. It is on every request's path, so it goes around structlog's chain."""

import json
from datetime import UTC, datetime

import structlog

from shared.telemetry import logs
from shared.telemetry.context import WorkContext

_encode = json.JSONEncoder(separators=(",", ":")).encode
_log = structlog.get_logger("careloop.access")


class AccessLog:
    """Writes method, route template, status, duration, role and ids: no path, query, address or token."""

    __slots__ = ("_service",)

    def __init__(self, service: str) -> None:
        self._service = service

    def write(self, working: WorkContext, method: str, route: str, status: int, seconds: float) -> None:
        fields = {
            "service": self._service,
            "method": method,
            "route": route,
            "status": status,
            "milliseconds": round(seconds * 1_000, 2),
            "role": working.who,
        }
        stream = logs.json_stream()
        if stream is None:
            _log.info("request", **fields)
            return
        fields.update(working.fields())
        at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        line = _encode({"event": "request", **fields, "level": "info", "timestamp": at})
        stream.write(line + "\n")
        stream.flush()
