"""A Python step as something to run, and how it ended. What runs it is prefect_tasks.py's business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flows.assets.definition import AssetDefinition


@dataclass(frozen=True, kw_only=True)
class Job:
    """One asset's step, ready to be run.

    Args:
        definition: The asset.
        work: Does the step; returns notes for the summary.
    """

    definition: AssetDefinition
    work: Callable[[], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """How a job ended: done, skipped with a reason, or failed with an error."""

    key: str
    notes: tuple[str, ...] = ()
    skipped_because: str | None = None
    error: BaseException | None = None
