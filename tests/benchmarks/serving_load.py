"""A client that asks a server over kept connections and tells how long each answer took; nothing but sockets.

    python -m tests.benchmarks.serving_load PORT PATH BODY_FILE REQUESTS CONNECTIONS [HEADER: VALUE…]

What lives here: asking, in a process of its own, so that the client's time is nobody's server. What does not: servers
and figures (bench_serving.py).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes]:
    """Send a request and read its answer, whose length is declared."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))
    return int(lines[0].split()[1]), await reader.readexactly(length)


async def one_connection(port: int, request: bytes, count: int, seconds: list[float], statuses: list[int]) -> None:
    """Ask again and again on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 26)
    for _ in range(count):
        started = time.perf_counter()
        status, _ = await ask(reader, writer, request)
        seconds.append(time.perf_counter() - started)
        statuses.append(status)
    writer.close()


async def load(port: int, request: bytes, requests: int, connections: int) -> dict[str, object]:
    """Ask on several connections side by side."""
    seconds: list[float] = []
    statuses: list[int] = []
    started = time.perf_counter()
    each = max(1, requests // connections)
    await asyncio.gather(*(one_connection(port, request, each, seconds, statuses) for _ in range(connections)))
    return {"seconds": seconds, "all_seconds": time.perf_counter() - started, "statuses": sorted(set(statuses))}


def request_bytes(path: str, body: bytes, *headers: str) -> bytes:
    """Return a POST of JSON."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


if __name__ == "__main__":
    port, path, body_file, requests, connections, *headers = sys.argv[1:]
    body = Path(body_file).read_bytes()
    request = request_bytes(path, body, *headers)
    print(json.dumps(uvloop.run(load(int(port), request, int(requests), int(connections)))))
