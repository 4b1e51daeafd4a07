"""Variants of a program for computing values: without its final read-out, cut to a causal cone, or measured in another
basis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from msgspec.structs import fields, replace

from qmk.base.errors import QmkError
from qmk.ir.affine import Vector
from qmk.ir.conditions import cbits
from qmk.ir.cone import Placed
from qmk.ir.final_readout import before_readout
from qmk.ir.liveness import observable
from qmk.ir.lower import lower
from qmk.ir.program import Barrier, Gate, Instruction, Logic, Measure, PauliNoise, Program, Register, Reset
from qmk.ir.resolver import Resolver
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Estimate, Observable, Outputs
from qmk.sdk.engine import Capabilities

_TO_Z = {"X": ("core.h",), "Y": ("core.sdg", "core.h"), "Z": ()}
"""What turns a Pauli letter's basis into that of Z."""


def final_state(graph: Graph, can: Capabilities) -> Program:
    """Lowers ``graph`` to the gates of ``can``, up to the final read-out. For a method with noisy values, measurements
    on which nothing depends are what they do to the state: a Z with probability 1/2."""
    logic, loss_events = not can.logic, "loss" in can.noise
    program = lower(
        before_readout(graph), can.gates, clifford=can.clifford, inline_logic=logic, loss_events=loss_events, whole=True
    )
    if "noisy" not in can.outputs:
        return program
    read: set[int] = set()
    for item in program.instructions:
        cond = getattr(item, "cond", None)
        read.update(() if cond is None else cbits(cond), item.inputs if isinstance(item, Logic) else ())
    return replace(program, instructions=tuple(_dephasing(item, read) for item in program.instructions))


def _dephasing(item: Instruction, read: set[int]) -> Instruction:
    if isinstance(item, Measure) and item.cond is None and item.cbit not in read:
        return PauliNoise(item.qubit, 0.0, 0.0, 0.5)
    return item


def qubits_of(item: Instruction) -> tuple[int, ...]:
    """The qubits that an instruction acts on."""
    qubit = getattr(item, "qubit", None)
    return cast("tuple[int, ...]", getattr(item, "qubits", ())) if qubit is None else (qubit,)


def gates_only(program: Program) -> tuple[Gate, ...]:
    """The gates of a program that has nothing else. Otherwise raises UNSUPPORTED, which names what else there is: such
    a program does not end in a single state."""
    out: list[Gate] = []
    for item in program.instructions:
        if isinstance(item, Gate) and item.cond is None:
            out.append(item)
        elif not isinstance(item, Barrier):
            what: dict[type[Any], str] = {
                Measure: "a measurement before the end",
                Reset: "a reset",
                Gate: "a gate under a condition",
            }
            found = what.get(type(item), "noise or event logic")
            raise QmkError(
                "UNSUPPORTED",
                f"the program has {found}, so it ends in no single state",
                help="ask for expectation values or probabilities: they can be sampled",
            )
    return tuple(out)


def consists_of(program: Program, *kinds: type) -> bool:
    """Whether a program is instructions of these kinds, none of them under a condition."""
    return all(
        isinstance(x, Barrier) or (isinstance(x, kinds) and getattr(x, "cond", None) is None)
        for x in program.instructions
    )


def place_gates(gates: Iterable[Gate]) -> list[Placed]:
    """The gates in the form that ``cones`` takes."""
    return [Placed(gate.name if "." in gate.name else f"core.{gate.name}", gate.qubits) for gate in gates]


def angles_of(gates: Iterable[Gate]) -> Vector:
    """All angles of the gates, in order."""
    return np.array([angle for gate in gates for angle in gate.params], dtype=np.float64)


def part(program: Program, gates: Iterable[Gate], qubits: Sequence[int]) -> Program:
    """Makes a program of these gates on these qubits, which are renumbered in the given order."""
    place = {qubit: at for at, qubit in enumerate(qubits)}
    moved = tuple(Gate(g.name, tuple(place[q] for q in g.qubits), g.params, None, g.args) for g in gates)
    return Program(len(qubits), 0, moved, (), {}, notes=program.notes)


def measure_in_bases(program: Program, letters: Mapping[int, str], can: Capabilities) -> tuple[Program, list[int]]:
    """Adds measurements in the bases of ``letters``, by qubit, to a program without a read-out. Gives it with the
    qubits in the order of its last bits. Whatever those bits do not depend on is removed, qubits included."""
    resolver = Resolver(can.gates, can.clifford)
    out = list(program.instructions)
    qubits = sorted(letters)
    for qubit in qubits:
        for op in _TO_Z[letters[qubit]]:
            for piece in resolver.pieces(op, {}, 1):
                out.append(Gate(piece.name, (qubit,), piece.params, None, piece.args))
    out += [Measure(qubit, program.n_cbits + at) for at, qubit in enumerate(qubits)]
    out = [item for item in observable(out) if not isinstance(item, Barrier)]
    used = sorted({qubit for item in out for qubit in qubits_of(item)})
    place = {qubit: at for at, qubit in enumerate(used)}
    moved = [_move(item, place) for item in out]
    n_cbits = program.n_cbits + len(qubits)
    shown = (Register("", tuple(range(program.n_cbits, n_cbits))),)
    return Program(len(used), n_cbits, tuple(moved), shown, {}, notes=program.notes), qubits


_OPERANDS = frozenset({"qubit", "qubits", "pair", "on"})
"""Fields of instructions that hold qubits."""


def _move(item: Instruction, place: Mapping[int, int]) -> Instruction:
    """The instruction on other qubits."""
    changes: dict[str, Any] = {}
    for name in _OPERANDS & {field.name for field in fields(item)}:
        old = getattr(item, name)
        changes[name] = place[old] if name == "qubit" else tuple(place[q] for q in old)
    return replace(item, **changes) if changes else item


def to_bytes(numbers: Any) -> bytes:
    """Complex numbers as ``Point`` has them."""
    return np.asarray(numbers).astype("<c16").tobytes()


def strings_of(outputs: Outputs) -> list[str]:
    """Every Pauli string but the identity, once."""
    return list(dict.fromkeys(text for row in outputs.expectations for text, _ in row if text.strip("I")))


def sums_of(observables: Iterable[Observable], values: dict[str, float]) -> list[Estimate]:
    """The value of each observable from those of its strings."""
    return [Estimate(float(sum(c * values.get(text, 1.0) for text, c in row))) for row in observables]
