"""Random streams by name: the same root and names give the same stream on any machine, in any order of use."""

from __future__ import annotations

import hashlib

SEED_BITS = 63


def substream(root: int, *names: str | int) -> int:
    """A 63-bit seed for the stream called ``names`` under ``root`` (SHA-256 of the path, length-prefixed)."""
    digest = hashlib.sha256(str(root).encode())
    for name in names:
        part = f"{type(name).__name__}:{name}".encode()
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return int.from_bytes(digest.digest()[:8], "big") >> (64 - SEED_BITS)
