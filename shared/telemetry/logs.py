"""Logs: one JSON object a line (or coloured lines for people), with the ids of the work in hand."""

import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

from shared.telemetry import context
from shared.telemetry.faults import with_fault

_json_stream: TextIO | None = None


def json_stream() -> TextIO | None:
    """Where JSON lines of level info go; None when they go nowhere or are for people."""
    return _json_stream


def configure(
    *,
    service: str,
    log_format: Literal["json", "console"] = "json",
    level: str = "info",
    stream: TextIO | None = None,
    cache: bool = True,
) -> None:
    """Set up structlog, and the standard library's loggers to speak the same way, once a process.

    `cache` binds each logger to this set-up at its first use; tests that set up anew leave it off.
    """
    global _json_stream
    stream = stream or sys.stdout
    threshold = logging.getLevelNamesMapping()[level.upper()]

    def with_service(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("service", service)
        return event

    _json_stream = stream if log_format == "json" and threshold <= logging.INFO else None
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        with_work_context,
        with_service,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        with_fault,
    ]
    if log_format == "json":
        renderer: Any = structlog.processors.JSONRenderer(serializer=_json)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty())
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=cache,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(threshold, logging.WARNING))


def with_work_context(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add request, correlation, trace and event id of the work in hand."""
    working = context.current()
    if working is not None:
        for name, value in working.fields().items():
            event.setdefault(name, value)
    return event


def _json(event: Any, **options: Any) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), default=options.get("default", str))
