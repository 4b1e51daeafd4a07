"""Names of things: the grammar of ids in programs, and opaque handles made from entropy that the host brings."""

from __future__ import annotations

import hashlib
import re

ID_PATTERN = r"[A-Za-z_][A-Za-z0-9_]*"
_ID = re.compile(ID_PATTERN)


def is_id(text: str) -> bool:
    """Whether ``text`` is a QVM id: a letter or underscore, then letters, digits and underscores (ASCII)."""
    return _ID.fullmatch(text) is not None


def opaque(prefix: str, entropy: bytes, *parts: str | int) -> str:
    """A handle such as ``job_4f0c...``: 128 bits of SHA-256 over the entropy and the parts, in hexadecimal."""
    data = b"\0".join((entropy, *[str(part).encode() for part in parts]))
    return f"{prefix}_{hashlib.sha256(data).hexdigest()[:32]}"


def sorted_by_time(prefix: str, entropy: bytes) -> str:
    """Makes a handle that sorts by the first 7 bytes of the entropy, the time; 72 bits are as in ``opaque``."""
    return f"{prefix}_{entropy[:7].hex()}{hashlib.sha256(entropy).hexdigest()[:18]}"


def trace(handle: str) -> str:
    """A short name for a handle in logs, by which it can be recognised and not used."""
    prefix = handle.partition("_")[0]
    return f"{prefix}~{hashlib.sha256(handle.encode()).hexdigest()[:12]}"
