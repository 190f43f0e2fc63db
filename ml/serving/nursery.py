"""A process that holds a model and forks the scorers that use it.

    python -m ml.serving.nursery USE_CASE FOLDER SHA256 DESCRIPTOR

What lives here: loading a model once, and scorers that come and go. What does not: who asks them (`process`).

Decision: a new scorer has to be there within seconds after a crash, and importing scikit-learn and reading a model
takes three on a quiet machine. A fork of a process that has done both takes milliseconds and shares its memory. The
nursery never asks the model itself: GNU OpenMP hangs in a fork of a process that has used it, and what a bad model does
happens to a scorer only.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.artifacts import read_registered_model
from ml.serving import scorers
from ml.serving.wire import READ_BYTES, Unpacker, pack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml.serving.wire import Message

logger = logging.getLogger(__name__)


def main(use_case: str, folder: Path, sha256: str, control: socket.socket) -> None:
    """Load, report, and fork a scorer for each connection handed over, until the server goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then closes its end
    try:
        model = read_registered_model(folder, sha256)
        scorers.prepare(use_case, model)
        ready = {"networks": sorted(model), "baseline": scorers.baseline(use_case, model)}
    except Exception as error:  # noqa: BLE001 - a runner: whatever a bad file does is the answer to the server
        control.sendall(pack({"unfit": f"{type(error).__name__}: {str(error)[:300]}"}))
        return
    control.sendall(pack(ready))
    children: dict[int, int] = {}
    while True:
        lane, handed_over, _, _ = socket.recv_fds(control, 1, 1)
        if not lane:
            break
        _end(children.pop(lane[0], 0))
        connection = socket.socket(fileno=handed_over[0])
        child = os.fork()
        if child == 0:
            control.close()
            serve(use_case, model, connection)
            os._exit(0)
        connection.close()
        children[lane[0]] = child
    for child in children.values():
        _end(child)


def serve(use_case: str, model: Mapping[str, Any], connection: socket.socket) -> None:
    """Answer until the other end is closed; questions that have gathered are answered together."""
    unpacker = Unpacker()
    while received := connection.recv(READ_BYTES):
        questions = list(unpacker.feed(received))
        for network_id in dict.fromkeys(header["network_id"] for header, _ in questions):
            of_network = [each for each in questions if each[0]["network_id"] == network_id]
            connection.sendall(b"".join(_answers(use_case, model, of_network)))


def _answers(use_case: str, model: Mapping[str, Any], questions: Sequence[Message]) -> Iterator[bytes]:
    """Answer questions about one network at once: a dozen single rows cost little more than one.

    A model that raises is an answer too, to those alone whose rows it raises for.
    """
    entities = [entity for header, _ in questions for entity in header["entities"]]
    try:
        matrix = np.concatenate([rows for _, rows in questions]) if len(questions) > 1 else questions[0][1]
        said = scorers.score(use_case, model, questions[0][0]["network_id"], matrix, entities)
    except Exception as error:  # noqa: BLE001 - a runner: the server answers by the baseline and counts it
        if len(questions) > 1:
            for each in questions:
                yield from _answers(use_case, model, [each])
        else:
            yield pack({"id": questions[0][0]["id"], "raised": type(error).__name__})
        return
    start = 0
    for header, rows in questions:
        yield pack({"id": header["id"]}, said[:, start : start + len(rows)])
        start += len(rows)


def _end(child: int) -> None:
    """End a scorer that is given up, and take its exit code."""
    if child:
        os.kill(child, signal.SIGKILL)  # not reaped before, so the number is still its own
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], socket.socket(fileno=int(sys.argv[4])))
