"""Programs with fences, run as a population of branches.

Any backend that can apply gates, tell a probability, project and copy gets a ``FencedPlan`` from this:
``BranchingPlan(program, backend, engine=...)``, whose runs can be stopped, saved, resumed and rewound at every fence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from qmk.exact import checkpoint
from qmk.exact.checkpoint import Body, Header, check
from qmk.exact.chunked import ChunkedPlan
from qmk.exact.chunks import chunk_shots
from qmk.exact.population import Backend, Branch, Compiled, Population, State
from qmk.exact.rng import Rng
from qmk.ir.lazy import lazy
from qmk.ir.loss import refuse_loss_events
from qmk.ir.program import Program
from qmk.ir.steps import Run, Steps, steps_of

S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class BranchingPlan(ChunkedPlan[Population[S]], Generic[S]):
    """A ``FencedPlan`` over ``backend``. ``engine``, ``method`` and ``version`` (of the library that computes the
    states) are written into checkpoints, which only the same may continue. Circuits are made when first used;
    ``compile_all`` makes them at once, so that ``prepare`` refuses what the backend cannot run."""

    program: Program
    backend: Backend[S]
    engine: str
    method: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        refuse_loss_events(self.program, self.engine)

    @lazy
    def steps(self) -> Steps:
        return steps_of(self.program)

    @lazy
    def circuits(self) -> Compiled[S]:
        return Compiled(self.backend)

    @property
    def head(self) -> Header:
        return self._head

    @lazy
    def _head(self) -> Header:
        return Header.of(self.program, self.engine, self.method, self.version)

    @property
    def segments(self) -> int:
        return len(self.steps.segments)

    @property
    def n_cbits(self) -> int:
        return self.program.n_cbits

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("program", "backend", "engine", "method", "version")}

    def compile_all(self) -> None:
        for segment in self.steps.segments:
            for step in segment:
                if isinstance(step, Run):
                    self.circuits(step)

    def chunk(self, shots: int) -> int:
        return chunk_shots(shots, self.steps.branch_points, self.backend.state_bytes)

    def first(self, shots: int, rng: Rng) -> Population[S]:
        """One branch with all the shots."""
        branch = Branch(self.backend.zero(), bytearray(self.n_cbits), np.arange(shots))
        return Population(self.steps, self.circuits, [branch], shots, rng, 0)

    def load(self, body: Body, epoch: int, shots: int, rng: Rng) -> Population[S]:
        count = len(body.states)
        check(count > 0, "no states")
        owned = checkpoint.unpack_owners(body.owners, shots, count)
        bits = checkpoint.unpack_rows(body.bits, count, self.n_cbits, "the bits of branches")
        branches: list[Branch[S]] = []
        for row, group, data in zip(bits, owned, body.states, strict=True):
            try:
                state = self.backend.load(data)
            except ValueError as error:
                raise checkpoint.damage_error(str(error)) from error
            branches.append(Branch(state, bytearray(row.tobytes()), group))
        return Population(self.steps, self.circuits, branches, shots, checkpoint.set_position(rng, body.rng), epoch)
