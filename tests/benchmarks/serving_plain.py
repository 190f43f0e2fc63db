"""What is written in an afternoon: FastAPI, pydantic, one DataFrame for each request; the same functions score.

MODEL_FOLDER=… uvicorn tests.benchmarks.serving_plain:app
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
from fastapi import FastAPI
from pydantic import create_model

from ml.artifacts import read_model
from ml.transformer_failure.config import FEATURE_COLUMNS
from ml.transformer_failure.model import feature_matrix
from ml.transformer_failure.score import scored_columns

app = FastAPI()
(network,) = read_model(Path(os.environ["MODEL_FOLDER"])).values()
Row: Any = create_model("Row", **dict.fromkeys(FEATURE_COLUMNS, (float | None, None)))  # type: ignore[call-overload]


def predict(rows: list[Row]) -> list[dict[str, Any]]:
    """Score each row."""
    frame = pd.DataFrame([row.model_dump() for row in rows])
    scored = pd.DataFrame(scored_columns(network, feature_matrix(frame)))
    return [{str(name): value for name, value in row.items()} for row in scored.to_dict("records")]


predict.__annotations__["rows"] = list[Row]
app.post("/predict")(predict)
