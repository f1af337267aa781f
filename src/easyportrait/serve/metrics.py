"""Counts for Prometheus: requests, seconds, who waits, and the process's memory."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from .places import Places

TYPE = CONTENT_TYPE_LATEST
# Paths that are counted by name; a stranger's guesses are one number
PATHS = ("/v1/parse", "/v1/apply", "/v1/models", "/v1/effects", "/healthz", "/metrics")
BUCKETS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60)


class Meter:
    """The counts of one server."""

    def __init__(self, places: Places) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "easyportrait_requests",
            "Requests answered.",
            ["path", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "easyportrait_request_seconds",
            "From the headers to the end of the answer.",
            ["path"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        for name, text, value in (
            ("easyportrait_places", "Requests that may be here at once.", lambda: places.most),
            ("easyportrait_places_taken", "Requests that are here.", lambda: places.taken),
            ("easyportrait_working", "Of them, those being worked on.", lambda: places.working),
        ):
            Gauge(name, text, registry=self._registry).set_function(value)
        ProcessCollector(registry=self._registry)

    def count(self, path: str, status: int, seconds: float) -> None:
        name = path if path in PATHS else "other"
        self._requests.labels(name, str(status)).inc()
        self._seconds.labels(name).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self._registry)
