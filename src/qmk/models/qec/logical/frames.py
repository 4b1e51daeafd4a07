"""Pauli frames in numpy: the reference of the native kernel, and what runs where that is not installed.

One run without errors on a tableau, in which every coin falls on 0; then each shot is a Pauli that says how it differs
(Gidney, Quantum 5, 497 (2021)). The same seed gives the same shots; they are other shots than the native kernel's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import stim

from qmk.base.errors import QmkError
from qmk.ir.names import names
from qmk.ir.program import (
    Barrier,
    Cond,
    Gate,
    Instruction,
    Logic,
    Measure,
    PauliNoise,
    PauliNoise2,
    Program,
    Reset,
)

Bits = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

PAULIS = ("x", "y", "z")
STIM = names("stim")


def sample(program: Program, shots: int, seed: int) -> Bits:
    """Outcomes, shape (shots, cbits). Raises UNSUPPORTED for what no frame follows: gates that are not Clifford, and
    anything but a Pauli under a condition."""
    return _Frames(program, shots, seed).run()


def reference(program: Program) -> tuple[Bits, list[bool], list[bool]]:
    """The run without errors: its cbits, which instructions were coins, and which conditions held."""
    tableau = stim.TableauSimulator()
    tableau.set_num_qubits(max(1, program.n_qubits))
    bits = np.zeros((1, program.n_cbits), dtype=np.uint8)
    coins, held = [False] * len(program.instructions), [True] * len(program.instructions)
    for at, item in enumerate(program.instructions):
        _check(item)
        cond = getattr(item, "cond", None)
        held[at] = cond is None or bool(_holds(cond, bits)[0])
        if not held[at]:
            continue
        if isinstance(item, Gate):
            tableau.do(stim.CircuitInstruction(STIM[item.name], item.qubits))
        elif isinstance(item, Measure | Reset):
            coins[at] = tableau.peek_z(item.qubit) == 0
            if coins[at]:
                tableau.postselect_z(item.qubit, desired_value=False)
            if isinstance(item, Measure):
                bits[0, item.cbit] = tableau.measure(item.qubit)
            else:
                tableau.reset(item.qubit)
        elif isinstance(item, Logic):
            bits[:, item.cbit] = _looked_up(item, bits)
    return bits[0], coins, held


class _Frames:
    def __init__(self, program: Program, shots: int, seed: int) -> None:
        self.program = program
        self.dice = np.random.default_rng(seed)
        self.base, self.coins, self.held = reference(program)
        self.bits = np.zeros((shots, program.n_cbits), dtype=np.uint8)
        self.x = np.zeros((program.n_qubits, shots), dtype=np.bool_)
        self.z = self._thrown((program.n_qubits, shots))

    def _thrown(self, shape: Any) -> Flags:
        return self.dice.integers(0, 2, shape, dtype=np.uint8).astype(np.bool_)

    def run(self) -> Bits:
        for at, item in enumerate(self.program.instructions):
            match item:
                case Gate(cond=None):
                    MOVES.get(item.name, _nothing)(self.x, self.z, *item.qubits)
                case Gate(cond=tuple() as cond):
                    differs = _holds(cond, self.bits) ^ self.held[at]
                    self.x[item.qubits[0]] ^= differs & (item.name != "z")
                    self.z[item.qubits[0]] ^= differs & (item.name != "x")
                case Measure():
                    self.bits[:, item.cbit] = self.x[item.qubit] ^ bool(self.base[item.cbit])
                    if self.coins[at]:
                        self.z[item.qubit] ^= self._thrown(len(self.bits))
                case Reset():
                    self.x[item.qubit] = False
                    self.z[item.qubit] = self._thrown(len(self.bits))
                case PauliNoise() | PauliNoise2():
                    self._strike(item)
                case Logic():
                    under = True if item.cond is None else _holds(item.cond, self.bits)
                    self.bits[:, item.cbit] = _looked_up(item, self.bits) & under
                case _:
                    pass
        return self.bits

    def _strike(self, item: PauliNoise | PauliNoise2) -> None:
        die = self.dice.random(len(self.bits))
        errors = np.searchsorted(np.cumsum(item.chances), die, side="right")
        errors = np.minimum(errors, len(item.chances) - 1)
        for k, qubit in enumerate(reversed(item.qubits)):
            letter = errors >> 2 * k & 3
            self.x[qubit] ^= (letter == 1) | (letter == 2)
            self.z[qubit] ^= letter >= 2


def _nothing(_x: Flags, _z: Flags, *_qubits: int) -> None:
    """A Pauli moves no frame."""


def _h(x: Flags, z: Flags, q: int) -> None:
    x[q], z[q] = z[q].copy(), x[q].copy()


def _s(x: Flags, z: Flags, q: int) -> None:
    z[q] ^= x[q]


def _sx(x: Flags, z: Flags, q: int) -> None:
    x[q] ^= z[q]


def _cnot(x: Flags, z: Flags, c: int, t: int) -> None:
    x[t] ^= x[c]
    z[c] ^= z[t]


def _cz(x: Flags, z: Flags, a: int, b: int) -> None:
    z[a] ^= x[b]
    z[b] ^= x[a]


def _cy(x: Flags, z: Flags, c: int, t: int) -> None:
    _s(x, z, t)
    _cnot(x, z, c, t)
    _s(x, z, t)


def _swap(x: Flags, z: Flags, a: int, b: int) -> None:
    x[[a, b]], z[[a, b]] = x[[b, a]], z[[b, a]]


def _iswap(x: Flags, z: Flags, a: int, b: int) -> None:
    _swap(x, z, a, b)
    _cz(x, z, a, b)
    _s(x, z, a)
    _s(x, z, b)


MOVES: dict[str, Callable[..., None]] = {
    "h": _h, "s": _s, "sdg": _s, "sx": _sx, "sxdg": _sx, "cnot": _cnot, "cz": _cz, "cy": _cy, "swap": _swap,
    "iswap": _iswap, "iswapdg": _iswap,
}  # fmt: skip


def _check(item: Instruction) -> None:
    cond = getattr(item, "cond", None)
    if isinstance(item, PauliNoise | PauliNoise2 | Logic | Barrier):
        return
    if isinstance(item, Gate) and item.name in STIM and (cond is None or item.name in (*PAULIS, "id")):
        return
    if isinstance(item, Measure | Reset) and cond is None:
        return
    name = item.name if isinstance(item, Gate) else type(item).__name__.lower()
    raise QmkError(
        "UNSUPPORTED",
        f"'{name}' is nothing that a Pauli frame follows{' under a condition' if cond is not None else ''}",
        op=name,
        help="run the program on an engine with states, such as native:frame",
    )


def _holds(cond: Cond, bits: Bits) -> Flags:
    kind, *parts = cond
    if kind == "bit":
        return bits[:, parts[0]].astype(np.bool_)
    values = [_holds(part, bits) for part in parts]
    if kind == "not":
        return ~values[0]
    combine = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}[kind]
    return combine.reduce(values)


def _looked_up(item: Logic, bits: Bits) -> Flags:
    rows = sum((bits[:, c].astype(np.int64) << i for i, c in enumerate(item.inputs)), np.zeros(len(bits), np.int64))
    table = np.array([item.table >> at & 1 for at in range(1 << len(item.inputs))], dtype=np.bool_)
    return table[rows]
