"""Clifford programs with any condition: one tableau for each measurement history that occurs.

All shots start on one tableau. A measurement whose outcome is not fixed splits the shots that share a tableau by
seeded dice, one throw a shot, and projects a copy on each outcome; so shots with one history cost one simulation, and
conditions, which depend on the history only, are evaluated once for all of them.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import stim

from qmk.engines.stabilizer import STIM_NAMES
from qmk.ir.bits import compute_once, holds_once
from qmk.ir.program import Barrier, Cond, Gate, Logic, Measure, Noise, PauliNoise, PauliNoise2, Program, Reset
from qmk.sdk.engine import Progress, Samples

Shots = npt.NDArray[np.intp]


class Run(msgspec.Struct, frozen=True):
    """Gates between two other steps, as one circuit."""

    circuit: stim.Circuit
    cond: Cond | None


class Observe(msgspec.Struct, frozen=True):
    """A measurement, or a reset (``cbit`` -1): both project the qubit, a reset then flips a 1."""

    qubit: int
    cbit: int
    cond: Cond | None


Step = Run | Observe | Logic | PauliNoise | PauliNoise2


class Group(msgspec.Struct):
    """Shots with one history: their tableau, cbits and next step."""

    simulator: stim.TableauSimulator
    bits: list[int]
    shots: Shots
    at: int


class BranchPlan(msgspec.Struct, frozen=True):
    n_qubits: int
    n_cbits: int
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, program: Program) -> BranchPlan:
        steps: list[Step] = []
        pending: list[str] = []
        under: Cond | None = None

        def flush() -> None:
            if pending:
                steps.append(Run(stim.Circuit("\n".join(pending)), under))
                pending.clear()

        for item in program.instructions:
            if isinstance(item, Barrier) or (isinstance(item, Gate) and item.name == "gphase"):
                continue
            if not isinstance(item, Gate) or item.cond != under:
                flush()
                under = None if isinstance(item, Noise) else item.cond
            match item:
                case Gate(name, qubits):
                    pending.append(f"{STIM_NAMES[name]} {' '.join(map(str, qubits))}")
                case Measure(qubit, cbit, cond):
                    steps.append(Observe(qubit, cbit, cond))
                case Reset(qubit, cond):
                    steps.append(Observe(qubit, -1, cond))
                case Logic() | PauliNoise() | PauliNoise2():
                    steps.append(item)
        flush()
        return cls(program.n_qubits, program.n_cbits, tuple(steps))

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        dice = np.random.Generator(np.random.PCG64(seed))
        bits = np.zeros((shots, self.n_cbits), dtype=np.uint8)
        simulator = stim.TableauSimulator(seed=0)  # its dice are never thrown: every projection is chosen here
        simulator.set_num_qubits(self.n_qubits)
        stack = [Group(simulator, [0] * self.n_cbits, np.arange(shots), 0)] if shots else []
        done = 0
        while stack:
            group = stack.pop()
            while group.at < len(self.steps):
                step = self.steps[group.at]
                noise = isinstance(step, PauliNoise | PauliNoise2)
                splits = _disturb(group, step, dice) if noise else self._step(group, step, dice)
                group.at += 1
                for split in splits:
                    split.at = group.at
                    stack.append(split)
            bits[group.shots] = group.bits
            done += len(group.shots)
            if progress is not None:
                progress(done)
        return Samples(bits)

    def _step(self, group: Group, step: Run | Observe | Logic, dice: np.random.Generator) -> list[Group]:
        """Run one step; the shots that part from the group, if any."""
        if step.cond is not None and not holds_once(step.cond, group.bits):
            return []
        if isinstance(step, Run):
            group.simulator.do_circuit(step.circuit)
            return []
        if isinstance(step, Logic):
            group.bits[step.cbit] = compute_once(step, group.bits)
            return []
        expectation = group.simulator.peek_z(step.qubit)
        if expectation:
            _settle(group, step, 1 if expectation < 0 else 0)
            return []
        fell = dice.random(len(group.shots)) < 0.5
        zeros, ones = group.shots[~fell], group.shots[fell]
        parted: list[Group] = []
        if len(zeros) and len(ones):
            other = Group(copy_tableau(group.simulator), list(group.bits), ones, group.at)
            other.simulator.postselect_z(step.qubit, desired_value=True)
            _settle(other, step, 1)
            parted.append(other)
            group.shots = zeros
        outcome = 0 if len(zeros) else 1
        group.simulator.postselect_z(step.qubit, desired_value=bool(outcome))
        _settle(group, step, outcome)
        return parted


def _disturb(group: Group, noise: PauliNoise | PauliNoise2, dice: np.random.Generator) -> list[Group]:
    """Throw a die for each shot; those that suffer another error than the group part from it."""
    fell = np.searchsorted(np.cumsum(noise.chances)[:-1], dice.random(len(group.shots)), side="right")
    errors = np.unique(fell).tolist()
    parted = [
        Group(copy_tableau(group.simulator), list(group.bits), group.shots[fell == error], group.at)
        for error in errors[1:]
    ]
    group.shots = group.shots[fell == errors[0]]
    for part, error in zip([group, *parted], errors, strict=True):
        for gate in noise.gates(error):
            {"x": part.simulator.x, "y": part.simulator.y, "z": part.simulator.z}[gate.name](*gate.qubits)
    return parted


def _settle(group: Group, step: Observe, outcome: int) -> None:
    """Write the outcome of a projection; a reset turns a 1 back."""
    if step.cbit >= 0:
        group.bits[step.cbit] = outcome
    elif outcome:
        group.simulator.x(step.qubit)


def copy_tableau(simulator: stim.TableauSimulator) -> stim.TableauSimulator:
    """A second tableau in the same state: what a split costs."""
    return simulator.copy()
