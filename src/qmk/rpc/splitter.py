"""Splits the bytes of a connection into frames, however they arrive."""

from __future__ import annotations

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS

RECEIVE_BYTES = 1 << 16
"""What is read at once from a socket. For a buffer of more than 128 KiB the C library maps fresh memory each time,
which takes ten times as long as reading a short message."""


class FrameSplitter:
    """Collects chunks and gives out complete lines without their newline; blank lines are dropped.

    Linear in the bytes fed, for any chunking; holds at most ``limit`` bytes. A line over the limit sets ``error``
    (send it once, then close the connection); from then on ``feed`` gives nothing.
    """

    __slots__ = ("_held", "error", "limit")

    def __init__(self, limit: int | None = None) -> None:
        self.limit = LIMITS.frame_bytes if limit is None else limit
        self.error: QmkError | None = None
        self._held = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that ``chunk`` completes, in order."""
        if self.error is not None:
            return []
        if not self._held and 0 <= chunk.find(b"\n") == len(chunk) - 1 <= self.limit:  # nearly always
            return [chunk[:-1]] if chunk.strip() else []
        first, *rest = chunk.split(b"\n")
        if not self._fits(len(self._held) + len(first)):
            return []
        if not rest:
            self._held += first
            return []
        last = rest.pop()
        frames = [bytes(self._held) + first if self._held else first]
        self._held = bytearray()
        for line in rest:
            if not self._fits(len(line)):
                return [frame for frame in frames if frame.strip()]
            frames.append(line)
        if self._fits(len(last)):
            self._held += last
        return [frame for frame in frames if frame.strip()]

    @property
    def pending_bytes(self) -> int:
        """Bytes of the frame that is not complete yet."""
        return len(self._held)

    def _fits(self, size: int) -> bool:
        if size <= self.limit:
            return True
        self._held = bytearray()
        self.error = QmkError(
            "QUOTA_EXCEEDED",
            f"the frame exceeds the limit 'frame_bytes' of {self.limit} bytes; the connection is closed",
            quota="frame_bytes",
            asked=size,
            limit=self.limit,
        )
        return False
