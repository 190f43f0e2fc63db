"""The model as MLflow serves it: a pyfunc around the same functions, in an environment of its own.

    PYTHON serving_mlflow_model.py MODEL_FOLDER TARGET     # saves it, for `mlflow models serve`

What lives here: frame in, frame out. What does not: the arithmetic, which is the project's on all sides.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd


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
        return pd.DataFrame(scored_columns(self.network, feature_matrix(model_input)))


if __name__ == "__main__":
    mlflow.pyfunc.save_model(sys.argv[2], python_model=__file__, artifacts={"model": sys.argv[1]})
else:
    mlflow.models.set_model(FailureModel())
