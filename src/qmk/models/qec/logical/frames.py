"""Pauli frames in numpy: the reference of the native kernel, and what runs where that is not installed.

One run without errors on a tableau, in which every coin falls on 0; then each shot is a Pauli that says how it differs
(Gidney, Quantum 5, 497 (2021)). The same seed gives the same shots; they are other shots than the native kernel's.
"""

from __future__ import annotations

import functools
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
from qmk.qvm.families.gates import FIXED_SIZE

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
            bits[:, item.cbit] = _look_up(item, bits)
    return bits[0], coins, held


class _Frames:
    def __init__(self, program: Program, shots: int, seed: int) -> None:
        self.program = program
        self.dice = np.random.default_rng(seed)
        self.base, self.coins, self.held = reference(program)
        self.bits = np.zeros((shots, program.n_cbits), dtype=np.uint8)
        self.x = np.zeros((program.n_qubits, shots), dtype=np.bool_)
        self.z = self._random_flags((program.n_qubits, shots))

    def _random_flags(self, shape: Any) -> Flags:
        return self.dice.integers(0, 2, shape, dtype=np.uint8).astype(np.bool_)

    def run(self) -> Bits:
        for at, item in enumerate(self.program.instructions):
            match item:
                case Gate(cond=None):
                    _apply(item.name, self.x, self.z, item.qubits)
                case Gate(cond=tuple() as cond):
                    differs = _holds(cond, self.bits) ^ self.held[at]
                    self.x[item.qubits[0]] ^= differs & (item.name != "z")
                    self.z[item.qubits[0]] ^= differs & (item.name != "x")
                case Measure():
                    self.bits[:, item.cbit] = self.x[item.qubit] ^ bool(self.base[item.cbit])
                    if self.coins[at]:
                        self.z[item.qubit] ^= self._random_flags(len(self.bits))
                case Reset():
                    self.x[item.qubit] = False
                    self.z[item.qubit] = self._random_flags(len(self.bits))
                case PauliNoise() | PauliNoise2():
                    self._strike(item)
                case Logic():
                    under = True if item.cond is None else _holds(item.cond, self.bits)
                    self.bits[:, item.cbit] = _look_up(item, self.bits) & under
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


@functools.cache
def _move(gate: str) -> tuple[tuple[tuple[int, bool], ...], ...]:
    """Of each operand's X and Z after a gate, in turn, the (operand, is Z) before it that it is the sum of: the flow,
    transposed."""
    flow = FIXED_SIZE[gate].flow
    assert flow is not None
    sums: list[list[tuple[int, bool]]] = [[] for _ in range(2 * len(next(iter(flow))))]
    for letters, image in flow.items():
        at = next(k for k, letter in enumerate(letters) if letter != "I")
        for k, letter in enumerate(image[1:]):
            for is_z in (False, True):
                if letter in ("YZ" if is_z else "XY"):
                    sums[2 * k + is_z].append((at, letters[at] == "Z"))
    return tuple(map(tuple, sums))


def _apply(gate: str, x: Flags, z: Flags, qubits: tuple[int, ...]) -> None:
    """Carry every shot's Pauli over a gate; its sign is of no account."""
    before = [(x[q].copy(), z[q].copy()) for q in qubits]
    for k, parts in enumerate(_move(gate)):
        row = (z if k % 2 else x)[qubits[k // 2]]
        row[:] = False
        for at, is_z in parts:
            row ^= before[at][is_z]


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


def _look_up(item: Logic, bits: Bits) -> Flags:
    rows = sum((bits[:, c].astype(np.int64) << i for i, c in enumerate(item.inputs)), np.zeros(len(bits), np.int64))
    table = np.array([item.table >> at & 1 for at in range(1 << len(item.inputs))], dtype=np.bool_)
    return table[rows]
