"""Writes programs in clifft's text format, which is Stim's with rotations whose angles are in half turns.

Conditions become feedback from the measurement record, which clifft has for X, Y and Z on a parity; anything else is
refused, as are measurements and resets under a condition. Every measurement writes one entry of the record.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import clifft  # pyright: ignore[reportMissingImports]  # needs Python 3.12
import numpy as np

from qmk.base.errors import QmkError
from qmk.base.seeds import substream
from qmk.base.units import bytes_text
from qmk.engines.clifft import GATES, MAX_ACTIVE, MAX_QUBITS, NAMES
from qmk.ir.program import (
    Barrier,
    Cond,
    Gate,
    KrausNoise,
    Logic,
    LossEvent,
    Measure,
    NoisyEvolution,
    PauliNoise,
    PauliNoise2,
    Program,
    Reset,
)
from qmk.sdk.engine import Plan, Progress, Samples, Unsupported

lib: Any = clifft

_FEEDBACK = {"x": ("CX",), "y": ("CX", "CZ"), "z": ("CZ",)}


class _Text:
    """The lines of a program, with where in the record each cbit stands."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.record: dict[int, int] = {}

    def add(self, item: Gate | Measure | Reset | PauliNoise | PauliNoise2 | KrausNoise) -> None:
        match item:
            case PauliNoise(qubit, x, y, z):
                self.lines.append(f"PAULI_CHANNEL_1({x!r},{y!r},{z!r}) {qubit}")
            case PauliNoise2((a, b), errors):
                self.lines.append(f"PAULI_CHANNEL_2({','.join(map(repr, errors))}) {a} {b}")
            case KrausNoise():
                raise Unsupported("an error channel that is not a Pauli channel: clifft has none")
            case Measure(qubit, cbit):
                _unconditional(item.cond, "a measurement")
                self.record[cbit] = len(self.record)
                self.lines.append(f"M {qubit}")
            case Reset(qubit):
                _unconditional(item.cond, "a reset")
                self.lines.append(f"R {qubit}")
            case Gate():
                self._gate(item)

    def _gate(self, gate: Gate) -> None:
        if gate.name not in GATES:
            raise Unsupported(f"gate {gate.name}: clifft has no such gate")
        if gate.name in ("id", "gphase"):
            return
        if gate.cond is not None:
            self._feedback(gate, gate.cond)
            return
        angles = ",".join(repr(float(angle) / math.pi) for angle in gate.params)
        name = f"{NAMES[gate.name]}({angles})" if angles else NAMES[gate.name]
        self.lines.append(f"{name} {' '.join(map(str, gate.qubits))}")

    def _feedback(self, gate: Gate, cond: Cond) -> None:
        if gate.name not in _FEEDBACK:
            raise Unsupported(f"gate {gate.name} under a condition: clifft's feedback is X, Y and Z")
        bits, flipped = parity(cond)
        qubit = gate.qubits[0]
        if flipped:
            self.lines.append(f"{gate.name.upper()} {qubit}")
        for bit in bits:
            if bit in self.record:  # what nothing has written reads 0
                back = self.record[bit] - len(self.record)
                self.lines += [f"{name} rec[{back}] {qubit}" for name in _FEEDBACK[gate.name]]


def _unconditional(cond: Cond | None, what: str) -> None:
    if cond is not None:
        raise Unsupported(f"{what} under a condition: clifft has none")


def parity(cond: Cond) -> tuple[list[int], bool]:
    """Writes a condition as the XOR of cbits, and says whether it is negated. Raises ``Unsupported`` for a condition
    that is not a parity."""
    kind = cond[0]
    if kind == "bit":
        return [cond[1]], False
    if kind == "not":
        bits, flipped = parity(cond[1])
        return bits, not flipped
    if kind == "xor":
        parts = [parity(part) for part in cond[1:]]
        return [bit for bits, _ in parts for bit in bits], sum(flipped for _, flipped in parts) % 2 == 1
    raise Unsupported("a condition that is not a parity of bits: clifft's feedback is a parity")


def text_of(program: Program) -> tuple[str, tuple[int, ...]]:
    """Clifft's text, and the cbits in the order of its record."""
    text = _Text()
    for item in program.instructions:
        if isinstance(item, Logic):
            raise Unsupported("event logic: clifft computes none")
        if isinstance(item, LossEvent):
            raise Unsupported("a loss event: clifft has none")
        if isinstance(item, NoisyEvolution):
            raise Unsupported("an evolution: clifft runs gates")
        if not isinstance(item, Barrier):
            text.add(item)
    return "\n".join(text.lines), tuple(text.record)


@dataclass(frozen=True)
class ClifftPlan:
    """Clifft's compiled program cannot be pickled; its text can."""

    text: str
    cbits: tuple[int, ...]
    n_cbits: int
    compiled: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", lib.compile(self.text))

    def __reduce__(self) -> tuple[Any, ...]:
        return ClifftPlan, (self.text, self.cbits, self.n_cbits)

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        width = self.compiled.peak_active_width
        if width > MAX_ACTIVE:
            needed = 32 << width
            raise QmkError(
                "RESOURCE_EXHAUSTED",
                f"clifft plans {width} active qubits, which take {bytes_text(needed)}; at most {MAX_ACTIVE} are run",
                engine="clifft",
                needed_bytes=needed,
            )
        bits = np.zeros((shots, self.n_cbits), dtype=np.uint8)
        if shots and self.cbits:
            bits[:, list(self.cbits)] = lib.sample(self.compiled, shots, seed=substream(seed, "clifft")).measurements
        if progress is not None:
            progress(shots)
        return Samples(bits, {"active_qubits": width})


class ClifftEngine:
    def __init__(self) -> None:
        self.version: str = metadata.version("clifft")

    def prepare(self, program: Program, method: str) -> Plan:
        if method:
            raise Unsupported(f"engine clifft has no method '{method}'")
        if program.n_qubits > MAX_QUBITS:
            raise Unsupported(f"{program.n_qubits} qubits: engine clifft holds at most {MAX_QUBITS}")
        text, cbits = text_of(program)
        return ClifftPlan(text, cbits, program.n_cbits)
