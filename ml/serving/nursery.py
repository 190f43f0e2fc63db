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

from ml.serving import scorers
from ml.serving.wire import Unpacker, pack, receive

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)


def main(use_case: str, folder: Path, sha256: str, control: socket.socket) -> None:
    """Load, report, and fork a scorer for each connection handed over, until the server goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then closes its end
    try:
        model = load(folder, sha256)
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


def load(folder: Path, sha256: str) -> dict[str, Any]:
    """Read a model whose file has this hash.

    Raises:
        ValueError: It has another.
    """
    from ml.artifacts import MODEL_FILE_NAMES, file_sha256, read_model

    found = [folder / name for name in MODEL_FILE_NAMES.values() if (folder / name).is_file()]
    if [file_sha256(path) for path in found] != [sha256]:
        raise ValueError("the model file is not the one that was registered")
    return read_model(folder)


def serve(use_case: str, model: Mapping[str, Any], connection: socket.socket) -> None:
    """Answer until the other end is closed; a model that raises is an answer too."""
    for header, matrix in receive(connection, Unpacker()):
        try:
            said = scorers.score(use_case, model, header["network_id"], matrix, header["entities"])
            answer = pack({"id": header["id"]}, said)
        except Exception as error:  # noqa: BLE001 - a runner: the server answers by the baseline and counts it
            answer = pack({"id": header["id"], "raised": type(error).__name__})
        connection.sendall(answer)


def _end(child: int) -> None:
    """End a scorer that is given up, and take its exit code."""
    if child:
        os.kill(child, signal.SIGKILL)  # not reaped before, so the number is still its own
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], socket.socket(fileno=int(sys.argv[4])))
