"""Verify an evidence bundle with nothing but Python: python verify_bundle.py [BUNDLE.zip or its folder].

Every entry is hashed onto the one before it, a signed checkpoint (Ed25519, RFC 8032) stands at or after the last one,
and every row of the ledger is the one its latest entry recorded. Compare public_key.hex with the copy you trust.
"""

import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """Add two points of the curve -x² + y² = 1 + dx²y²."""
    product, y = D * a[0] * b[0] * a[1] * b[1], a[1] * b[1] + a[0] * b[0]
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + product, -1, P)
    return x % P, y * pow(1 - product, -1, P) % P


def times(factor: int, point: tuple[int, int]) -> tuple[int, int]:
    """Add a point to itself."""
    total = (0, 1)
    while factor:
        total = add(total, point) if factor & 1 else total
        point, factor = add(point, point), factor >> 1
    return total


def decoded(data: bytes) -> tuple[int, int]:
    """Read a point: y, and the lowest bit of x on top."""
    sign, y = divmod(int.from_bytes(data, "little"), 2**255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or y >= P or (x == 0 and sign):
        raise ValueError("no point of the curve")
    return (P - x if x & 1 != sign else x), y


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Verify an Ed25519 signature."""
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or len(key) != 32 or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    base = decoded((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    return times(s, base) == add(decoded(signature[:32]), times(k, decoded(key)))


def fault(files: dict[str, str]) -> str:
    """Return the first fault, or nothing."""
    chain: list[dict[str, Any]] = [json.loads(line) for line in files["chain.jsonl"].splitlines()]
    latest, hashes = dict[str, tuple[int, str]](), dict[int, str]()
    if not chain:
        return "the chain is empty"
    seq, previous = chain[0]["seq"], chain[0]["prev_hash"]
    for entry in chain:
        digest = hashlib.sha256((previous + entry["canonical"]).encode()).hexdigest()
        if (entry["seq"], entry["prev_hash"], entry["hash"]) != (seq, previous, digest):
            return f"entry {seq} is not what was recorded"
        body = json.loads(entry["canonical"])
        latest[body["subject"]] = (seq, body["payload"].get("row_sha256"))
        hashes[seq], previous, seq = digest, digest, seq + 1
    if (chain[0]["seq"] == 1) != (chain[0]["prev_hash"] == "0" * 64):
        return "the chain does not begin where it says"
    key = bytes.fromhex(files["public_key.hex"].strip())
    points = [json.loads(line) for line in files["checkpoints.jsonl"].splitlines()]
    for point in points:
        signature = bytes.fromhex(point.pop("signature"))
        message = json.dumps(point, sort_keys=True, separators=(",", ":")).encode()
        is_own = point["key_id"] == hashlib.sha256(key).hexdigest()[:16] and is_signed(key, message, signature)
        if not is_own or hashes.get(point["seq"]) != point["head_hash"]:
            return f"the checkpoint at entry {point['seq']} is not signed, or not of this chain"
    if not points or points[-1]["seq"] != seq - 1:
        return "no signed checkpoint stands at the end of the chain"
    later = set(json.loads(files["changed_later.json"]))
    for row in map(json.loads, files["ledger.jsonl"].splitlines()):
        text = "".join(f"{k}={len(v.encode())}:{v};" for k, v in sorted(row["row"].items()) if v is not None)
        if latest.pop(row["subject"], (0, ""))[1] != hashlib.sha256(text.encode()).hexdigest():
            return f"{row['subject']} is not the row that was recorded"
    gone = [s for s, (_, digest) in latest.items() if digest and s not in later and not s.startswith("state:")]
    return f"{gone[0]} is missing from the ledger" if gone else ""


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    names = ("chain.jsonl", "checkpoints.jsonl", "public_key.hex", "ledger.jsonl", "changed_later.json")
    try:
        parts = [place / n if place.is_dir() else zipfile.Path(place, n) for n in names]
        found = fault({part.name: part.read_text(encoding="utf-8") for part in parts})
    except (ValueError, LookupError, OSError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        found = f"the bundle is damaged: {error!r}"
    print(f"NOT AS RECORDED: {found}" if found else "as recorded")
    sys.exit(bool(found))
