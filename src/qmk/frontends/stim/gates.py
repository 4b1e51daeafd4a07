"""What each of Stim's unitary instructions is in ``core``, up to a global phase. Steps are in the order of time."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from qmk.ir.names import names
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.steps import script

QUARTER = math.pi / 2


class Step(NamedTuple):
    """``core`` op on the operands with these indexes."""

    op: str
    operands: tuple[int, ...] = (0,)
    args: dict[str, Any] = {}  # noqa: RUF012


def _steps(text: str) -> tuple[Step, ...]:
    return tuple(
        Step(line.op.removeprefix("core."), line.operands, {name: angle.constant for name, angle in line.angles})
        for line in script(text).lines
    )


def _table(qubits: int, **composite: str) -> dict[str, tuple[Step, ...]]:
    """Stim's gates on so many qubits: those that are one gate of ours, and the others as steps."""
    operands = " ".join(map(str, range(qubits)))
    ours = {name: f"{short} {operands}" for short, name in names("stim").items() if FIXED_SIZE[short].vqs.low == qubits}
    return {name: _steps(text) for name, text in {**ours, **composite}.items()}


SINGLE = _table(
    1, I="", SQRT_Y="ry(theta=pi/2) 0", SQRT_Y_DAG="ry(theta=-pi/2) 0",
    H_XY="x 0; s 0", H_YZ="y 0; sx 0", H_NXY="x 0; sdg 0", H_NXZ="y 0; h 0", H_NYZ="y 0; sxdg 0",
    C_XYZ="h 0; sxdg 0", C_ZYX="h 0; s 0", C_NXYZ="sx 0; sdg 0", C_XNYZ="h 0; sx 0", C_XYNZ="sxdg 0; s 0",
    C_NZYX="sdg 0; sx 0", C_ZNYX="h 0; sdg 0", C_ZYNX="s 0; sxdg 0",
)  # fmt: skip

DOUBLE = _table(
    2, II="", XCZ="cnot 1 0", YCZ="cy 1 0", XCX="h 0; cnot 0 1; h 0", XCY="h 0; cy 0 1; h 0",
    YCX="sx 0; cnot 0 1; sxdg 0", YCY="sx 0; cy 0 1; sxdg 0", CXSWAP="cnot 0 1; swap 0 1", SWAPCX="swap 0 1; cnot 0 1",
    CZSWAP="cz 0 1; swap 0 1", SQRT_XX="rxx(theta=pi/2) 0 1", SQRT_XX_DAG="rxx(theta=-pi/2) 0 1",
    SQRT_YY="ryy(theta=pi/2) 0 1", SQRT_YY_DAG="ryy(theta=-pi/2) 0 1", SQRT_ZZ="rzz(theta=pi/2) 0 1",
    SQRT_ZZ_DAG="rzz(theta=-pi/2) 0 1",
)  # fmt: skip

FED: dict[str, tuple[str, str]] = {
    "CX": ("X", "first"), "CY": ("Y", "first"), "CZ": ("Z", "either"), "XCZ": ("X", "second"),
    "YCZ": ("Y", "second"),
}  # fmt: skip
"""The Pauli that a measured bit controls, and which target the bit may be."""

ALIASES = {
    "CNOT": "CX", "ZCX": "CX", "ZCY": "CY", "ZCZ": "CZ", "H_XZ": "H", "SQRT_Z": "S", "SQRT_Z_DAG": "S_DAG",
    "SWAPCZ": "CZSWAP", "MZ": "M", "MRZ": "MR", "RZ": "R", "CORRELATED_ERROR": "E",
}  # fmt: skip

MEASURED = {
    "M": ("Z", False), "MX": ("X", False), "MY": ("Y", False),
    "MR": ("Z", True), "MRX": ("X", True), "MRY": ("Y", True),
}  # fmt: skip
"""Basis, and whether the qubit is reset to the basis's +1 state afterwards."""
RESETS = {"R": "Z", "RX": "X", "RY": "Y"}
PAIRED = {"MXX": "XX", "MYY": "YY", "MZZ": "ZZ"}
TO_Z = {"X": ("h",), "Y": ("sdg", "h"), "Z": ()}
"""Gates that turn a basis to Z."""
FROM_Z = {"X": ("h",), "Y": ("h", "s"), "Z": ()}

NOISE = (
    "X_ERROR", "Y_ERROR", "Z_ERROR", "DEPOLARIZE1", "DEPOLARIZE2", "PAULI_CHANNEL_1", "PAULI_CHANNEL_2", "I_ERROR",
    "II_ERROR", "E", "ELSE_CORRELATED_ERROR", "HERALDED_ERASE", "HERALDED_PAULI_CHANNEL_1",
)  # fmt: skip
OTHERS = ("MPP", "SPP", "SPP_DAG", "MPAD", "DETECTOR", "OBSERVABLE_INCLUDE", "QUBIT_COORDS", "SHIFT_COORDS", "TICK")
NAMES = frozenset((*SINGLE, *DOUBLE, *MEASURED, *RESETS, *PAIRED, *NOISE, *OTHERS, "REPEAT"))
