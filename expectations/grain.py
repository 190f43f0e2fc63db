"""What every table between the warehouse and the models is expected to look like.

What lives here: the words feature and score suites share. What does not: which of them a table has
(expectations.suites.features, expectations.suites.ml).

Unlike raw data these tables are made by gridweave, so one bad row is one too many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from expectations.checks import at_least_one_row, no_nulls, no_result, no_row, unique_grain, within

if TYPE_CHECKING:
    from collections.abc import Sequence

WRITER_COLUMNS = ("run_id", "materialization_id", "model_version", "scored_at")


def features_of(*, grain: Sequence[str]) -> list[Any]:
    """Expect rows, one per grain, with filled keys and a known time of availability.

    Args:
        grain: Columns that identify a row.
    """
    return [
        at_least_one_row(notes="A model on no rows predicts nothing without an error."),
        unique_grain(grain, notes="A repeated row counts twice in training and scoring."),
        *(no_nulls(column, notes="Part of the grain.") for column in grain),
        no_nulls("available_at", notes="Without it nobody can show that the model did not peek."),
        no_nulls("is_fallback", notes="Scores carry it on."),
    ]


def scores_of(*, grain: Sequence[str], live_notes: str) -> list[Any]:
    """Expect rows, one per grain and materialization, with their writer, live ones among them.

    Args:
        grain: Columns that identify a row of one materialization.
        live_notes: Why there must be live rows.
    """
    return [
        at_least_one_row(notes="An empty score is a failed model, not a quiet grid."),
        unique_grain(("materialization_id", *grain), notes="Two scores for the same thing: which one holds?"),
        *(no_nulls(column, notes="Part of the grain.") for column in grain),
        *(no_nulls(column, notes="A score without it cannot be traced or replayed.") for column in WRITER_COLUMNS),
        no_nulls("is_fallback", notes="Readers must know when a stand-in was used."),
        live_rows_exist(notes=live_notes),
    ]


def feature_drift_of(*, psi_unknown: str, distance_unknown: str, p_value_unknown: str) -> list[Any]:
    """Expect one verdict per network and feature, and measures within their domain.

    Args:
        psi_unknown: When the stability index is null.
        distance_unknown: When the distance is null.
        p_value_unknown: When the probability is null.
    """
    return [
        at_least_one_row(notes="No verdict on any feature is a broken measurement."),
        unique_grain(("network_id", "feature"), notes="Two verdicts on one feature: which one holds?"),
        no_nulls("is_drifted", notes="A verdict is yes or no."),
        *(
            within(column, 0, None, notes=f"An index of zero or more; null {psi_unknown}.")
            for column in ("psi", "psi_by_chance")
        ),
        within("ks_p_value", 0, 1, notes=f"A probability; null {p_value_unknown}."),
        within("wasserstein", 0, None, notes=f"A distance; null {distance_unknown}."),
        within("missing_share_rise", -1, 1, notes="A difference of shares."),
    ]


def live_rows_exist(*, notes: str) -> Any:  # noqa: ANN401 - GX is untyped
    """Expect at least one live row."""
    return no_result(
        "live_rows_exist",
        "select count(*) as row_count from {batch} having count(*) filter (score_kind = 'live') = 0",
        expected="at least one live row",
        notes=notes,
    )


def not_known_later(available: str, needed: str, *, notes: str) -> Any:  # noqa: ANN401 - GX is untyped
    """Expect everything a row uses to be known when it is needed.

    Args:
        available: Column with the time of availability.
        needed: Column or SQL expression with the time the row is used.
        notes: Why that time.
    """
    return no_row(
        "known_in_time",
        f"{available} > {needed}",
        expected=f"{available} not after {needed}",
        notes=notes,
    )


def probability(column: str, *, notes: str = "A probability.") -> list[Any]:
    """Expect a filled, finite probability."""
    return [no_nulls(column, notes=notes), within(column, 0, 1, notes=notes)]


def share(column: str, *, notes: str) -> Any:  # noqa: ANN401 - GX is untyped
    """Expect known values of a share within 0 to 1."""
    return within(column, 0, 1, notes=notes)


def local_time() -> list[Any]:
    """Expect local hour and weekday within the clock and the week."""
    return [
        no_nulls("local_hour", notes="Calendar features come from the clock, never from a source."),
        within("local_hour", 0, 23, notes="Hours of a day."),
        within("local_day_of_week", 1, 7, notes="ISO weekday, 1 is Monday."),
        no_nulls("is_holiday", notes="Days without calendar count as no holiday, never as null."),
    ]
