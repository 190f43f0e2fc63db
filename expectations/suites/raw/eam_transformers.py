"""Guards the border between the asset register of transformers and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: which record is
current and orphans (transform).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import share_at_most, suite
from expectations.landing import (
    in_order,
    landed_rows,
    mostly_filled,
    plausible_attribute,
    plausible_position,
)


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "eam_transformers",
        landed_rows(keys=("network_id", "asset_id")),
        mostly_filled(
            "rated_mva",
            max_null_share=0.9,
            odd_null_share=0.1,
            notes=("The thermal model needs it; a source without nameplates (ETT) is still readable."),
        ),
        plausible_attribute(
            "rated_mva",
            0.001,
            bounds.MAX_RATED_MVA,
            notes="From pole-top to the largest single tank; kVA taken for MVA falls outside.",
        ),
        plausible_attribute(
            "rated_top_oil_rise_k",
            10,
            90,
            notes="IEEE C57.12.00 allows 65 K average winding rise; older units 55 K.",
        ),
        share_at_most(
            "installed_on_out_of_range",
            "installed_on < date '1880-01-01' or installed_on > cast(_ingested_at as date) + 366",
            bounds.ODD_REGISTER_IMPLAUSIBLE_SHARE,
            what="rows installed before 1880 or more than a year ahead",
            notes="There was no grid before; planned units are entered at most a year ahead.",
            few_rows=bounds.FEW_ROWS,
            column="installed_on",
        ),
        in_order("installed_on", "retired_on", notes="Typed by people; quarantined row by row."),
        plausible_position(),
    )
