"""The server's side of a model: its nursery, and a connection to each of two scorers.

What lives here: starting, asking, replacing, ending. What does not: what an answer is worth (`scoring`).

Decision: two lanes. A request of thousands of rows takes a tenth of a second, and single rows shall not wait behind it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from ml.serving.errors import ScoringFailedError, UnfitModelError
from ml.serving.wire import READ_BYTES, BrokenMessageError, Unpacker, pack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ml.metrics import Floats
    from ml.serving.wire import Message

LOAD_SECONDS = 120.0
LANES = 2
FEW_ROWS = 64


class Lane(asyncio.Protocol):
    """A connection to one scorer; answers find their questions by number."""

    def __init__(self) -> None:
        self.is_lost = False
        self._transport: asyncio.WriteTransport | None = None
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._unpacker = Unpacker()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand each answer to whoever waits for it; nobody does when the time was over."""
        try:
            for header, matrix in self._unpacker.feed(data):
                waiting = self._waiting.pop(int(header["id"]), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result((header, matrix))
        except (BrokenMessageError, KeyError, TypeError, ValueError):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all who wait."""
        self.is_lost = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(exc or ConnectionResetError("the scorer ended"))
        self._waiting.clear()

    def ask(self, number: int, message: bytes) -> asyncio.Future[Message]:
        """Send a question."""
        waiting: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        if self.is_lost or self._transport is None:
            waiting.set_exception(ConnectionResetError("the scorer ended"))
            return waiting
        self._waiting[number] = waiting
        self._transport.write(message)
        return waiting

    def abort(self) -> None:
        """Give the connection up."""
        if self._transport is not None:
            self._transport.abort()
        self.is_lost = True


class ScoringProcess:
    """A model in processes of its own. Made by `start`."""

    def __init__(self, use_case: str, *, folder: Path, sha256: str, model_version: str) -> None:
        self._use_case = use_case
        self._folder = folder
        self._sha256 = sha256
        self._model_version = model_version
        self._numbers = count(1)
        self._control: socket.socket | None = None
        self._nursery: subprocess.Popen[bytes] | None = None
        self._lanes: list[Lane] = []
        self._restart: asyncio.Task[None] | None = None
        self._is_closed = False
        self.replaced = 0
        self.networks: tuple[str, ...] = ()
        self.baseline: dict[str, Any] = {}

    async def start(self) -> None:
        """Load the model and fork its scorers.

        Raises:
            UnfitModelError: It cannot be loaded, or not in time.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            self._nursery = subprocess.Popen(  # noqa: ASYNC220, S603 - milliseconds; our own module
                [
                    *(sys.executable, "-m", "ml.serving.nursery"),
                    *(self._use_case, str(self._folder), self._sha256, str(theirs.fileno())),
                ],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,  # Ctrl-C is for the server
            )
        self._control = ours
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                ready = await self._report(ours)
        except TimeoutError:
            ready = {"unfit": f"not loaded within {LOAD_SECONDS:g} s"}
        if "unfit" in ready:
            ours.close()
            self._end_nursery()
            raise UnfitModelError(
                use_case=self._use_case, model_version=self._model_version, reason=str(ready["unfit"])
            )
        self.networks, self.baseline = tuple(ready["networks"]), ready["baseline"]
        self._lanes = [await self._fork(number) for number in range(LANES)]

    async def score(self, network_id: str, matrix: Floats, entities: Sequence[str], *, seconds: float) -> Floats:
        """Ask a scorer.

        Args:
            network_id: Network of the rows.
            matrix: Shape (n, n_features).
            entities: What each row is about.
            seconds: Longer, and the scorer is ended and replaced.

        Returns:
            As `scorers.score`.

        Raises:
            ScoringFailedError: It raised, died or took too long.
        """
        lane_number = 0 if len(matrix) <= FEW_ROWS else 1
        if self._lanes[lane_number].is_lost:
            await self._replace(lane_number)
        lane, number = self._lanes[lane_number], next(self._numbers)
        message = pack({"id": number, "network_id": network_id, "entities": list(entities)}, matrix)
        try:
            async with asyncio.timeout(seconds):
                header, said = await lane.ask(number, message)
        except TimeoutError:
            lane.abort()
            await self._replace(lane_number, instead_of=lane)
            raise ScoringFailedError(use_case=self._use_case, reason="timeout") from None
        except OSError:
            await self._replace(lane_number, instead_of=lane)
            raise ScoringFailedError(use_case=self._use_case, reason="lost") from None
        if "raised" in header:
            raise ScoringFailedError(use_case=self._use_case, reason="raised")
        return said

    def close(self) -> None:
        """End nursery and scorers: they go when their connections do."""
        self._is_closed = True
        for lane in self._lanes:
            lane.abort()
        if self._control is not None:
            self._control.close()
        self._end_nursery()

    def _end_nursery(self) -> None:
        """End the nursery with all it forked, also a scorer that hangs: they are a process group of their own."""
        if self._nursery is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._nursery.pid, signal.SIGKILL)
            self._nursery.wait()
            self._nursery = None  # from here on its number may be another's

    async def _replace(self, number: int, *, instead_of: Lane | None = None) -> None:
        """Fork another scorer for a lane, unless somebody has; a nursery that died too is started anew meanwhile."""
        if self._is_closed or (instead_of is not None and self._lanes[number] is not instead_of):
            return
        self.replaced += 1
        try:
            self._lanes[number] = await self._fork(number)
        except OSError:
            if self._restart is None or self._restart.done():
                self._restart = asyncio.create_task(self._start_again())

    async def _start_again(self) -> None:
        if self._control is not None:
            self._control.close()
        self._end_nursery()
        with suppress(UnfitModelError):  # the file may be back when the next request asks
            await self.start()
        if self._is_closed:  # it was replaced meanwhile
            self.close()

    async def _fork(self, number: int) -> Lane:
        """Hand one end of a new connection to the nursery; what is sent before the scorer is there waits in it."""
        if self._control is None:
            raise ConnectionResetError("no nursery")
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [bytes([number])], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        ours.setblocking(False)
        _, lane = await asyncio.get_running_loop().create_unix_connection(Lane, sock=ours)
        return lane

    async def _report(self, control: socket.socket) -> dict[str, Any]:
        """Wait for the nursery's one message."""
        unpacker = Unpacker()
        while received := await asyncio.get_running_loop().sock_recv(control, READ_BYTES):
            for header, _ in unpacker.feed(received):
                return header
        return {"unfit": "its process ended while loading"}
