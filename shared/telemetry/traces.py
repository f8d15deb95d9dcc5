"""Spans, exported by OTLP where that is set up; nothing otherwise, not even an import.

On: the packages of the extra `telemetry` are installed, and `OTEL_EXPORTER_OTLP_ENDPOINT` (or
`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) is set. FastAPI then opens a span a request by itself, and the ids in
logs and events are that span's.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import structlog

log = structlog.get_logger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
FLUSH_MILLISECONDS = 5_000

_tracer: Any = None


def configure(service: str, exporter: Any = None) -> Callable[[], None]:
    """Start exporting spans as `service` if that is set up; returns what ends it (and sends what is left).

    `exporter` stands in for OTLP in tests. Call it before the services are composed.
    """
    global _tracer
    if exporter is None and not (any(os.environ.get(name) for name in ENDPOINTS) and _is_installed()):
        return _nothing_to_end
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if exporter is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    _tracer = provider.get_tracer("careloop")

    def end() -> None:
        global _tracer
        _tracer = None
        provider.force_flush(FLUSH_MILLISECONDS)
        provider.shutdown()

    return end


def is_on() -> bool:
    """Whether spans are exported."""
    return _tracer is not None


def current_ids() -> tuple[str, str, str] | None:
    """Trace id, span id and flags of the span in hand, in W3C hex; None without one."""
    if _tracer is None:
        return None
    from opentelemetry import trace

    found = trace.get_current_span().get_span_context()
    if not found.is_valid:
        return None
    return f"{found.trace_id:032x}", f"{found.span_id:016x}", f"{found.trace_flags:02x}"


def name_request(method: str, route: str) -> None:
    """Name the request's span by its route's template, once that is found."""
    from opentelemetry import trace

    current = trace.get_current_span()
    current.update_name(f"{method} {route}")
    current.set_attribute("http.route", route)


@contextmanager
def span(name: str, traceparent: str | None = None) -> Iterator[None]:
    """A span around the block, as a child of `traceparent` (a W3C header) or of the span in hand."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parent = TraceContextTextMapPropagator().extract({"traceparent": traceparent}) if traceparent else None
    with _tracer.start_as_current_span(name, context=parent, record_exception=False):
        yield


def record(name: str, started_ns: int, attributes: Mapping[str, Any]) -> None:
    """A span that began at `started_ns` (nanoseconds since 1970) and ends now."""
    if _tracer is not None:
        _tracer.start_span(name, start_time=started_ns, attributes=dict(attributes)).end()


def _is_installed() -> bool:
    try:
        found = find_spec(EXPORTER) is not None and find_spec("opentelemetry.sdk") is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        log.warning("spans_not_exported", reason="install careloop[telemetry]")
    return found


def _nothing_to_end() -> None:
    """Nothing was started."""
