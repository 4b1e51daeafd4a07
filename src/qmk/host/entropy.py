"""What new ids and seeds are made of."""

from __future__ import annotations

import os
import time

from qmk.base.units import MS_NS

ENTROPY_BYTES = 16


def draw_entropy(size: int) -> bytes:
    """The milliseconds since 1970 in 6 bytes, by which ids sort, and ``size`` random bytes."""
    return (time.time_ns() // MS_NS % (1 << 48)).to_bytes(6, "big") + os.urandom(size)
