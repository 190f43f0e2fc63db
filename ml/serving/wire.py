"""Messages between the server and its scorers: a JSON header and a matrix of floats, each with its length before it.

What lives here: bytes. What does not: what they mean (`scorers`, `process`). No pickle: a scorer taken over by a bad
model must not be able to run code in the server.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml.metrics import Floats

LENGTHS = struct.Struct("!II")
LARGEST_BYTES = 1 << 28
READ_BYTES = 1 << 18

Message = tuple[dict[str, Any], "Floats"]
NOTHING: Floats = np.zeros((0, 0))


class BrokenMessageError(ValueError):
    """Bytes that are no message; the connection is given up."""


def pack(header: Mapping[str, Any], matrix: Floats = NOTHING) -> bytes:
    """Return a message."""
    said = orjson.dumps({**header, "shape": matrix.shape})
    values = np.ascontiguousarray(matrix, dtype=float).tobytes()
    return LENGTHS.pack(len(said), len(values)) + said + values


class Unpacker:
    """Bytes as they come in, messages as they are complete."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, received: bytes) -> Iterator[Message]:
        """Add bytes and return the messages that are complete with them.

        Raises:
            BrokenMessageError: Lengths, header and shape do not fit.
        """
        self._bytes += received
        while len(self._bytes) >= LENGTHS.size:
            said, values = LENGTHS.unpack_from(self._bytes)
            end = LENGTHS.size + said + values
            if end > LARGEST_BYTES:
                raise BrokenMessageError(f"a message of {end:,} bytes")
            if len(self._bytes) < end:
                return
            whole = bytes(self._bytes[LENGTHS.size : end])
            del self._bytes[:end]
            yield _parse(whole[:said], whole[said:])


def _parse(said: bytes, values: bytes) -> Message:
    try:
        header = orjson.loads(said)
        shape = header.pop("shape")
        return header, np.frombuffer(values, dtype=float).reshape(shape)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenMessageError(str(error)) from error
