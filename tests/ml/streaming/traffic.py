"""Made-up messages of several taps, and what batch scoring says of them: the SQL of the dbt project, run by itself."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import orjson
import pandas as pd
import yaml

from flows.warehouse.frames import read_frame
from ml.scada_anomaly.config import ScadaAnomalyConfig
from ml.scada_anomaly.score import score
from ml.scada_anomaly.train import train
from ml.streaming.champion import Model
from ml.streaming.messages import SCHEMA
from ml.training import TrainedModel
from tests.conftest import CHECKOUT

TRANSFORM = CHECKOUT / "transform"
START = datetime(2026, 3, 2, tzinfo=UTC)
TYPES = (("36", "3", "measured"), ("45", "6", "command"), ("100", "6", "0"), ("100", "10", "0"))
WEIGHTS = (80, 4, 8, 8)
RAW_COLUMNS = tuple(name for name in SCHEMA.names if name not in {"place", "part", "position", "message_id"})

Message = dict[str, Any]


def messages(*, taps: int = 2, minutes: int = 10, per_minute: int = 12, seed: int = 5) -> list[Message]:
    """Polling traffic, in the order it happened; in the last fifth of the minutes the first tap is flooded."""
    generator = random.Random(seed)
    made = []
    for minute in range(minutes):
        for tap in range(taps):
            is_flooded = tap == 0 and minute >= 0.8 * minutes
            for number in range(per_minute * (8 if is_flooded else 1)):
                message_type, service, kind = generator.choices(TYPES, WEIGHTS)[0]
                at = START + timedelta(minutes=minute, microseconds=generator.randrange(60_000_000))
                station = f"10.1.{generator.randrange(1, 5)}.20"
                made.append(
                    {
                        "message_id": f"{tap}-{minute}-{number}",
                        "network_id": "NET",
                        "capture_id": f"TAP{tap}",
                        "event_at": at.isoformat(),
                        "source_address": station,
                        "destination_address": "10.1.0.10",
                        "source_port": 2404,
                        "destination_port": 51834,
                        "protocol": "IEC104",
                        "message_type": message_type,
                        "service": service,
                        "object_id": str(1_000 + generator.randrange(24)) if kind == "measured" else kind,
                        "length_bytes": generator.choice((56, 69, 180)),
                    }
                )
    return sorted(made, key=lambda each: str(each["event_at"]))


def payloads(made: Iterable[Message]) -> list[bytes]:
    return [orjson.dumps(each) for each in made]


def batch_features(raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Windows and symbols as dbt makes them of rows of `raw.scada_events`."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("given", raw)
        connection.execute(
            f"create table scada_events as select {', '.join(RAW_COLUMNS)}, 'load' as _load_id, 'stream' as _source,"
            " 'file' as _source_file, row_number() over () as _source_row, now() as _ingested_at,"
            " cast(null as varchar) as _parse_error, false as _is_fallback from given"
        )
        connection.execute(
            "create table fct_scada_incident"
            " (network_id varchar, capture_id varchar, started_at timestamptz, ended_at timestamptz)"
        )
        for folder, name in (
            ("staging", "stg_scada__events"),
            ("intermediate", "int_scada_events_deduplicated"),
            ("intermediate", "int_scada_events_windowed"),
            ("features", "feat_scada_anomaly__window"),
            ("features", "feat_scada_anomaly__symbols"),
        ):
            connection.execute(f"create table {name} as {_compiled(TRANSFORM / 'models' / folder / f'{name}.sql')}")
        return (
            read_frame(connection, "from feat_scada_anomaly__window"),
            read_frame(connection, "from feat_scada_anomaly__symbols"),
        )


@lru_cache(maxsize=32)
def _compiled(path: Path) -> str:
    """Render a dbt model whose references are tables of the same name."""
    project = yaml.safe_load((TRANSFORM / "dbt_project.yml").read_text(encoding="utf-8"))
    macros = "".join(
        (TRANSFORM / "macros" / f"{name}.sql").read_text(encoding="utf-8")
        for name in ("exact_mean", "natural_key", "quarantine_reason")
    )
    environment = jinja2.Environment()  # noqa: S701 - makes SQL, not HTML

    known: dict[str, Callable[..., Any]] = {
        "ref": lambda name: name,
        "source": lambda _, name: name,
        "config": lambda **_: "",
        "var": lambda name: project["vars"][name],
    }
    return environment.from_string(macros + path.read_text(encoding="utf-8"), globals=dict(known)).render()


def as_raw(made: Sequence[Message]) -> pd.DataFrame:
    """Messages as rows of `raw.scada_events`."""
    rows = pd.DataFrame(made, columns=list(RAW_COLUMNS))
    return rows.assign(event_at=pd.to_datetime(rows["event_at"], utc=True, format="ISO8601"))


def trained() -> TrainedModel:
    """A small model of quiet traffic of these taps."""
    features = batch_features(as_raw(messages(taps=2, minutes=60, seed=1)))
    return train(*features, config=ScadaAnomalyConfig(tree_count=20))


def batch_scores(model: Model, raw: pd.DataFrame) -> pd.DataFrame:
    """What batch scoring says of the same rows."""
    return in_order(score(model.content, *batch_features(raw)))


def in_order(scores: pd.DataFrame) -> pd.DataFrame:
    return scores.sort_values(["network_id", "capture_id", "window_start_at"], ignore_index=True)
