"""Names of things: the grammar of ids in programs, and opaque handles made from entropy that the host brings."""

from __future__ import annotations

import base64
import hashlib
import re

ID_PATTERN = r"[A-Za-z_][A-Za-z0-9_]*"
_ID = re.compile(ID_PATTERN)


def is_id(text: str) -> bool:
    """Whether ``text`` is a QVM id: a letter or underscore, then letters, digits and underscores (ASCII)."""
    return _ID.fullmatch(text) is not None


def opaque(prefix: str, entropy: bytes, *parts: str | int) -> str:
    """A handle such as ``job_4kq3...``: 128 bits of SHA-256 over the entropy and the parts, base32 lower case."""
    digest = hashlib.sha256(entropy)
    for part in parts:
        digest.update(b"\0" + str(part).encode())
    text = base64.b32encode(digest.digest()[:16]).decode().rstrip("=").lower()
    return f"{prefix}_{text}"
