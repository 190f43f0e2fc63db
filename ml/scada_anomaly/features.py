"""Protocol-aware novelty features: how a window's traffic differs from every reference window.

What lives here: distances of symbol counts (message type and service) and volumes to the reference.
What does not: the isolation forest on top (`model`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.scada_anomaly.config import VOLUME_COLUMNS, ScadaAnomalyConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from ml.metrics import Floats

UNSEEN_COLUMN = "<unseen>"
PRIOR_COUNT = 0.5  # Krichevsky and Trofimov 1981: half a message for a symbol never counted
CHUNK_ROWS = 1_000  # distance matrices are made in chunks: memory stays below 20 MB
WINDOW_KEYS = ["network_id", "capture_id", "window_start_at"]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The windows that count as normal.

    Attributes:
        symbols: Known symbols, ordered; everything else counts as unseen.
        counts: Messages per window and symbol, shape (n_windows, n_symbols + 1); the last column is
            unseen, always 0.
        symbol_bits: Surprise of each symbol, bits, shape (n_symbols + 1,).
        low: Smallest value per volume column.
        high: Largest.
    """

    symbols: tuple[str, ...]
    counts: Floats
    symbol_bits: Floats
    low: Floats
    high: Floats


def feature_names(config: ScadaAnomalyConfig) -> tuple[str, ...]:
    """Return the names of what `novelty` computes, in its order."""
    distances = [f"symbol_{kind}_distance_{count}" for kind in ("mix", "count") for count in config.neighbour_counts]
    return (*distances, "symbol_surprise_bits")


def excess_names() -> tuple[str, ...]:
    """Return the names of what `excess` computes, in its order."""
    return (*(f"{name}_out_of_range" for name in VOLUME_COLUMNS), "unseen_symbol_share")


def symbol_counts(windows: pd.DataFrame, symbols: pd.DataFrame, vocabulary: tuple[str, ...]) -> Floats:
    """Return messages per window and symbol, shape (n_windows, n_symbols + 1)."""
    known = symbols["symbol"].where(symbols["symbol"].isin(vocabulary), UNSEEN_COLUMN)
    table = symbols.assign(symbol=known).pivot_table(
        index=WINDOW_KEYS, columns="symbol", values="message_count", aggfunc="sum", fill_value=0
    )
    rows = table.reindex(
        index=pd.MultiIndex.from_frame(windows[WINDOW_KEYS]),
        columns=[*vocabulary, UNSEEN_COLUMN],
        fill_value=0,
    )
    return rows.to_numpy(dtype=float)


def volumes(windows: pd.DataFrame, reference: Reference | None = None) -> Floats:
    """Return the volume columns as floats.

    Args:
        windows: Windows of one network and protocol.
        reference: What an unknown value (the gap of a lone message) is put in the middle of, so that it leaves no
            range; None while the reference is made: the median of the windows. Of windows to score no other may
            count: a window alone scores as among many.
    """
    values = windows[list(VOLUME_COLUMNS)].astype(float)
    usual = values.median() if reference is None else (reference.low + reference.high) / 2
    return values.fillna(pd.Series(usual, index=list(VOLUME_COLUMNS))).fillna(0.0).to_numpy()


def build_reference(windows: pd.DataFrame, symbols: pd.DataFrame) -> Reference:
    """Describe the reference windows."""
    merged = symbols.merge(windows[WINDOW_KEYS], on=WINDOW_KEYS, how="inner")
    vocabulary = tuple(sorted(merged["symbol"].unique()))
    counts = symbol_counts(windows, merged, vocabulary)
    frequency = counts.sum(axis=0) + PRIOR_COUNT
    volume = volumes(windows)
    return Reference(
        symbols=vocabulary,
        counts=counts,
        symbol_bits=-np.log2(frequency / frequency.sum()),
        low=volume.min(axis=0),
        high=volume.max(axis=0),
    )


def novelty(
    counts: Floats,
    reference: Reference,
    *,
    own_row: npt.NDArray[np.int64] | None,
    config: ScadaAnomalyConfig,
) -> Floats:
    """Return how novel each window's symbols are, shape (n_windows, n_features).

    Args:
        counts: Messages per window and symbol.
        reference: Windows to compare with.
        own_row: For reference windows, their row in the reference, left out of the comparison; None
            for others.
        config: Settings.

    Source: Hellinger distance between symbol mixes (Cha 2007, table 5); square roots of counts have
        a variance that does
    not depend on the count (Anscombe 1948).
    """
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    reference_total = np.maximum(reference.counts.sum(axis=1, keepdims=True), 1.0)
    mix = _nearest(np.sqrt(counts / total), np.sqrt(reference.counts / reference_total), own_row, config)
    count = _nearest(np.sqrt(counts), np.sqrt(reference.counts), own_row, config)
    surprise = counts @ reference.symbol_bits / total[:, 0]
    return np.column_stack([mix, count, surprise])


def _nearest(
    rows: Floats,
    others: Floats,
    own_row: npt.NDArray[np.int64] | None,
    config: ScadaAnomalyConfig,
) -> Floats:
    """Return the distance to the k-th nearest other row, one column per configured k."""
    found = []
    for start in range(0, len(rows), CHUNK_ROWS):
        part = rows[start : start + CHUNK_ROWS]
        squared = np.square(part).sum(axis=1)[:, None] + np.square(others).sum(axis=1)[None] - 2 * part @ others.T
        if own_row is not None:
            squared[np.arange(len(part)), own_row[start : start + CHUNK_ROWS]] = np.inf
        squared.sort(axis=1)
        ranks = [min(count, squared.shape[1] - 1) - 1 for count in config.neighbour_counts]
        # rounding makes tiny negatives of equal rows; below a millionth two windows are the same
        found.append(np.sqrt(np.round(np.maximum(squared[:, ranks], 0.0), 6)))
    return np.concatenate(found)


def excess(volume: Floats, counts: Floats, reference: Reference, *, margin: float) -> Floats:
    """Return how far each window leaves the range of the reference, 0 inside, at most 1.

    Args:
        volume: Volume columns, shape (n_windows, n_columns).
        counts: Messages per window and symbol.
        reference: Windows that span the range.
        margin: Share of the range's width that is still inside.
    """
    width = np.maximum(reference.high - reference.low, 0.05 * np.abs(reference.high) + 1e-9)
    above = (volume - reference.high) / width - margin
    below = (reference.low - volume) / width - margin
    # too little traffic is a lost connection; few sources or short messages are just a window cut short
    is_two_sided = np.array([name == "message_count" for name in VOLUME_COLUMNS])
    beyond = np.where(is_two_sided, np.maximum(above, below), above)
    unseen_share = counts[:, -1] / np.maximum(counts.sum(axis=1), 1.0)
    return np.column_stack([np.clip(beyond, 0.0, 1.0), unseen_share])
