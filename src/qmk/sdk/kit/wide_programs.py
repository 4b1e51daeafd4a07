"""Programs too wide for a state vector: Clifford circuits compared by tableaux.

What such a program prints is uniform over the bit strings that satisfy some parities. Those are the stabilizers of its
final state that are products of Z on the qubits read; brought into a canonical form they are equal for two programs
exactly if their distributions are. A measurement is a CNOT onto a further qubit, so that its qubit may go on, and a
reset takes a further qubit.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import lru_cache

import stim

from qmk.ir.clifford import Step, synthesise
from qmk.ir.program import Barrier, Gate, Measure, Program, Reset
from qmk.ir.unitary import matrix_of
from qmk.qvm.families import OPS
from qmk.sdk.kit.builder import Builder
from qmk.sdk.kit.programs import Case

__all__ = ["QUBITS", "UnfollowedError", "difference", "parities", "wide_case"]

QUBITS = 32

_GATES = ("cnot", "cz", "s", "h", "sx", "cnot", "cz", "s", "swap")
_INVERSE = {"s": "sdg", "sx": "sxdg"}

_NAMES = {"h": "H", "s": "S", "cnot": "CX"}


class UnfollowedError(Exception):
    """No tableau follows the program; the text says what it holds."""


def wide_case(seed: int) -> Case:
    """A random Clifford program of ``QUBITS`` qubits, all measured at the end: gates, a few others, and the inverse of
    the first, so that many parities are fixed and nearly every gate has a part in one."""
    rng, b = random.Random(seed), Builder(QUBITS)

    def draw(count: int) -> list[tuple[str, list[int]]]:
        names = rng.choices(_GATES, k=count)
        return [(name, rng.sample(range(QUBITS), OPS[f"core.{name}"].vqs.low)) for name in names]

    around = [("h", [q]) for q in range(0, QUBITS, 2)] + draw(120)
    for name, qubits in (
        *around,
        *draw(10),
        *((_INVERSE.get(name, name), qubits) for name, qubits in reversed(around)),
    ):
        b.op(name, *qubits)
    b.measure_all()
    return Case(f"random Clifford program {seed} of {QUBITS} qubits", b.graph(), frozenset(), True)


def difference(before: Program, after: Program) -> str:
    """Why both differ in what their registers print; "" where they do not. Raises ``UnfollowedError``."""
    shapes = [[(register.name, len(register.cbits)) for register in program.registers] for program in (before, after)]
    if shapes[0] != shapes[1]:
        return f"registers {shapes[1]} in place of {shapes[0]}"
    one, other = parities(before), parities(after)
    if one == other:
        return ""
    found = next(iter(set(one) ^ set(other)))
    return f"the parity {found} of its printed bits holds {'before' if found in one else 'after'} only"


def parities(program: Program) -> list[str]:
    """The parities that every outcome satisfies, in reduced echelon form: the names of their bits, and - before them
    where the sum is odd. Raises ``UnfollowedError`` for a program that is not of Clifford gates without conditions."""
    circuit, n, printed = _follow(program)
    simulator = stim.TableauSimulator(seed=0)
    simulator.set_num_qubits(n)
    simulator.do_circuit(circuit)
    rows = simulator.canonical_stabilizers()
    others = sorted(set(range(n)).difference(printed))
    for letters, columns in (("XY", range(n)), ("ZY", others)):
        for column in columns:
            _, rows = _eliminate(rows, column, letters)
    made: list[stim.PauliString] = []
    for column in printed:
        pivot, rows = _eliminate(rows, column, "ZY")
        if pivot is not None:
            made = [row * pivot if row[column] else row for row in made] + [pivot]
    names = [f"{register.name}[{k}]" for register in program.registers for k in range(len(register.cbits))]
    on = [" ".join(name for name, qubit in zip(names, printed, strict=True) if row[qubit]) for row in made]
    return [f"{'-' if row.sign == -1 else ''}{text}" for row, text in zip(made, on, strict=True)]


def _eliminate(
    rows: list[stim.PauliString], column: int, letters: str
) -> tuple[stim.PauliString | None, list[stim.PauliString]]:
    """The first row with one of these letters in a column, and the others without."""
    wanted = ["IXYZ".index(letter) for letter in letters]
    at = next((k for k, row in enumerate(rows) if row[column] in wanted), None)
    if at is None:
        return None, rows
    pivot = rows[at]
    return pivot, [row * pivot if row[column] in wanted else row for k, row in enumerate(rows) if k != at]


def _follow(program: Program) -> tuple[stim.Circuit, int, list[int]]:
    """The program as gates on |0..0>, how many qubits they use, and the one that holds each printed bit at the end."""
    circuit, read = stim.Circuit(), dict[int, int]()
    at, free = list(range(program.n_qubits)), program.n_qubits
    for item in program.instructions:
        if getattr(item, "cond", None) is not None:
            raise UnfollowedError(f"{item} is under a condition")
        if isinstance(item, Gate):
            for name, qubits in _steps(item):
                circuit.append(_NAMES[name], [at[item.qubits[q]] for q in qubits])
        elif isinstance(item, Measure):
            circuit.append("CX", [at[item.qubit], free])
            read[item.cbit], free = free, free + 1
        elif isinstance(item, Reset):
            at[item.qubit], free = free, free + 1
        elif not isinstance(item, Barrier):
            raise UnfollowedError(f"{item} is not a gate, a measurement or a reset")
    cbits = [cbit for register in program.registers for cbit in register.cbits]
    for place, cbit in enumerate(cbits, free):
        if cbit in read:
            circuit.append("CX", [read[cbit], place])
    return circuit, free + len(cbits), list(range(free, free + len(cbits)))


def _steps(gate: Gate) -> Iterable[Step]:
    steps = synthesise(_matrix(gate)) if gate.args else _steps_of(gate.name, gate.params)
    if steps is None:
        raise UnfollowedError(f"{gate} is not a Clifford gate")
    return steps


@lru_cache(maxsize=4096)
def _steps_of(name: str, params: tuple[float, ...]) -> tuple[Step, ...] | None:
    return synthesise(_matrix(Gate(name, (), params)))


def _matrix(gate: Gate) -> tuple[tuple[complex, ...], ...]:
    return tuple(tuple(complex(entry) for entry in row) for row in matrix_of(gate))
