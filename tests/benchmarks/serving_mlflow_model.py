"""The model as MLflow serves it: a pyfunc around the same functions, in an environment of its own.

    PYTHON serving_mlflow_model.py MODEL_FOLDER TARGET     # saves it, for `mlflow models serve`

With ARITHMETIC=scikit-learn the trees are asked by scikit-learn's own calls, as one does who has not read them into
arrays; drivers and the share of missing features are then left out, so that it is less work.

What lives here: frame in, frame out. What does not: the arithmetic, which is the project's on all sides.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from ml.calibration import logit

NAMES = ("failure_probability", "failure_probability_low", "failure_probability_high")
LEVELS = (0.05, 0.95)


class FailureModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc] # MLflow is untyped
    """Scores transformers."""

    def load_context(self, context: Any) -> None:
        """Read the artefact once."""
        from ml.artifacts import read_model

        (self.network,) = read_model(Path(context.artifacts["model"])).values()

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Score each row."""
        from ml.transformer_failure.model import feature_matrix
        from ml.transformer_failure.score import scored_columns

        del context, params
        if os.environ.get("ARITHMETIC") == "scikit-learn":
            return self._asked_tree_by_tree(feature_matrix(model_input))
        return pd.DataFrame(scored_columns(self.network, feature_matrix(model_input)))

    def _asked_tree_by_tree(self, features: Any) -> pd.DataFrame:
        network = self.network
        filled = network.forest[0].transform(features).astype(np.float32)
        votes = np.stack([tree.predict_proba(filled)[:, 1] for tree in network.forest[1].estimators_])
        log_odds = network.hazard.log_odds(features)
        said = {
            name: network.calibrator.apply(1 / (1 + np.exp(-(logit(vote) + log_odds) / 2)))
            for name, vote in zip(NAMES, (votes.mean(axis=0), *np.quantile(votes, LEVELS, axis=0)), strict=True)
        }
        return pd.DataFrame(said)


if __name__ == "__main__":
    mlflow.pyfunc.save_model(sys.argv[2], python_model=__file__, artifacts={"model": sys.argv[1]})
else:
    mlflow.models.set_model(FailureModel())
