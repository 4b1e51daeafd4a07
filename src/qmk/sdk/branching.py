"""Programs with fences, run as a population of branches: the plan and the run that can be stopped, saved and rewound.

Any backend that can apply gates, tell a probability, project and copy gets all of it: ``BranchingPlan(program, backend,
engine=...)`` is a ``FencedPlan``. Shots are worked in chunks whose size follows from the program (``sdk.chunks``), each
chunk with dice of its own, so what a checkpoint holds is the bits of the shots that are done, and of the chunk under
way the branches and the position of its dice. Bits depend on program, shots and seed only.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from qmk.base.limits import LIMITS
from qmk.base.seeds import substream
from qmk.base.units import bytes_text
from qmk.sdk import checkpoint
from qmk.sdk.bits import Bits
from qmk.sdk.checkpoint import Header, Saved, check
from qmk.sdk.chunks import chunk_shots
from qmk.sdk.engine import Progress, Samples, Unsupported
from qmk.sdk.population import Backend, Branch, Compiled, Dice, Population, State
from qmk.sdk.program import Program
from qmk.sdk.steps import Run, Steps, steps_of

S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class BranchingPlan(Generic[S]):
    """A ``FencedPlan`` over ``backend``. ``engine``, ``method`` and ``version`` (of the library that computes the
    states) are written into checkpoints, which only the same may continue. Circuits are made when first used;
    ``compile_all`` makes them at once, so that ``prepare`` refuses what the backend cannot run."""

    program: Program
    backend: Backend[S]
    engine: str
    method: str = ""
    version: str = ""

    @functools.cached_property
    def steps(self) -> Steps:
        return steps_of(self.program)

    @functools.cached_property
    def compiled(self) -> Compiled[S]:
        return Compiled(self.backend)

    @functools.cached_property
    def head(self) -> Header:
        """What a checkpoint says it belongs to."""
        program = self.program
        return Header(self.engine, self.method, self.version, program.digest, checkpoint.fingerprint(program))

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("program", "backend", "engine", "method", "version")}

    def compile_all(self) -> None:
        for segment in self.steps.segments:
            for step in segment:
                if isinstance(step, Run):
                    self.compiled(step)

    def chunk(self, shots: int) -> int:
        """Shots worked at once."""
        return chunk_shots(shots, self.steps.branch_points, self.backend.state_bytes)

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        execution = self.start(shots, seed)
        while execution.advance():
            if progress is not None:
                progress(execution.shots_done)
        return execution.samples()

    def start(self, shots: int, seed: int) -> BranchingExecution[S]:
        return BranchingExecution(self, shots, seed)

    def resume(self, state: bytes) -> BranchingExecution[S]:
        """Raises ``Unsupported`` for the state of anything but this program on this engine, and for damaged bytes."""
        saved = checkpoint.decode(state, self.head, self.engine)
        checkpoint.check_counts(saved, len(self.steps.segments))
        step = self.chunk(saved.shots)
        ended = saved.done == saved.shots
        check(ended or saved.done % step == 0, f"{saved.done} shots are no whole chunks of {step}")
        check(not (ended and saved.epoch), "a chunk after the last")
        rows = checkpoint.unpack_rows(saved.samples, saved.done, self.program.n_cbits, "samples")
        population = self._population(saved, min(step, saved.shots - saved.done)) if saved.epoch else None
        return BranchingExecution(self, saved.shots, saved.seed, rows, population)

    def dice(self, seed: int, done: int) -> Dice:
        """Those of the chunk that begins at shot ``done``, before the first throw."""
        return np.random.Generator(np.random.PCG64(substream(seed, "branches", done)))

    def first(self, shots: int, seed: int, done: int) -> Population[S]:
        """The population of a chunk at the start of the program: one branch."""
        branch = Branch(self.backend.zero(), bytearray(self.program.n_cbits), np.arange(shots))
        return Population(self.steps, self.compiled, [branch], shots, self.dice(seed, done), 0)

    def _population(self, saved: Saved, shots: int) -> Population[S]:
        count = len(saved.states)
        check(count > 0, "no states")
        owned = checkpoint.unpack_owners(saved.owners, shots, count)
        bits = checkpoint.unpack_rows(saved.bits, count, self.program.n_cbits, "the bits of branches")
        branches: list[Branch[S]] = []
        for row, group, data in zip(bits, owned, saved.states, strict=True):
            try:
                state = self.backend.load(data)
            except ValueError as error:
                raise checkpoint.damaged(str(error)) from error
            branches.append(Branch(state, bytearray(row.tobytes()), group))
        dice = checkpoint.unpack_dice(saved.dice, self.dice(saved.seed, saved.done))
        return Population(self.steps, self.compiled, branches, shots, dice, saved.epoch)


class BranchingExecution(Generic[S]):
    """An ``Execution``. It stands at a fence, or at the start, of the chunk under way."""

    def __init__(
        self,
        plan: BranchingPlan[S],
        shots: int,
        seed: int,
        done: Bits | None = None,
        population: Population[S] | None = None,
    ) -> None:
        """``done``: final bits of the shots of finished chunks; ``population``: where the next chunk stands."""
        self.plan = plan
        self.shots = shots
        self.seed = seed
        self._bits = np.zeros((shots, plan.program.n_cbits), dtype=np.uint8)
        self._done = 0 if done is None else len(done)
        if done is not None:
            self._bits[: self._done] = done
        self._population = population or self._next_chunk()

    def _next_chunk(self) -> Population[S] | None:
        count = min(self.plan.chunk(self.shots), self.shots - self._done)
        return self.plan.first(count, self.seed, self._done) if count else None

    @property
    def epoch(self) -> int:
        """Epochs behind the shots under way; all of the program's at the end of the run."""
        return len(self.plan.steps.segments) if self._population is None else self._population.epoch

    @property
    def shots_done(self) -> int:
        return self._done

    @property
    def branches(self) -> list[Branch[S]]:
        """Those alive."""
        return [] if self._population is None else self._population.branches

    def advance(self) -> bool:
        population = self._population
        if population is None:
            return False
        population.advance()
        if population.epoch == len(self.plan.steps.segments):
            count = population.shots
            population.read_out(self._bits[self._done : self._done + count])
            self._done += count
            self._population = self._next_chunk()
        return True

    def save(self) -> bytes:
        head, done = self.plan.head, checkpoint.pack_rows(self._bits[: self._done])
        population = self._population
        if population is None or not population.epoch:
            return checkpoint.encode(Saved(checkpoint.FORMAT, head, self.shots, self.seed, self._done, done))
        branches = population.branches
        size = len(branches) * self.plan.backend.state_bytes
        if size > LIMITS.checkpoint_bytes:  # before memory is spent on copies
            raise Unsupported(
                f"{len(branches)} states of {bytes_text(self.plan.backend.state_bytes)} each take more than the limit "
                f"'checkpoint_bytes' of {bytes_text(LIMITS.checkpoint_bytes)}"
            )
        bits = np.frombuffer(b"".join(branch.bits for branch in branches), dtype=np.uint8)
        saved = Saved(
            format=checkpoint.FORMAT,
            head=head,
            shots=self.shots,
            seed=self.seed,
            done=self._done,
            samples=done,
            epoch=population.epoch,
            dice=checkpoint.pack_dice(population.dice),
            owners=checkpoint.pack_owners(population.shots, [branch.shots for branch in branches]),
            bits=checkpoint.pack_rows(bits.reshape(len(branches), -1)),
            states=[branch.state.to_bytes() for branch in branches],
        )
        return checkpoint.encode(saved)

    def rewind(self, epoch: int) -> bool:
        return epoch == self.epoch if self._population is None else self._population.rewind(epoch)

    def samples(self) -> Samples:
        assert self._population is None, "the run has not ended"
        return Samples(self._bits)

    def distance(self, other: BranchingExecution[S]) -> float:
        """The largest ``State.distance`` of a branch; 2.0 when the runs differ in anything but their states."""
        pairs = list(zip(self.branches, other.branches, strict=False))
        here, there = ((run.epoch, run.shots_done, len(run.branches)) for run in (self, other))
        if here != there or any(a.bits != b.bits or not np.array_equal(a.shots, b.shots) for a, b in pairs):
            return 2.0
        return max((a.state.distance(b.state) for a, b in pairs), default=0.0)
