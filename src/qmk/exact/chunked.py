"""Runs that take their shots in chunks, each from fence to fence: what the fenced engines of QMK have in common.

A ``ChunkedPlan`` knows how many shots a chunk has, how a chunk begins, and how one is read back; the rest of
``FencedPlan`` follows. Each chunk has a generator of its own, so a saved run is the bits of the chunks that are done
and, of the one under way, its quantum states and the position of its generator. Bits depend on program, shots and seed
only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Protocol, Self, TypeVar

import numpy as np

from qmk.base.limits import LIMITS
from qmk.base.units import bytes_text
from qmk.exact import checkpoint
from qmk.exact.checkpoint import Body, Header, Saved, check
from qmk.exact.rng import Rng
from qmk.ir.bits import Bits
from qmk.sdk.engine import Progress, Samples, Unsupported


class Chunk(Protocol):
    """Some shots on their way, standing at fence ``epoch`` (0: the start)."""

    @property
    def shots(self) -> int: ...

    @property
    def epoch(self) -> int: ...

    @property
    def body_bytes(self) -> int:
        """Roughly how many bytes ``pack`` will give."""
        ...

    def advance(self) -> None:
        """Run one segment, to the next fence or, from the last, to the final read-out."""
        ...

    def rewind(self, epoch: int) -> bool:
        """Undo the segments after fence ``epoch``. False, with nothing changed, when one of them cannot be undone."""
        ...

    def read_out(self, bits: Bits) -> None:
        """The bits of its shots, after the last segment. The chunk cannot be used again."""
        ...

    def pack(self) -> Body: ...

    def distance(self, other: Self) -> float:
        """How far apart two chunks at the same place are: 0.0 when equal, 2.0 when more than their states differs."""
        ...


C = TypeVar("C", bound=Chunk)


class ChunkedPlan(ABC, Generic[C]):
    """A ``FencedPlan``. ``segments``: stretches between fences, their number plus one; ``n_cbits`` as the program's."""

    @property
    @abstractmethod
    def head(self) -> Header:
        """What a saved run says it belongs to."""

    @property
    @abstractmethod
    def segments(self) -> int: ...

    @property
    @abstractmethod
    def n_cbits(self) -> int: ...

    @abstractmethod
    def chunk(self, shots: int) -> int:
        """The number of shots of each chunk but the last. It follows from the program."""

    @abstractmethod
    def first(self, shots: int, rng: Rng) -> C:
        """A chunk at the start of the program."""

    @abstractmethod
    def load(self, body: Body, epoch: int, shots: int, rng: Rng) -> C:
        """The inverse of ``Chunk.pack``; ``rng`` is the chunk's generator before its first use. Raises ``Unsupported``
        for whatever is not a chunk of this plan."""

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        execution = self.start(shots, seed)
        while execution.advance():
            if progress is not None:
                progress(execution.shots_done)
        return execution.samples()

    def execution(self, shots: int, seed: int, done: Bits | None = None, chunk: C | None = None) -> ChunkedExecution[C]:
        """A run, at its start or where it goes on (``ChunkedExecution``)."""
        return ChunkedExecution(self, shots, seed, done, chunk)

    def start(self, shots: int, seed: int) -> ChunkedExecution[C]:
        return self.execution(shots, seed)

    def resume(self, state: bytes) -> ChunkedExecution[C]:
        """Raises ``Unsupported`` for the state of anything but this program on this engine, and for damaged bytes."""
        saved = checkpoint.decode(state, self.head)
        checkpoint.check_counts(saved, self.segments)
        step, ended = self.chunk(saved.shots), saved.done == saved.shots
        check(ended or saved.done % step == 0, f"{saved.done} shots are not whole chunks of {step}")
        rows = checkpoint.unpack_rows(saved.samples, saved.done, self.n_cbits, "samples")
        chunk = None
        if saved.body is not None:
            check(not ended and saved.epoch > 0, "states where there are none")
            count = min(step, saved.shots - saved.done)
            chunk = self.load(saved.body, saved.epoch, count, self.rng(saved.seed, saved.done))
        else:
            check(saved.epoch == 0, "no states")
        return self.execution(saved.shots, saved.seed, rows, chunk)

    def rng(self, seed: int, done: int) -> Rng:
        """The generator of the chunk that begins at shot ``done``, before its first use."""
        return Rng(seed, "chunk", done)


class ChunkedExecution(Generic[C]):
    """An ``Execution``. It stands at a fence, or at the start, of the chunk under way."""

    def __init__(
        self, plan: ChunkedPlan[C], shots: int, seed: int, done: Bits | None = None, chunk: C | None = None
    ) -> None:
        """``done`` has the bits of the finished chunks. ``chunk`` is the one under way; without it, the next one is at
        its start."""
        self.plan = plan
        self.shots = shots
        self.seed = seed
        self._bits = np.zeros((shots, plan.n_cbits), dtype=np.uint8)
        self._done = 0 if done is None else len(done)
        if done is not None:
            self._bits[: self._done] = done
        self.chunk = chunk or self._next()

    def _next(self) -> C | None:
        count = min(self.plan.chunk(self.shots), self.shots - self._done)
        return self.plan.first(count, self.plan.rng(self.seed, self._done)) if count else None

    @property
    def epoch(self) -> int:
        """How many epochs the shots under way have finished; at the end of the run, all epochs of the program."""
        return self.plan.segments if self.chunk is None else self.chunk.epoch

    @property
    def shots_done(self) -> int:
        return self._done

    def advance(self) -> bool:
        chunk = self.chunk
        if chunk is None:
            return False
        chunk.advance()
        if chunk.epoch == self.plan.segments:
            chunk.read_out(self._bits[self._done : self._done + chunk.shots])
            self._done += chunk.shots
            self.chunk = self._next()
        return True

    def save(self) -> bytes:
        head, done, chunk = self.plan.head, checkpoint.pack_rows(self._bits[: self._done]), self.chunk
        if chunk is None or not chunk.epoch:
            return checkpoint.encode(Saved(checkpoint.FORMAT, head, self.shots, self.seed, self._done, done))
        size = chunk.body_bytes + len(done)
        if size > LIMITS.checkpoint_bytes:  # before memory is spent on copies
            allowed = bytes_text(LIMITS.checkpoint_bytes)
            raise Unsupported(f"it takes {bytes_text(size)}, and the limit 'checkpoint_bytes' is {allowed}")
        return checkpoint.encode(
            Saved(checkpoint.FORMAT, head, self.shots, self.seed, self._done, done, chunk.epoch, chunk.pack())
        )

    def rewind(self, epoch: int) -> bool:
        return epoch == self.epoch if self.chunk is None else self.chunk.rewind(epoch)

    def samples(self) -> Samples:
        assert self.chunk is None, "the run has not ended"
        return Samples(self._bits)

    def distance(self, other: ChunkedExecution[C]) -> float:
        """How far apart two runs of one plan are; see ``Chunk.distance``."""
        here, there = ((run.epoch, run.shots_done) for run in (self, other))
        if here != there:
            return 2.0
        return 0.0 if self.chunk is None or other.chunk is None else self.chunk.distance(other.chunk)
