"""Archives and compressed files, told by their first bytes, whatever their names say.

What lives here: the signatures. What does not: reading gzip, the one compression that is accepted (`delivered_csv`).
Decision: gridweave opens no archives. A delivery is one file with one table, so an archive brings nothing but its
risks: entries outside the target, links, archives in archives, millions of entries. It is rejected and said what it is.
"""

from __future__ import annotations

SIGNATURE_BYTES = 512
_TAR_OFFSET = 257
_TAR_MARKS = (b"ustar\x00", b"ustar  \x00")
_BZIP2_OFFSET = 4  # before it the level, a digit
_SIGNATURES = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "an empty zip archive",
    b"PK\x07\x08": "a part of a zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}


def archive_kind(first_bytes: bytes) -> str | None:
    r"""Name the archive or compression a file begins like, or None when it is neither.

    Args:
        first_bytes: Its first `SIGNATURE_BYTES`, or all of it.

    >>> archive_kind(b"PK\x03\x04 and the rest")
    'a zip archive'
    >>> archive_kind(b"series,time,mw") is None
    True
    """
    if first_bytes[_TAR_OFFSET:].startswith(_TAR_MARKS):
        return "a tar archive"
    if first_bytes.startswith(b"BZh") and first_bytes[_BZIP2_OFFSET:].startswith(b"1AY&SY"):
        return "bzip2"
    return next((kind for signature, kind in _SIGNATURES.items() if first_bytes.startswith(signature)), None)


def archive_reason(kind: str, *, is_inside: bool) -> str:
    """Say why such a file is rejected.

    Args:
        kind: What `archive_kind` named.
        is_inside: Whether it was found inside the file's own gzip.
    """
    if is_inside:
        return f"gzip holds {kind}; expected one table as plain text in it"
    return f"is {kind}, which is not opened; deliver the table itself, as plain text, as .gz or as Parquet"
