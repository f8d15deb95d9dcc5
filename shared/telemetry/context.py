"""Which request or event is being worked on: ids that reach every log line, every event and every answer."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from random import SystemRandom
from uuid import UUID

from shared.kernel.context import Origin
from shared.kernel.ids import new_id
from shared.telemetry import traces

SAMPLED = "01"
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16
_random = SystemRandom()


class WorkContext:
    """The ids of one request or one event.

    `request_id` is None outside a request. `trace_id` and `span_id` are W3C hex; a trace that starts here
    has its correlation id's digits, so that one id finds logs, events and spans.
    """

    __slots__ = (
        "correlation_id",
        "event_id",
        "flags",
        "operation",
        "request_id",
        "span_id",
        "trace_id",
        "who",
    )

    def __init__(
        self,
        *,
        correlation_id: UUID,
        trace_id: str,
        flags: str = SAMPLED,
        span_id: str | None = None,
        request_id: str | None = None,
        event_id: UUID | None = None,
    ) -> None:
        self.correlation_id = correlation_id
        self.trace_id = trace_id
        self.span_id = span_id or new_span_id()
        self.flags = flags
        self.request_id = request_id
        self.event_id = event_id
        self.operation: str | None = None
        self.who: str | None = None

    @property
    def traceparent(self) -> str:
        """The W3C header for what follows from this."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    def origin(self) -> Origin:
        """What a command that runs here follows from."""
        return Origin(self.correlation_id, self.event_id, self.traceparent)

    def fields(self) -> dict[str, str]:
        """What a log line says about it."""
        found = {"correlation_id": str(self.correlation_id), "trace_id": self.trace_id}
        if self.request_id is not None:
            found["request_id"] = self.request_id
        if self.event_id is not None:
            found["event_id"] = str(self.event_id)
        return found


_current: ContextVar[WorkContext | None] = ContextVar("careloop_work_context", default=None)
current = _current.get
set_current = _current.set


def new_span_id() -> str:
    """Eight random bytes in hex, never all zero."""
    return f"{_random.getrandbits(63) + 1:016x}"


def parse_traceparent(header: str) -> tuple[str, str] | None:
    """Trace id and flags of a W3C header, or None when it is not a valid one."""
    found = _TRACEPARENT.fullmatch(header)
    if found is None or found[1] == _NO_TRACE or found[2] == _NO_SPAN:
        return None
    return found[1], found[3]


def begin_request(
    request_id: str | None = None, traceparent: str | None = None, correlation_id: UUID | None = None
) -> WorkContext:
    """The context of a request, continuing the caller's trace where its headers are sane."""
    span_id = None
    trace: tuple[str, str] | None
    if (span := traces.current_ids()) is not None:
        trace, span_id = (span[0], span[2]), span[1]
    else:
        trace = parse_traceparent(traceparent) if traceparent else None
    if correlation_id is None:
        correlation_id = UUID(trace[0]) if trace else new_id()
    trace_id, flags = trace or (correlation_id.hex, SAMPLED)
    return WorkContext(
        correlation_id=correlation_id,
        trace_id=trace_id,
        flags=flags,
        span_id=span_id,
        request_id=request_id or correlation_id.hex,
    )


@contextmanager
def following(origin: Origin, event_id: UUID | None = None, name: str = "event") -> Iterator[WorkContext]:
    """Log lines inside carry the ids of an origin (what a consumer or a timer works on); `name` is its span's."""
    with traces.span(name, origin.traceparent):
        span = traces.current_ids()
        trace = parse_traceparent(origin.traceparent) if origin.traceparent else None
        trace_id, flags = trace or (origin.correlation_id.hex, SAMPLED)
        context = WorkContext(
            correlation_id=origin.correlation_id,
            trace_id=span[0] if span else trace_id,
            span_id=span[1] if span else None,
            flags=flags,
            event_id=event_id or origin.causation_id,
        )
        token = _current.set(context)
        try:
            yield context
        finally:
            _current.reset(token)
