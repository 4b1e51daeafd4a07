"""Programs of evolutions with noise, or of three levels: one trajectory for each shot.

A shot's noise is drawn first (``evolution.Deviates``), then the atoms evolve under it, with jumps where they decay. The
number of steps is that which the evolution without noise takes to ``STEP_ERROR``, scaled by how much more the state
of this shot winds: an error far below what shots can tell. Three levels without noise have an error of their own.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import qmk_native

from qmk.base.seeds import substream
from qmk.engines.rydberg import TOLERANCE
from qmk.engines.rydberg.evolution import (
    MEMORY_BYTES,
    Deviates,
    Evolution,
    evolution,
    kicks,
    lights,
    piece,
    rates,
    rates_3,
    solve,
)
from qmk.ir.bits import Bits, compute, holds
from qmk.ir.program import Gate, Logic, LossEvent, Measure, NoisyEvolution
from qmk.qvm.families.analog import has_noise
from qmk.sdk.engine import Progress, Samples

Levels = npt.NDArray[np.uint8]
"""Measured levels, shape (shots, atoms): 0, 1, and 2 for an atom that is lost."""

STEP_ERROR = 1e-5
"""Largest distance of a trajectory's state from the exact one, as the run without noise estimates it."""

MARGIN = 1.2
"""A factor on the steps, for states that the run without noise does not meet."""

LOST = 2


Item = Gate | NoisyEvolution | LossEvent | Logic | Measure


