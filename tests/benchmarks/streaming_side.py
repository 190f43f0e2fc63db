"""A reader of the streaming benchmark in a process of its own, which can be killed; prints what it measured as JSON.

python -m tests.benchmarks.streaming_side HOME URL CONSUMER MODEL_FOLDER BATCH_MESSAGES
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from flows.settings import Settings
from ml.artifacts import read_model
from ml.streaming.champion import FixedModel, Model
from ml.streaming.messages import Record
from ml.streaming.processor import Processor
from ml.streaming.running import Wish, run_stream


def main() -> None:
    """Read a stream of NATS until it is empty."""
    home, url, consumer, model_folder, batch_messages = sys.argv[1:]
    settings = Settings(
        home=Path(home),
        stream_source="nats",
        stream_url=url,
        stream_consumer=consumer,
        stream_batch_messages=int(batch_messages),
    )
    model = Model(version="1-benchmark", content=read_model(Path(model_folder)))
    model.content["traffic"]
    moments: list[tuple[float, int]] = []
    take = Processor.take

    def timed(self: Processor, records: Sequence[Record]) -> None:
        take(self, records)
        moments.append((time.monotonic(), len(records)))
        print("batch", file=sys.stderr, flush=True)

    Processor.take = timed  # type: ignore[method-assign] # a clock around it
    begun = time.monotonic()
    run_stream(settings, Wish(until_empty=True), lambda _: None, models=FixedModel(model))
    print(json.dumps({"moments": [(at - begun, count) for at, count in moments], "used": time.process_time()}))


if __name__ == "__main__":
    main()
