"""A step that has nothing to work on, as an error its engine understands."""

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
