"""Keys in the data folder: made on first use from the system's random numbers, readable by their owner alone."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from qmk.base.errors import QmkError
from qmk.rpc.places import KEYS_NAME
from qmk.rpc.private import cannot_read, private_folder, require_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

log = logging.getLogger("qmk.keys")
KEY_BYTES = 32
_TEXT = re.compile(rb"([0-9a-f]{%d})\s*" % (2 * KEY_BYTES))


def token_key(data_dir: Path) -> bytes:
    """The root key of the daemon's tokens: ``keys/token.key``. Whoever has it can make any token; a new one makes every
    token void."""
    return secret(data_dir / KEYS_NAME / "token.key")


def secret(path: Path) -> bytes:
    """The 32 bytes that the file holds in hexadecimal; a file that is not there is made.

    Raises RESOURCE_EXHAUSTED when it cannot be read or written, INVALID_PARAMS when it holds something else or others
    than its owner may read it.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        private_folder(path.parent)
    except OSError as error:
        raise _cannot("read", path, error) from error
    make(path, os.urandom(KEY_BYTES).hex().encode() + b"\n")
    try:
        return _read(path)
    except OSError as error:
        raise _cannot("read", path, error) from error


def _read(path: Path) -> bytes:
    with open(path, "rb") as file:
        require_private(path, os.fstat(file.fileno()))
        found = _TEXT.fullmatch(file.read(2 * KEY_BYTES + 3))
    if found is None:
        raise QmkError(
            "INVALID_PARAMS",
            f"the key file {path} is damaged: it holds no {2 * KEY_BYTES} hexadecimal digits",
            path=str(path),
            help="restore it from a backup; without it every token must be issued anew, after removing the file",
        )
    return bytes.fromhex(found[1].decode("ascii"))


def make(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Makes a new key file: whole, on disk and with its mode, or not at all. Of two processes that make it at once the
    first one's stays. Raises RESOURCE_EXHAUSTED when it cannot be written."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError:
        return
    except OSError as error:
        raise _cannot("make", path, error) from error
    log.info("made the key %s", path)


def signing_key(folder: Path, name: str) -> Ed25519PrivateKey:
    """The key ``name``.key in ``folder``, made on first use, with its public half ``name``.pub beside it. Raises
    INVALID_PARAMS when others may read the key or the public half is not its own, RESOURCE_EXHAUSTED when it cannot be
    written."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private_folder(folder)
    path, public_path = folder / f"{name}.key", folder / f"{name}.pub"
    if not path.exists():
        made = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        make(path, made)
    require_private(path, path.stat())
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise QmkError("INVALID_PARAMS", f"{path} holds no Ed25519 key")
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    if not public_path.exists():
        make(public_path, public, 0o644)
    elif public_path.read_bytes() != public:
        raise QmkError(
            "INVALID_PARAMS",
            f"{public_path} is not the public half of {path}",
            help="put back the right pair: seals of the key in use could not be verified",
        )
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """Reads a public key. Raises INVALID_PARAMS when the file has no Ed25519 public key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise cannot_read(path, error) from error
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        where = f"public halves of sealing keys are {KEYS_NAME}/*.pub in the daemon's data folder"
        raise QmkError("INVALID_PARAMS", f"{path} holds no Ed25519 public key in PEM", help=where)
    return key


def signed_by(key: Ed25519PublicKey, signature: bytes, text: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, text)
    except InvalidSignature:
        return False
    return True


def _cannot(what: str, path: Path, error: OSError) -> QmkError:
    why = (error.strerror or str(error)).lower()
    return QmkError(
        "RESOURCE_EXHAUSTED", f"cannot {what} the key file {path}: {why}", path=str(path), errno=error.errno
    )
