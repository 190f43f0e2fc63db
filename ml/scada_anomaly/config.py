"""Settings of the SCADA anomaly model, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

USE_CASE = "scada_anomaly"

VOLUME_COLUMNS = (
    "message_count",
    "distinct_service_count",
    "distinct_object_count",
    "distinct_source_count",
    "mean_length_bytes",
    "max_length_bytes",
    "mean_gap_seconds",
)
FEATURE_COLUMNS = (*VOLUME_COLUMNS, "symbol")


@dataclass(frozen=True, kw_only=True)
class ScadaAnomalyConfig:
    """How the model is trained.

    Attributes:
        reference_share: Share of the windows of quiet captures, from the start, that is learnt as
            normal.
        minimum_reference_windows: Fewer say nothing about what is rare.
        maximum_reference_windows: Windows kept to compare with, evenly spaced; bounds time and
            memory.
        neighbour_counts: How many reference windows a window is compared with: the nearest finds
            what was never seen, the third nearest what was seen hardly ever.
        tree_count: Trees of the isolation forest.
        false_windows_per_capture: Alarms a normal capture of usual length may raise; sets the
            threshold.
        excess_weight: Weight of leaving the range of the reference, which an isolation forest
            cannot see.
        excess_margin: Range is left when it is exceeded by this share of its width.
        random_seed: Seed of the forest.
    """

    reference_share: float = 0.7
    minimum_reference_windows: int = 20
    maximum_reference_windows: int = 2_000
    neighbour_counts: tuple[int, ...] = (1, 3)
    tree_count: int = 200
    false_windows_per_capture: float = 0.5
    excess_weight: float = 0.5
    excess_margin: float = 0.5
    random_seed: int = 20_240_601
