"""Model artefacts on disk: written once, hashed, read back without running what is in them.

What lives here: files in and out, with our own list of types. What does not: versions and aliases
(`ml.registry`), out-of-time scores (the caller keeps them as evidence of the materialization).
Pickle is never used: reading one runs code chosen by whoever wrote it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, ZipInfo

if TYPE_CHECKING:
    from ml.training import TrainedModel

MODEL_FILE_NAMES = {"skops": "model.skops", "json": "model.json"}
SKOPS_SCHEMA = "schema.json"
TRAINING_FILE_NAME = "training.json"
CARD_FILE_NAME = "CARD.md"
READ_BYTES = 1 << 20

# Everything a skops file of ours may hold beyond what skops trusts by itself. A file that names
# another type is refused. The tree types hold raw node indices that scikit-learn does not check, so
# files are hashed before they are read.
TRUSTED_TYPES = (
    "ml.calibration.ProbabilityCalibrator",
    "ml.outage_risk.baseline.FeederClimatology",
    "ml.outage_risk.blend.ChanceBlend",
    "ml.outage_risk.hazard.AdditiveHazard",
    "ml.outage_risk.model.NetworkOutageModel",
    "ml.outage_risk.occurrence.OccurrenceRegression",
    "ml.outage_risk.regression.OutageRegression",
    "ml.outage_risk.terms.TermScale",
    "ml.scada_anomaly.baseline.CountBaseline",
    "ml.scada_anomaly.features.Reference",
    "ml.scada_anomaly.model.TrafficModel",
    "ml.top_oil.model.NetworkTopOilModel",
    "ml.top_oil.thermal.ThermalConstants",
    "ml.transformer_failure.baseline.AgeHazard",
    "ml.transformer_failure.hazard.FailureHazard",
    "ml.transformer_failure.model.NetworkFailureModel",
    "ml.transformer_health.baseline.MeanHealth",
    "ml.transformer_health.config.Candidate",
    "ml.transformer_health.model.HealthForest",
    "ml.transformer_health.model.NetworkHealthModel",
    "ml.restoration_time.estimator.RestorationQuantiles",
    "ml.restoration_time.model.NetworkRestorationModel",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)


def import_skops() -> None:
    """Import skops, 3 s the first time."""
    importlib.import_module("skops.io")


def write_artifacts(trained: TrainedModel, folder: Path) -> dict[str, str]:
    """Write model, figures and card into a folder.

    Args:
        trained: What training handed over.
        folder: An existing, empty folder.

    Returns:
        sha256 per file name.
    """
    model_path = folder / MODEL_FILE_NAMES[trained.serializer]
    if trained.serializer == "json":
        text = json.dumps(trained.model, allow_nan=False, sort_keys=True)
        model_path.write_text(text, encoding="utf-8")
    else:
        import skops.io

        model_path.write_bytes(_without_chance(skops.io.dumps(dict(trained.model))))
    (folder / TRAINING_FILE_NAME).write_text(_describe(trained), encoding="utf-8")
    card = Path(__file__).parent / trained.use_case / CARD_FILE_NAME
    (folder / CARD_FILE_NAME).write_text(card.read_text(encoding="utf-8"), encoding="utf-8")
    return {path.name: file_sha256(path) for path in sorted(folder.iterdir())}


def read_model(folder: Path) -> dict[str, Any]:
    """Return the model of a folder whose hashes were verified."""
    json_path = folder / MODEL_FILE_NAMES["json"]
    if json_path.exists():
        loaded: dict[str, Any] = json.loads(json_path.read_text(encoding="utf-8"))
        return loaded
    import skops.io

    stored: dict[str, Any] = skops.io.load(folder / MODEL_FILE_NAMES["skops"], trusted=list(TRUSTED_TYPES))
    return stored


def read_registered_model(folder: Path, sha256: str) -> dict[str, Any]:
    """Return the model of a folder whose file has this hash.

    Raises:
        ValueError: It has another.
    """
    found = [folder / name for name in MODEL_FILE_NAMES.values() if (folder / name).is_file()]
    if [file_sha256(path) for path in found] != [sha256]:
        raise ValueError("the model file is not the one that was registered")
    return read_model(folder)


def read_training(folder: Path) -> dict[str, Any]:
    """Return figures, settings and notes stored beside a model."""
    described: dict[str, Any] = json.loads((folder / TRAINING_FILE_NAME).read_text("utf-8"))
    return described


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _without_chance(archive: bytes) -> bytes:
    """Return a skops file whose bytes follow from the model alone, so that its hash tells whether two are the same.

    skops names objects by memory address and files by address or at random, and a zip dates its members. What is equal
    stays equal: names are only numbered in the order they appear.
    """
    with ZipFile(BytesIO(archive)) as stored:
        members = {name: stored.read(name) for name in stored.namelist()}
    schema = json.loads(members.pop(SKOPS_SCHEMA))
    identities: dict[int, int] = {}
    files: dict[str, str] = {}

    def numbered(node: Any, name: str = "") -> Any:  # noqa: ANN401 - any JSON
        if isinstance(node, dict):
            return {key: numbered(value, key) for key, value in node.items()}
        if isinstance(node, list):
            return [numbered(value) for value in node]
        if name == "__id__":
            return identities.setdefault(node, len(identities) + 1)
        if isinstance(node, str) and node in members:
            return files.setdefault(node, f"{len(files) + 1}{Path(node).suffix}")
        return node

    content = {SKOPS_SCHEMA: json.dumps(numbered(schema), indent=1).encode()}
    content |= {new: members[old] for old, new in files.items()}
    same = BytesIO()
    with ZipFile(same, "w") as written:
        for name, data in content.items():
            written.writestr(ZipInfo(name), data)  # dated 1980-01-01
    return same.getvalue()


def _describe(trained: TrainedModel) -> str:
    """Return settings, figures and notes as JSON text."""
    described = {
        "use_case": trained.use_case,
        "estimator_name": trained.estimator_name,
        "feature_columns": trained.feature_columns,
        "hyperparameters": dict(trained.hyperparameters),
        "metrics": [row.as_json() for row in trained.metrics],
        "headline_metric": trained.headline_metric,
        "is_higher_better": trained.is_higher_better,
        "random_seed": trained.random_seed,
        "notes": trained.notes,
    }
    return json.dumps(described, indent=1, allow_nan=False)
