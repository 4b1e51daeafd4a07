"""The random numbers of fenced runs: a generator whose position can be saved and restored.

Only raw words of numpy's PCG64 are used, the one thing numpy keeps the same from release to release.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qmk.base.seeds import substream

POSITION_BYTES = 16


class Rng:
    """The random stream that ``seed`` and ``names`` determine."""

    def __init__(self, seed: int, *names: str | int) -> None:
        self._words = np.random.PCG64(substream(seed, *names))

    def words(self, count: int) -> npt.NDArray[np.uint64]:
        """Draws ``count`` words of 64 random bits."""
        return self._words.random_raw(count).astype(np.uint64, copy=False)

    def skip(self, count: int) -> None:
        """Goes on as if ``count`` words had been drawn."""
        self._words.advance(count)

    def uniform(self, count: int) -> npt.NDArray[np.float64]:
        """Draws ``count`` numbers from [0, 1), multiples of 2^-53, from one word each."""
        return np.ldexp((self.words(count) >> np.uint64(11)).astype(np.float64), -53)

    def position(self) -> bytes:
        return int(self._words.state["state"]["state"]).to_bytes(POSITION_BYTES, "little")

    def go_to(self, position: bytes) -> None:
        """Goes back to where ``position`` was saved. Raises ``ValueError`` unless it is a position."""
        if len(position) != POSITION_BYTES:
            raise ValueError(f"a position of the generator has {POSITION_BYTES} bytes, not {len(position)}")
        state = self._words.state
        state["state"]["state"] = int.from_bytes(position, "little")  # its increment belongs to the seed
        self._words.state = state
