"""Errors that only the scoring API raises.

GridweaveError (flows.errors)
├── ConfigurationError
│   └── ExposedWithoutTlsError  an address off loopback without certificate and key (exit 2)
└── ModelError
    ├── ScoringFailedError      a scorer raised, died, took too long or said what cannot be
    └── UnfitModelError         a champion that cannot be served; the last good one goes on
"""

from __future__ import annotations

from flows.errors import ConfigurationError, ModelError


class ExposedWithoutTlsError(ConfigurationError):
    """The API was told to listen where others can reach it, without TLS.

    Args:
        host: Address it was to listen on.
        missing: What is not there.
    """

    def __init__(self, *, host: str, missing: str) -> None:
        self.host = host
        self.missing = missing
        super().__init__(
            f"The scoring API does not listen on {host}: that is not loopback, and {missing}.",
            hint="set GRIDWEAVE_API_TLS_CERTIFICATE_PATH and GRIDWEAVE_API_TLS_KEY_PATH, or listen on 127.0.0.1",
        )


class ScoringFailedError(ModelError):
    """A model gave no usable answer; the baseline answers instead.

    Args:
        use_case: Whose model.
        reason: One of raised, lost, timeout, nan, range, length, circuit; it names the counter in the metrics.
    """

    def __init__(self, *, use_case: str, reason: str) -> None:
        self.use_case = use_case
        self.reason = reason
        super().__init__(f"Model {use_case} gave no usable answer: {reason}.", hint="see /metrics and the event log")


class UnfitModelError(ModelError):
    """A champion cannot be served.

    Args:
        use_case: Whose model.
        model_version: Version that was tried.
        reason: What is wrong with it.
    """

    def __init__(self, *, use_case: str, model_version: str, reason: str) -> None:
        self.use_case = use_case
        self.model_version = model_version
        self.reason = reason
        super().__init__(
            f"Model {use_case} version {model_version} is not served: {reason}.",
            hint=f"the last good version goes on; train again, or gridweave rollback {use_case}",
        )
