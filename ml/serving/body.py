"""Request bodies: bounded while they are read, parsed strictly.

What lives here: bytes to JSON. What does not: what the JSON means (`rows`).

Decision: jiter, because it is the one fast parser that tells duplicate keys. It also refuses NaN, Infinity, invalid
UTF-8 and nesting deeper than a couple of hundred levels.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import jiter

from ml.serving.problems import Problem, invalid

if TYPE_CHECKING:
    from starlette.requests import Request

CLOSE = {"Connection": "close"}  # the rest of the body is not read


async def read_json(request: Request, *, at_most_bytes: int, within_seconds: float) -> Any:  # noqa: ANN401 - any JSON
    """Read a request's body as JSON.

    Args:
        request: The request.
        at_most_bytes: Larger bodies are refused, declared ones before a byte of them is read.
        within_seconds: A client that needs longer is cut.

    Raises:
        Problem: 408, 413, 415 or 422.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json.", headers=CLOSE)
    try:
        async with asyncio.timeout(within_seconds):
            body = await _read(request, at_most_bytes)
    except TimeoutError:
        raise Problem(
            HTTPStatus.REQUEST_TIMEOUT, f"The body did not arrive within {within_seconds:g} s.", headers=CLOSE
        ) from None
    try:
        return jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys")
    except ValueError:
        raise invalid("The body is not strict JSON: no duplicate keys, no NaN or Infinity, UTF-8.") from None


async def _read(request: Request, at_most_bytes: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > at_most_bytes:
        raise _too_large(at_most_bytes)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > at_most_bytes:
            raise _too_large(at_most_bytes)
        parts.append(part)
    return b"".join(parts)


def _too_large(at_most_bytes: int) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is larger than {at_most_bytes:,} bytes; send fewer rows, or send columns.",
        headers=CLOSE,
    )
