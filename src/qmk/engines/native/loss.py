"""Programs whose atoms can be lost, on the native core: a tableau a shot, or a run for each pattern of losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import qmk_native
from msgspec.structs import replace

from qmk.base.seeds import substream
from qmk.ir.bits import Bits
from qmk.ir.native_circuit import LossEvents, circuit_of
from qmk.ir.patterns import chance_of_any, fold, loss_events_of, patterns
from qmk.ir.program import Program, Register
from qmk.sdk.engine import Plan, Progress, Samples

Maker = Callable[[Program, str], Plan]
"""The plan of each (program without loss events, method)."""

FEW = 0.5
"""Shots without a loss are run by themselves where they are expected to be more than this part."""


class TableauPlan:
    """A Clifford program: every shot follows a stabilizer state of its own, and takes the gates that its losses leave.
    Where most shots lose nothing, these are run as one program without losses."""

    def __init__(self, program: Program, make: Maker) -> None:
        self._program, self._make = program, make
        self._whole = replace(program, registers=(Register("", tuple(range(program.n_cbits))),), post=())
        loss_events: LossEvents = []
        self.core = qmk_native.LossPlan(circuit_of(self._whole, loss_events), loss_events)
        self._chance = chance_of_any(loss_events_of(program))
        self._rest = PatternPlan(program, "frame", make) if 1 - self._chance > FEW else None

    def __reduce__(self) -> tuple[Any, ...]:
        return TableauPlan, (self._program, self._make)

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        if self._rest is None:
            bits = self._lossy(shots, seed, given=False)
        else:
            rng = np.random.Generator(np.random.PCG64(substream(seed, "losses")))
            lossy = rng.random(shots) < self._chance
            bits = np.empty((shots, self._program.n_cbits), dtype=np.uint8)
            bits[lossy] = self._lossy(int(lossy.sum()), substream(seed, "lossy"), given=True)
            bits[~lossy] = self._rest.of((), int((~lossy).sum()), substream(seed, "whole"))
        if progress is not None:
            progress(shots)
        return Samples(bits, {"simulator": "tableau", "loss": "a tableau a shot"})

    def _lossy(self, shots: int, seed: int, given: bool) -> Bits:
        found = self.core.run(shots, seed, given)
        return np.frombuffer(found.bits(), dtype=np.uint8).reshape(shots, self._program.n_cbits)


class PatternPlan:
    """Any program: shots that lose the same atoms at the same places are run together, without the gates on these."""

    def __init__(self, program: Program, method: str, make: Maker) -> None:
        self._program, self._method, self._make = program, method, make
        self._plans: dict[tuple[int, ...], tuple[Plan, Any]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return PatternPlan, (self._program, self._method, self._make)

    def of(self, pattern: tuple[int, ...], shots: int, seed: int) -> Bits:
        """The cbits of shots with just these loss events."""
        left = fold(self._program, pattern)
        samples = self._make(left.program, self._method).run(shots, seed)
        bits = samples.bits.copy()
        for cbit, value in left.constants.items():
            bits[:, cbit] = value
        return bits

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        bits = np.empty((shots, self._program.n_cbits), dtype=np.uint8)
        groups = patterns(loss_events_of(self._program), shots, seed)
        done = 0
        for number, (pattern, where) in enumerate(groups):
            bits[where] = self.of(pattern, len(where), substream(seed, "pattern", number))
            done += len(where)
            if progress is not None:
                progress(done)
        return Samples(bits, {"simulator": self._method, "loss": f"{len(groups)} patterns of losses"})
