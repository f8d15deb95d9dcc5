"""Prometheus metrics: one registry a process, whatever runs in it."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

REGISTRY = CollectorRegistry(auto_describe=True)
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

_counters: dict[str, Counter] = {}
_gauges: dict[str, Gauge] = {}
_histograms: dict[str, Histogram] = {}


def counter(name: str, documentation: str, *labels: str) -> Counter:
    """The process's counter of that name; the same object however often it is asked for."""
    if name not in _counters:
        _counters[name] = Counter(name, documentation, labels, registry=REGISTRY)
    return _counters[name]


def gauge(name: str, documentation: str, *labels: str) -> Gauge:
    """The process's gauge of that name."""
    if name not in _gauges:
        _gauges[name] = Gauge(name, documentation, labels, registry=REGISTRY)
    return _gauges[name]


def histogram(name: str, documentation: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Histogram:
    """The process's histogram of that name."""
    if name not in _histograms:
        _histograms[name] = Histogram(name, documentation, labels, registry=REGISTRY, buckets=buckets)
    return _histograms[name]


def exposition() -> tuple[bytes, str]:
    """All metrics of the process as text, and its media type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST


class HttpMetrics:
    """Duration of the requests of one service, by route and status; label objects are looked up once."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._durations = histogram(
            "careloop_http_request_seconds",
            "Duration of HTTP requests",
            "service",
            "method",
            "route",
            "status",
        )
        self._children: dict[tuple[str, str, int], Histogram] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._durations.labels(self._service, method, route, str(status))
        child.observe(seconds)
