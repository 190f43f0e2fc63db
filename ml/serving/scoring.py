"""From rows to answers: ask the model, judge what it says, and answer by the baseline when it is no use.

What lives here: the decision between model and baseline. What does not: parsing rows (`rows`), processes (`process`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.serving.baselines import ask_baseline, is_usable
from ml.serving.errors import ScoringFailedError, UnfitModelError
from ml.serving.use_cases import DRIVERS, USE_CASES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml.metrics import Floats
    from ml.serving.champions import Champion
    from ml.serving.events import EventLog
    from ml.serving.metrics import Metrics
    from ml.serving.process import ScoringProcess
    from ml.serving.rows import Rows
    from ml.serving.served import ServedModel

    Part = tuple[str, Floats, Sequence[str], Any]

PROBE_SECONDS = 30.0  # the first answer of a process also reads code from disk


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Answers to rows.

    Attributes:
        source: "model", or "baseline" where the model was no use.
        columns: As of the use case, shape (n_columns, n), in the order of the rows.
    """

    source: str
    columns: Floats


async def score_rows(model: ServedModel, rows: Rows, *, seconds: float, metrics: Metrics, events: EventLog) -> Scored:
    """Score rows of one or several networks; one part without a usable answer, and the baseline answers all.

    Args:
        model: Who is asked.
        rows: Rows, all of networks the model knows.
        seconds: Time the model has.
        metrics: Where it is counted.
        events: Where crashes and open circuits are told.
    """
    use_case = model.champion.use_case
    parts = _by_network(rows)
    try:
        said = await _ask_model(model, parts, seconds=seconds)
        source = "model"
        model.circuit.succeeded()
    except ScoringFailedError as error:
        metrics.stood_in(use_case, error.reason)
        if error.reason in {"lost", "timeout"}:
            events.write("scorer replaced", use_case=use_case, reason=error.reason)
            if model.circuit.failed():
                events.write("circuit opened", use_case=use_case)
        said = [
            ask_baseline(use_case, model.process.baseline[network], matrix, entities)
            for network, matrix, entities, _ in parts
        ]
        source = "baseline"
    metrics.scored_rows.labels(use_case, source).inc(len(rows.matrix))
    if len(parts) == 1:
        return Scored(source=source, columns=said[0])
    columns = np.empty((len(said[0]), len(rows.matrix)))
    for part, (_, _, _, places) in zip(said, parts, strict=True):
        columns[:, places] = part
    return Scored(source=source, columns=columns)


async def _ask_model(model: ServedModel, parts: Sequence[Part], *, seconds: float) -> list[Floats]:
    """Ask the model network by network, unless its circuit is open, and judge what it says."""
    if not model.circuit.admits():  # once for all networks: an open circuit lets a single try through
        raise ScoringFailedError(use_case=model.champion.use_case, reason="circuit")
    said = []
    for network_id, matrix, entities, _ in parts:
        answer = await model.process.score(network_id, matrix, entities, seconds=seconds)
        said.append(judged(model.champion.use_case, answer, len(matrix)))
    return said


async def probe(process: ScoringProcess, champion: Champion, *, seconds: float) -> None:
    """Ask a model that is to be taken over for a row of each network that knows nothing, and one of zeros.

    Raises:
        UnfitModelError: It has no network, no usable baseline, or gives no usable answer.
    """
    served = USE_CASES[champion.use_case]
    for network in process.networks:
        if not is_usable(champion.use_case, process.baseline[network]):
            raise UnfitModelError(
                use_case=champion.use_case, model_version=champion.model_version, reason="its baseline is no use"
            )
        matrix = np.stack([np.full(len(served.features), np.nan), np.zeros(len(served.features))])
        try:
            said = await process.score(network, matrix, ["", ""], seconds=max(seconds, PROBE_SECONDS))
            judged(champion.use_case, said, len(matrix))
        except ScoringFailedError as error:
            raise UnfitModelError(
                use_case=champion.use_case, model_version=champion.model_version, reason=f"scoring {error.reason}"
            ) from error
    if not process.networks:
        raise UnfitModelError(
            use_case=champion.use_case, model_version=champion.model_version, reason="it knows no network"
        )


def judged(use_case: str, said: Floats, row_count: int) -> Floats:
    """Return what a model said when it can be true.

    Raises:
        ScoringFailedError: Wrong number of answers, not a number, or outside the bounds of its meaning.
    """
    served = USE_CASES[use_case]
    if said.shape != (len(served.columns), row_count):
        raise ScoringFailedError(use_case=use_case, reason="length")
    lowest, highest = _bounds(use_case)
    if not np.isfinite(said).all():
        raise ScoringFailedError(use_case=use_case, reason="nan")
    if (said.min(axis=1) < lowest).any() or (said.max(axis=1) > highest).any():
        raise ScoringFailedError(use_case=use_case, reason="range")
    return said


@lru_cache
def _bounds(use_case: str) -> tuple[Floats, Floats]:
    """Return the least and the largest value each column may have; of drivers, -1 is none and the rest places."""
    served = USE_CASES[use_case]
    lowest = [-1.0 if name in DRIVERS else 0.0 for name in served.columns]
    places = float(len(served.features) - 1)
    highest = [1.0 if name in served.shares else places if name in DRIVERS else np.inf for name in served.columns]
    return np.array(lowest), np.array(highest)


def _by_network(rows: Rows) -> list[Part]:
    """Return network, matrix, entities and places of each network's rows."""
    networks = set(rows.network_ids)
    if len(networks) == 1:
        return [(networks.pop(), rows.matrix, rows.entities, slice(None))]
    of_row = np.array(rows.network_ids)
    return [
        (network, rows.matrix[places], [rows.entities[place] for place in places], places)
        for network in sorted(networks)
        for places in (np.flatnonzero(of_row == network).tolist(),)
    ]
