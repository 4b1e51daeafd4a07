"""What new ids and seeds are made of."""

from __future__ import annotations

import os
import time

ENTROPY_BYTES = 16
TICK_NS = 100
"""The time in ids counts these: fine enough that ids of one daemon are in the order in which they were made."""


def draw_entropy(size: int) -> bytes:
    """The time since 1970 in 7 bytes, by which ids sort, and ``size`` random bytes."""
    return (time.time_ns() // TICK_NS % (1 << 56)).to_bytes(7, "big") + os.urandom(size)
