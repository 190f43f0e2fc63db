"""What a scorer process knows: a model, and the functions of its use case that batch scores with too.

What lives here: from a matrix to a matrix. What does not: processes (`nursery`), checks of what comes out (`scoring`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ml.serving.use_cases import USE_CASES
from ml.transformer_failure.config import USE_CASE as TRANSFORMER_FAILURE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml.metrics import Floats


def score(use_case: str, model: Mapping[str, Any], network_id: str, matrix: Floats, entities: Sequence[str]) -> Floats:
    """Score rows of one network.

    Args:
        use_case: Name.
        model: What `ml.artifacts.read_model` returns.
        network_id: Network the rows are of.
        matrix: Shape (n, n_features); NaN marks unknown.
        entities: What each row is about, where the model asks for it.

    Returns:
        Columns of the use case, shape (n_columns, n).
    """
    served = USE_CASES[use_case]
    if use_case == TRANSFORMER_FAILURE:
        from ml.transformer_failure.score import scored_columns

        said: dict[str, Any] = scored_columns(model[network_id], matrix)
    else:
        import pandas as pd

        from ml.outage_risk.score import scored_columns as outage_columns

        daily = pd.DataFrame(matrix, columns=list(served.features)).assign(feeder_id=list(entities))
        said = dict(outage_columns(model[network_id], daily))
    return np.stack([np.asarray(said[name], dtype=float) for name in served.columns])


def prepare(use_case: str, model: Mapping[str, Any]) -> None:
    """Do once what every scoring would wait for, without asking the model: see `nursery` for why."""
    if use_case == TRANSFORMER_FAILURE:
        import ml.transformer_failure.score
        from ml.forest import ReadForest

        for each in model.values():
            if each.forest is not None:
                ReadForest.of(each.forest, len(USE_CASES[use_case].features))
        return
    import pandas as pd  # noqa: F401 - imported before the fork, for all that come after it

    import ml.outage_risk.score  # noqa: F401 - same


def baseline(use_case: str, model: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the baseline answers from, as JSON, by network; `baselines` reads it."""
    if use_case == TRANSFORMER_FAILURE:
        return {
            network_id: {
                name: getattr(each.age_hazard, name).tolist()
                for name in ("age_edges_years", "probability", "low", "high")
            }
            for network_id, each in model.items()
        }
    return {
        network_id: {
            name: getattr(each.climatology, name) for name in ("probability", "mean_count", "customers_per_outage")
        }
        for network_id, each in model.items()
    }
