"""What this process counts itself, for Prometheus. Never a SKU as a label, never a person."""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
HOLDS = ("/v1/reservations", "/v1/pickups")
"""Routes whose 201 is a hold that was granted, and whose 409 is one that was refused."""
OUTCOMES = {201: "granted", 409: "refused"}


@dataclass
class Meters:
    """What this process counts itself; everything else is read from the database when it is asked for."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _of_route: dict[tuple[str, str, int], tuple[Counter, Histogram]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.requests = Counter(
            "omnisync_http_requests",
            "Answers by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "omnisync_http_request_seconds",
            "Time until the answer began.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.holds = Counter(
            "omnisync_holds", "Reservations and pickups asked for, by what became of them.", ("outcome",), registry=self.registry
        )  # fmt: skip
        self.batch = Histogram(
            "omnisync_batch_units",
            "Units of work committed together.",
            ("door",),
            buckets=SIZES,
            registry=self.registry,
        )
        self.wait = Histogram(
            "omnisync_batch_wait_seconds", "How long the first unit of a batch waited for its turn.", ("door",),
            buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        for outcome in OUTCOMES.values():
            self.holds.labels(outcome)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. `route` is one of a few, never a path with a number in it."""
        name = (method, route, status)
        if name not in self._of_route:
            self._of_route[name] = self.requests.labels(method, route, str(status)), self.seconds.labels(route)
        requests, times = self._of_route[name]
        requests.inc()
        times.observe(seconds)

    def answered(self, route: str, status: int) -> None:
        """An idempotent endpoint did something for the first time."""
        if route in HOLDS and status in OUTCOMES:
            self.holds.labels(OUTCOMES[status]).inc()

    def batch_began(self, door: str, units: int, waited_seconds: float) -> None:
        """A batch goes through the writer or a reader."""
        self.batch.labels(door).observe(units)
        self.wait.labels(door).observe(waited_seconds)
