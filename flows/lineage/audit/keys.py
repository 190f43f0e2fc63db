"""The key that signs checkpoints. The only importer of cryptography.

What lives here: making, reading and using an Ed25519 key. What does not: what is signed (checkpoints.py).

The pair is made on first use below gridweave's home; a utility that keeps its keys elsewhere names the private key in
`GRIDWEAVE_AUDIT_KEY_PATH`. The public key beside the checkpoints is for readers; where the private key can be read it
is the one that counts, so that replacing the public key alone gains nothing.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.errors import GridweaveError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PRIVATE_KEY_NAME = "ed25519.pem"
PUBLIC_KEY_NAME = "ed25519.pub"
KEY_ID_LENGTH = 16
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class AuditError(GridweaveError):
    """The audit chain cannot be written or read."""


class AuditKeyError(AuditError):
    """The key that signs checkpoints cannot be used.

    Args:
        path: The key file.
        reason: What is wrong with it.
    """

    def __init__(self, *, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"Audit key {path} cannot be used: {reason}.",
            hint="restore it from its backup; a new key cannot vouch for what the old one signed",
        )


@dataclass(frozen=True)
class Signer:
    """Signs with one key.

    Args:
        public_key: 32 bytes.
    """

    public_key: bytes
    _private_key: Ed25519PrivateKey

    @property
    def key_id(self) -> str:
        """Short name of the key."""
        return key_id_of(self.public_key)

    def sign(self, message: bytes) -> str:
        """Return the signature, hexadecimal."""
        return self._private_key.sign(message).hex()


def key_id_of(public_key: bytes) -> str:
    """Name a public key by the start of its sha256."""
    return hashlib.sha256(public_key).hexdigest()[:KEY_ID_LENGTH]


def open_signer(folder: Path, key_path: Path | None = None) -> Signer:
    """Open the private key; make one when there is none below gridweave's home.

    Args:
        folder: `$GRIDWEAVE_HOME/audit`; the public key is kept there.
        key_path: A private key elsewhere; it must exist.

    Raises:
        AuditKeyError: The key is missing, unreadable, open to others, or not the one of the public key.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    public_path = folder / PUBLIC_KEY_NAME
    private_path = key_path or folder / PRIVATE_KEY_NAME
    if key_path is None and not private_path.exists():
        if public_path.exists():
            raise AuditKeyError(path=private_path, reason="it is missing, and its public key is not")
        _make(private_path)
    signer = _read(private_path)
    if not public_path.exists():
        _write_new(public_path, signer.public_key.hex().encode() + b"\n")
    if read_public_key(public_path) != signer.public_key:
        raise AuditKeyError(path=private_path, reason=f"it is not the key of {public_path}")
    return signer


def trusted_public_key(folder: Path, key_path: Path | None = None) -> bytes | None:
    """Return the key that checkpoints are held against; None when nothing was ever signed.

    Raises:
        AuditKeyError: A key file is damaged, or the two do not belong together.
    """
    public_path, private_path = folder / PUBLIC_KEY_NAME, key_path or folder / PRIVATE_KEY_NAME
    public_key = read_public_key(public_path) if public_path.exists() else None
    if not private_path.exists():
        return public_key
    own = _read(private_path).public_key
    if public_key is not None and public_key != own:
        raise AuditKeyError(path=public_path, reason=f"it is not the public key of {private_path}")
    return own


def read_public_key(path: Path) -> bytes:
    """Read a public key file: 32 bytes, hexadecimal."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != 32:  # noqa: PLR2004 - RFC 8032: a public key has 32 bytes
        raise AuditKeyError(path=path, reason="it does not hold 32 bytes in hexadecimal")
    return key


def is_signed(public_key: bytes, message: bytes, signature: str) -> bool:
    """Tell whether the key signed exactly this message."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _make(path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    _write_new(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _read(path: Path) -> Signer:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        is_open = path.stat().st_mode & OTHERS
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise AuditKeyError(path=path, reason=str(error) or "it is no private key in PEM form") from error
    if is_open:
        raise AuditKeyError(path=path, reason="others may read it; its mode must be 0600")
    if not isinstance(key, Ed25519PrivateKey):
        raise AuditKeyError(path=path, reason="it is no Ed25519 key")
    return Signer(key.public_key().public_bytes_raw(), key)


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that nobody else may read, and that did not exist; complete or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.rename(path)
