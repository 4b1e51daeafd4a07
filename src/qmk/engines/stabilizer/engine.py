"""Choosing between the two ways to run a Clifford program, and the first of them: stim's compiled sampler.

A sampler (Gidney, Quantum 5, 497 (2021)) follows Pauli frames for many shots at once. It can express a condition only
as the exclusive or of measured bits on a Pauli gate; everything else walks over a tree of tableaus (``tableau``).
"""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import stim

from qmk.engines.stabilizer import STIM_NAMES
from qmk.engines.stabilizer.fenced_frames import FencedFramePlan
from qmk.engines.stabilizer.observer import StabilizerObserver
from qmk.exact.branching import BranchingPlan
from qmk.exact.tableau import TableauBackend, TableauState
from qmk.ir import bits as classical
from qmk.ir.conditions import Affine, affine, truth_table
from qmk.ir.loss import refuse_loss_events
from qmk.ir.program import Barrier, Fence, Gate, KrausNoise, Logic, Measure, PauliNoise, PauliNoise2, Program, Reset
from qmk.ir.steps import has_fences
from qmk.sdk.engine import Plan, Progress, Samples, Unsupported

SEED_LIMIT = 1 << 64
CHUNK_BYTES = 1 << 26
"""Samples are drawn in pieces of about this size, so that progress shows and stim's own buffers stay small."""


class FramePlan(msgspec.Struct, frozen=True):
    """``record[k]``: the cbit that stim's k-th measurement writes. ``logic`` is computed after sampling."""

    circuit: stim.Circuit
    reference: np.ndarray[tuple[int], np.dtype[np.bool_]]
    record: tuple[int, ...]
    n_cbits: int
    logic: tuple[Logic, ...]

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        bits = np.zeros((shots, self.n_cbits), dtype=np.uint8)
        if shots and self.record:
            sampler = self.circuit.compile_sampler(seed=seed % SEED_LIMIT, reference_sample=self.reference)
            step = max(256, CHUNK_BYTES // len(self.record))
            straight = self.record == tuple(range(self.n_cbits))
            for start in range(0, shots, step):
                part = sampler.sample(min(step, shots - start)).view(np.uint8)
                bits[start : start + step, slice(None) if straight else list(self.record)] = part
                self._compute_logic(bits[start : start + step])
                if progress is not None:
                    progress(min(start + step, shots), bits)
        else:
            self._compute_logic(bits)
        return Samples(bits)

    def _compute_logic(self, bits: classical.Bits) -> None:
        for item in self.logic:
            classical.compute(item, bits)


class NotFrames(Exception):
    """The program has a condition that Pauli frames cannot follow; the text names it."""


class _FrameBuilder:
    """A program as stim text, with conditions as Pauli gates controlled by earlier measurement records."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.record: list[int] = []
        self.place: dict[int, int] = {}
        self.forms: dict[int, Affine | None] = {}
        self.logic: list[Logic] = []
        self.fences: list[int] = []

    def add(self, program: Program) -> None:
        write = self.lines.append
        for item in program.instructions:
            match item:
                case Gate(name, qubits, _, None) if name in STIM_NAMES:
                    write(f"{STIM_NAMES[name]} {' '.join(map(str, qubits))}")
                case Gate():
                    self._conditional(item)
                case Measure(qubit, cbit, None):
                    self.place[cbit] = len(self.record)
                    self.record.append(cbit)
                    write(f"M {qubit}")
                case Reset(qubit, None):
                    write(f"R {qubit}")
                case PauliNoise(qubit, x, y, z):
                    write(f"PAULI_CHANNEL_1({x!r}, {y!r}, {z!r}) {qubit}")
                case PauliNoise2((a, b), errors):
                    write(f"PAULI_CHANNEL_2({', '.join(map(repr, errors))}) {a} {b}")
                case Logic():
                    self._logic(item)
                case Fence():
                    self.fences.append(len(self.lines))
                case Barrier():
                    pass
                case _:
                    raise NotFrames("a measurement or reset under a condition")

    def _conditional(self, gate: Gate) -> None:
        if gate.name in ("id", "gphase"):
            return
        if gate.cond is None or gate.name not in ("x", "y", "z"):
            raise NotFrames(f"gate {gate.name} under a condition")
        form = affine(gate.cond, self.forms)
        if form is None:
            raise NotFrames("a condition that is not a parity")
        name, qubit = gate.name.upper(), gate.qubits[0]
        for cbit in sorted(form[0]):
            if cbit in self.place:  # a bit that nothing wrote yet reads 0
                self.lines.append(f"C{name} rec[{self.place[cbit] - len(self.record)}] {qubit}")
        if form[1]:
            self.lines.append(f"{name} {qubit}")

    def _logic(self, item: Logic) -> None:
        self.logic.append(item)
        form = None
        if item.cond is None:
            expression = truth_table(item.table, [("bit", cbit) for cbit in item.inputs])
            form = affine(expression, self.forms)
        self.forms[item.cbit] = form


def check_gates(program: Program) -> None:
    """Raise ``Unsupported`` for a gate that is not a native Clifford gate, and a channel that is not a Pauli
    channel."""
    for item in program.instructions:
        if isinstance(item, KrausNoise):
            raise Unsupported("an error channel that is not of random Paulis takes a stabilizer state to none")
        if isinstance(item, Gate) and item.name not in STIM_NAMES and item.name != "gphase":
            raise Unsupported(f"gate {item.name} is not a Clifford gate that engine stabilizer knows")


def frame_plan(program: Program) -> FramePlan:
    """A plan on stim's compiled sampler. Raises ``NotFrames``."""
    builder = _FrameBuilder()
    builder.add(program)
    circuit = stim.Circuit("\n".join(builder.lines))
    return FramePlan(circuit, circuit.reference_sample(), tuple(builder.record), program.n_cbits, tuple(builder.logic))


def fenced_plan(program: Program, version: str) -> FencedFramePlan:
    """A plan that stops at the program's fences, on Pauli frames. Raises ``NotFrames``."""
    builder = _FrameBuilder()
    builder.add(program)
    reference = stim.Circuit("\n".join(builder.lines)).reference_sample().astype(np.uint8)
    stretches = itertools.pairwise([0, *builder.fences, len(builder.lines)])
    circuits = tuple(stim.Circuit("\n".join(builder.lines[start:stop])) for start, stop in stretches)
    return FencedFramePlan(program, circuits, reference, tuple(builder.record), tuple(builder.logic), version)


def branch_plan(program: Program, version: str = "") -> BranchingPlan[TableauState]:
    """A plan with a tableau for each measurement history, which takes any condition and stops at fences."""
    return BranchingPlan(program, TableauBackend(program.n_qubits), "stabilizer", version=version)


class StabilizerEngine:
    def __init__(self) -> None:
        self.version: str = stim.__version__  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

    def prepare(self, program: Program, method: str) -> Plan:
        refuse_loss_events(program, "stabilizer")
        if method:
            raise Unsupported(f"engine stabilizer has no method '{method}'")
        check_gates(program)
        try:
            return fenced_plan(program, self.version) if has_fences(program) else frame_plan(program)
        except NotFrames:
            return branch_plan(program, self.version)

    def observe(self, program: Program, method: str) -> StabilizerObserver:
        check_gates(program)
        return StabilizerObserver(program)
