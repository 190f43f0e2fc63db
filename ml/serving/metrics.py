"""What Prometheus is told.

What lives here: the counters, in a registry of their own. What does not: events a person reads (`events`).
"""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """All figures of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "gridweave_api_requests", "Requests answered.", ("route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "gridweave_api_request_seconds",
            "Time from a request's headers to the end of its answer, s.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.refused = Counter(
            "gridweave_api_refused", "Requests refused before they were worked on.", ("reason",), registry=self.registry
        )
        self.baseline_answers = Counter(
            "gridweave_api_baseline_answers",
            "Answers by the baseline because the model gave none that can be used.",
            ("use_case", "reason"),
            registry=self.registry,
        )
        self.scored_rows = Counter(
            "gridweave_api_scored_rows", "Rows scored.", ("use_case", "source"), registry=self.registry
        )
        self.degraded = Gauge(
            "gridweave_api_degraded",
            "1 while a snapshot, champion or registry is not to be had.",
            registry=self.registry,
        )
        self.model = Gauge(
            "gridweave_api_model",
            "1 for the version that answers.",
            ("use_case", "model_version"),
            registry=self.registry,
        )
        self.replaced = Gauge(
            "gridweave_api_scorers_replaced",
            "Scorers of the present model that were replaced after a crash or an overrun.",
            ("use_case",),
            registry=self.registry,
        )
        self.stood_in_at: dict[str, tuple[float, str]] = {}
        """When the baseline answered last, on the monotonic clock, and why; by use case."""
        self._versions: dict[str, str] = {}

    def stood_in(self, use_case: str, reason: str) -> None:
        """Count an answer by the baseline."""
        self.baseline_answers.labels(use_case, reason).inc()
        self.stood_in_at[use_case] = (time.monotonic(), reason)

    def saw_model(self, use_case: str, model_version: str, *, replaced: int) -> None:
        """Tell which version answers."""
        before = self._versions.get(use_case)
        if before is not None and before != model_version:
            self.model.remove(use_case, before)
        self._versions[use_case] = model_version
        self.model.labels(use_case, model_version).set(1)
        self.replaced.labels(use_case).set(replaced)

    def text(self) -> bytes:
        """Return all figures in Prometheus's text format."""
        return generate_latest(self.registry)
