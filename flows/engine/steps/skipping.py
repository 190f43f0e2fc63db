"""The error by which a step says that it has nothing to do. It is not a failure."""

from __future__ import annotations

from flows.errors import AssetError


class StepSkippedError(AssetError):
    """A step has nothing to work on; the reason is recorded and the run goes on.

    Args:
        asset_key: The asset.
        reason: What it lacks.
    """

    def __init__(self, *, asset_key: str, reason: str) -> None:
        self.asset_key = asset_key
        self.reason = reason
        super().__init__(f"Asset {asset_key} skipped: {reason}.")

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the facts when the error crosses from a step's own process."""
        return _skipped, (self.asset_key, self.reason)


def _skipped(asset_key: str, reason: str) -> StepSkippedError:
    return StepSkippedError(asset_key=asset_key, reason=reason)