class TrajectoryPlan:
    """``items`` in order; what follows the last evolution and the last event is read from all shots at once. Same shots
    and seed give the same bits."""

    def __init__(self, n_qubits: int, n_cbits: int, items: tuple[Item, ...]) -> None:
        self.n_qubits, self._n_cbits, self._items = n_qubits, n_cbits, items
        acts = [at for at, item in enumerate(items) if not isinstance(item, Measure | Logic)]
        self._acting, self._tail = items[: acts[-1] + 1], items[acts[-1] + 1 :]
        self._steps: dict[int, tuple[float, float]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return TrajectoryPlan, (self.n_qubits, self._n_cbits, self._items)

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        bits = np.zeros((shots, self._n_cbits), dtype=np.uint8)
        once = self._is_one_state()
        levels = self._of_one_state(bits, seed) if once else self._trajectories(bits, seed, progress)
        self._read(bits, levels)
        if progress is not None:
            progress(shots)
        notes: dict[str, Any] = {"solver": "blanes-moan", "trajectories": 1 if once else shots}
        notes |= {"state_error": TOLERANCE} if once else {"step_error": STEP_ERROR}
        return Samples(bits, {**notes, "atoms_lost": int((levels == LOST).sum())})

    def _is_one_state(self) -> bool:
        """Whether only the last evolution may lose atoms, and no noise is drawn: all shots are of one state."""
        *before, last = self._acting
        return (
            isinstance(last, NoisyEvolution)
            and last.name == "analog.rydberg3"
            and not has_noise(last.args)
            and all(isinstance(item, Gate) for item in before)
        )

    def _of_one_state(self, bits: Bits, seed: int) -> Levels:
        register = qmk_native.AtomRegister(self.n_qubits, MEMORY_BYTES)
        *before, last = (item for item in self._acting if isinstance(item, Gate | NoisyEvolution))
        for item in before:
            solve(register, evolution(item, self.n_qubits))
        wide = widen(register, self.n_qubits)
        solve(wide, evolution(last, self.n_qubits))
        shots = len(bits)
        levels = self._levels(wide.sample(shots, substream(seed, "rydberg")), shots)
        if isinstance(last, NoisyEvolution):
            for qubit, flag in zip(last.on, last.lost, strict=True):
                bits[:, flag] = levels[:, qubit] == LOST
        return levels

    def _trajectories(self, bits: Bits, seed: int, progress: Progress | None) -> Levels:
        out = np.empty((len(bits), self.n_qubits), dtype=np.uint8)
        for shot in range(len(bits)):
            out[shot] = self._shot(bits[shot : shot + 1], substream(seed, "rydberg", "shot", shot))
            if progress is not None and progress(shot + 1):
                seen = bits[: shot + 1].copy()
                self._read(seen, out[: shot + 1])
                progress(shot + 1, seen)
        return out

    def _read(self, bits: Bits, levels: Levels) -> None:
        """Fills in what is read at the end."""
        for item in self._tail:
            if isinstance(item, Measure):
                found = levels[:, item.qubit] == 1
                bits[:, item.cbit] = found if item.cond is None else found & holds(item.cond, bits).astype(bool)
            elif isinstance(item, Logic):
                compute(item, bits)

    def _shot(self, bits: Bits, seed: int) -> Levels:
        """The levels in which one trajectory's atoms are found; ``bits`` is the shot's row."""
        n = self.n_qubits
        deviates = Deviates.draw(n, substream(seed, "noise"))
        register, lost = qmk_native.AtomRegister(n, MEMORY_BYTES), [False] * n
        for at, item in enumerate(self._acting):
            own = substream(seed, "item", at)
            match item:
                case LossEvent():
                    bits[:, list(item.cbits)] |= np.uint8(np.random.Generator(np.random.PCG64(own)).random() < item.p)
                case Measure():
                    if item.cond is None or holds(item.cond, bits).all():
                        bits[:, item.cbit] = register.take(item.qubit, own)
                case Logic():
                    compute(item, bits)
                case _:
                    flags = dict(zip(item.qubits, item.lost, strict=True)) if _has_flags(item) else {}
                    for qubit, flag in flags.items():
                        lost[qubit] = bool(bits[0, flag])
                    lost = self._evolve(register, at, item, lost, deviates, own)
                    for qubit, flag in flags.items():
                        bits[0, flag] |= lost[qubit]
        levels = self._levels(register.sample(1, substream(seed, "read")), 1)[0].copy()
        levels[lost] = LOST
        return levels

    def _evolve(
        self,
        register: qmk_native.AtomRegister,
        at: int,
        item: Gate | NoisyEvolution,
        lost: list[bool],
        deviates: Deviates,
        seed: int,
    ) -> list[bool]:
        """One evolution; who is lost then."""
        if item.name == "analog.rydberg3":
            return self._third_level(register, at, item, lost, deviates, seed)
        part = evolution(item, self.n_qubits, deviates)
        steps = self._steps_for(at, item, part)
        return register.wander(part.pairs, part.drives, part.duration, steps, rates(item), lost, seed)[0]

    def _third_level(
        self,
        register: qmk_native.AtomRegister,
        at: int,
        item: Gate | NoisyEvolution,
        lost: list[bool],
        deviates: Deviates,
        seed: int,
    ) -> list[bool]:
        """Three levels for one evolution; who is lost then."""
        wide = widen(register, self.n_qubits)
        if has_noise(item.args):
            part = evolution(item, self.n_qubits, deviates)
            steps = self._steps_for(at, item, part)
            lost = _kick(wide, item, part, steps, lost, seed)
        else:
            solve(wide, drop_lost(evolution(item, self.n_qubits), lost), STEP_ERROR)
        gone = [wide.take(atom, substream(seed, atom)) for atom in range(self.n_qubits)]
        state = np.frombuffer(wide.state(), dtype=np.complex128).reshape((3,) * self.n_qubits)
        register.load(np.ascontiguousarray(state[(slice(0, 2),) * self.n_qubits]).tobytes())
        return [a or b for a, b in zip(lost, gone, strict=True)]

    def _steps_for(self, at: int, item: Gate | NoisyEvolution, part: Evolution) -> float:
        """Steps for this shot's evolution number ``at``."""
        if at not in self._steps:
            self._steps[at] = self._pilot(item)
        steps, wound = self._steps[at]
        return np.ceil(max(1.0, MARGIN * steps * max(1.0, winding(part) / wound if wound else 1.0)))

    def _pilot(self, item: Gate | NoisyEvolution) -> tuple[float, float]:
        """Steps that the evolution takes without noise, from all atoms in g, and how much it winds; of three levels
        from all qubits in |0> + |1>, since what is in one of them alone may see no light."""
        part = evolution(item, self.n_qubits)
        if item.name == "analog.rydberg3":
            wide = qmk_native.LevelRegister(self.n_qubits, MEMORY_BYTES)
            state = np.zeros((3,) * self.n_qubits, dtype=np.complex128)
            state[(slice(0, 2),) * self.n_qubits] = 0.5 ** (0.5 * self.n_qubits)
            wide.load(state.tobytes())
            return float(solve(wide, part, STEP_ERROR)["steps"]), winding(part)
        register = qmk_native.AtomRegister(self.n_qubits, MEMORY_BYTES)
        return float(solve(register, part, STEP_ERROR)["steps"]), winding(part)

    def _levels(self, drawn: bytes, shots: int) -> Levels:
        return np.frombuffer(drawn, dtype=np.uint8).reshape(shots, self.n_qubits)


def _kick(
    wide: qmk_native.LevelRegister,
    item: Gate | NoisyEvolution,
    part: Evolution,
    steps: float,
    lost: list[bool],
    seed: int,
) -> list[bool]:
    """A trajectory of three levels, its atoms' |1> changing sign now and then; who is lost then."""
    n, begin, own = len(lost), 0.0, substream(seed, "jumps")
    turns = kicks(item, substream(seed, "ground"))
    for count, (end, atom) in enumerate(turns):
        now = piece(part, begin, end)
        some = max(1.0, np.ceil(steps * now.duration / part.duration))
        lost, _ = wide.wander(now.pairs, lights(now), now.duration, some, rates_3(item), lost, substream(own, count))
        state = np.frombuffer(wide.state(), dtype=np.complex128).reshape((3,) * n).copy()
        state[(slice(None),) * atom + (1,)] *= -1.0
        wide.load(state.tobytes())
        begin = end
    last = piece(part, begin, part.duration) if turns else part
    some = max(1.0, np.ceil(steps * last.duration / part.duration))
    lost, _ = wide.wander(last.pairs, lights(last), last.duration, some, rates_3(item), lost, own)
    return lost


def _has_flags(item: Gate | NoisyEvolution) -> TypeGuard[NoisyEvolution]:
    return isinstance(item, NoisyEvolution) and bool(item.lost)


def widen(register: qmk_native.AtomRegister, n_qubits: int) -> qmk_native.LevelRegister:
    """The state of qubits as one of three levels."""
    wide = qmk_native.LevelRegister(n_qubits, MEMORY_BYTES)
    state = np.zeros((3,) * n_qubits, dtype=np.complex128)
    inside = np.frombuffer(register.state(), dtype=np.complex128).reshape((2,) * n_qubits)
    state[(slice(0, 2),) * n_qubits] = inside
    wide.load(state.tobytes())
    return wide


def drop_lost(part: Evolution, lost: list[bool]) -> Evolution:
    """The same without the lost atoms."""
    there = np.array([not gone for gone in lost], dtype=np.float64)
    pairs = (np.array(part.pairs).reshape(len(lost), len(lost)) * np.outer(there, there)).ravel().tolist()
    drives = [(a, p, d, (np.array(w) * there).tolist()) for a, p, d, w in part.drives]
    return Evolution(pairs, drives, part.duration, part.couples)


def winding(part: Evolution) -> float:
    """As ``ir.winding.winding``, of the atoms as they are in this shot."""
    n = len(part.drives[0][3]) if part.drives else round(len(part.pairs) ** 0.5)
    rows = np.sort(np.abs(np.array(part.pairs).reshape(n, n)), axis=1)[:, -2:]
    strengths = [
        max((abs(w) for w in weights), default=0.0) * sum(max(map(abs, knots[1]), default=0.0) for knots in (a, d))
        for a, _, d, weights in part.drives
    ]
    return part.duration * (float(rows.sum(axis=1).max(initial=0.0)) + sum(strengths))
