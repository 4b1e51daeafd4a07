"""The list of instructions that Yao itself writes (``YaoBlocks.circuit_to_json_dict``, version 1.0) as blocks."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import msgspec

from qmk.frontends.yao_json.blocks import AXES, NAMES, Block
from qmk.models.arguments import show
from qmk.sdk.frontend import Refused


class Instruction(msgspec.Struct, forbid_unknown_fields=True):
    """Qubits count from 0. ``params`` of a matrix are its columns after one another, real and imaginary parts."""

    name: str
    qubits: list[int]
    params: list[float] = []
    ctrl: list[int] = []
    ctrl_state: list[int] = []


class Instructions(msgspec.Struct, forbid_unknown_fields=True):
    version: str
    nqubits: int
    instructions: list[Instruction]


TURNS = {name: axis for axis, name in AXES.items()}
ANGLES: dict[str, Callable[[float], Block]] = {
    "p": lambda angle: {"block": "shift", "angle": angle},
    "u1": lambda angle: {"block": "shift", "angle": angle},
    "gphase": lambda angle: {"block": "phase", "angle": angle},
}


def to_chain(read: Instructions) -> Block:
    """The instructions as a chain of blocks. Raises ``Refused`` for one that is not known."""
    if read.version != "1.0":
        raise Refused("YAO-01", f"the list of instructions is of version {read.version[:20]!r}")
    return {"block": "chain", "blocks": [_block(row, f"instructions[{k}]") for k, row in enumerate(read.instructions)]}


def _block(row: Instruction, place: str) -> Block:
    at = [k + 1 for k in row.qubits]
    if row.name == "measure" and not row.params and not row.ctrl:
        return {"block": "measure", "at": at}
    of = _gate(row, place)
    if row.ctrl:
        controls = [k + 1 for k in row.ctrl]
        return {"block": "control", "controls": controls, "config": row.ctrl_state, "at": at, "of": of}
    return {"block": "put", "at": at, "of": of}


def _gate(row: Instruction, place: str) -> Block:
    match row.name, row.params:
        case name, [] if name in NAMES:
            return {"block": "gate", "gate": NAMES[name]}
        case name, [angle] if name in TURNS:
            return {"block": "rot", "angle": angle, "of": {"block": "gate", "gate": TURNS[name]}}
        case name, [angle] if name in ANGLES:
            return ANGLES[name](angle)
        case "u2", [phi, lam]:
            return _matrix(_u3(math.pi / 2, phi, lam))
        case "u3", [theta, phi, lam]:
            return _matrix(_u3(theta, phi, lam))
        case "fsim", [theta, phi]:
            cosine, sine = math.cos(theta), -1j * math.sin(theta)
            return _matrix([[1, 0, 0, 0], [0, cosine, sine, 0], [0, sine, cosine, 0], [0, 0, 0, cmath.exp(-1j * phi)]])
        case "unitary", numbers if len(numbers) == 2 * 4 ** len(row.qubits):
            size = 1 << len(row.qubits)
            columns = [complex(*numbers[k : k + 2]) for k in range(0, len(numbers), 2)]
            return _matrix([[columns[k * size + j] for k in range(size)] for j in range(size)])
        case name, params:
            raise Refused("YAO-02", f"{place}: {show(name, 40)} with {len(params)} numbers is not an instruction")


def _u3(theta: float, phi: float, lam: float) -> list[list[complex]]:
    a, b = math.cos(theta / 2), math.sin(theta / 2)
    return [[a, -cmath.exp(1j * lam) * b], [cmath.exp(1j * phi) * b, cmath.exp(1j * (phi + lam)) * a]]


def _matrix(rows: list[list[Any]]) -> Block:
    return {"block": "matblock", "matrix": [[[complex(x).real, complex(x).imag] for x in row] for row in rows]}
