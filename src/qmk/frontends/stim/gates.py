"""What each of Stim's unitary instructions is in ``core``, up to a global phase. Steps are in the order of time."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

QUARTER = math.pi / 2


class Step(NamedTuple):
    """``core`` op on the operands with these indexes."""

    op: str
    operands: tuple[int, ...] = (0,)
    args: dict[str, Any] = {}  # noqa: RUF012


def _sequence(*ops: str) -> tuple[Step, ...]:
    return tuple(Step(op) for op in ops)


def _turn(op: str, angle: float, *operands: int) -> tuple[Step, ...]:
    return (Step(op, operands or (0,), {"theta": angle}),)


SINGLE: dict[str, tuple[Step, ...]] = {
    "I": (), "X": _sequence("x"), "Y": _sequence("y"), "Z": _sequence("z"), "H": _sequence("h"),
    "S": _sequence("s"), "S_DAG": _sequence("sdg"), "SQRT_X": _sequence("sx"), "SQRT_X_DAG": _sequence("sxdg"),
    "SQRT_Y": _turn("ry", QUARTER), "SQRT_Y_DAG": _turn("ry", -QUARTER),
    "H_XY": _sequence("x", "s"), "H_YZ": _sequence("y", "sx"), "H_NXY": _sequence("x", "sdg"),
    "H_NXZ": _sequence("y", "h"), "H_NYZ": _sequence("y", "sxdg"),
    "C_XYZ": _sequence("h", "sxdg"), "C_ZYX": _sequence("h", "s"), "C_NXYZ": _sequence("sx", "sdg"),
    "C_XNYZ": _sequence("h", "sx"), "C_XYNZ": _sequence("sxdg", "s"), "C_NZYX": _sequence("sdg", "sx"),
    "C_ZNYX": _sequence("h", "sdg"), "C_ZYNX": _sequence("s", "sxdg"),
}  # fmt: skip

_AB, _BA = (0, 1), (1, 0)
DOUBLE: dict[str, tuple[Step, ...]] = {
    "II": (),
    "CX": (Step("cnot", _AB),), "CY": (Step("cy", _AB),), "CZ": (Step("cz", _AB),),
    "XCZ": (Step("cnot", _BA),), "YCZ": (Step("cy", _BA),),
    "XCX": (Step("h"), Step("cnot", _AB), Step("h")), "XCY": (Step("h"), Step("cy", _AB), Step("h")),
    "YCX": (Step("sx"), Step("cnot", _AB), Step("sxdg")), "YCY": (Step("sx"), Step("cy", _AB), Step("sxdg")),
    "SWAP": (Step("swap", _AB),), "ISWAP": (Step("iswap", _AB),), "ISWAP_DAG": (Step("iswapdg", _AB),),
    "CXSWAP": (Step("cnot", _AB), Step("swap", _AB)), "SWAPCX": (Step("swap", _AB), Step("cnot", _AB)),
    "CZSWAP": (Step("cz", _AB), Step("swap", _AB)),
    "SQRT_XX": _turn("rxx", QUARTER, 0, 1), "SQRT_XX_DAG": _turn("rxx", -QUARTER, 0, 1),
    "SQRT_YY": _turn("ryy", QUARTER, 0, 1), "SQRT_YY_DAG": _turn("ryy", -QUARTER, 0, 1),
    "SQRT_ZZ": _turn("rzz", QUARTER, 0, 1), "SQRT_ZZ_DAG": _turn("rzz", -QUARTER, 0, 1),
}  # fmt: skip

FED: dict[str, tuple[str, str]] = {
    "CX": ("X", "first"), "CY": ("Y", "first"), "CZ": ("Z", "either"), "XCZ": ("X", "second"),
    "YCZ": ("Y", "second"),
}  # fmt: skip
"""the Pauli that a measured bit controls, and which target the bit may be"""

ALIASES = {
    "CNOT": "CX", "ZCX": "CX", "ZCY": "CY", "ZCZ": "CZ", "H_XZ": "H", "SQRT_Z": "S", "SQRT_Z_DAG": "S_DAG",
    "SWAPCZ": "CZSWAP", "MZ": "M", "MRZ": "MR", "RZ": "R", "CORRELATED_ERROR": "E",
}  # fmt: skip

MEASURED = {
    "M": ("Z", False), "MX": ("X", False), "MY": ("Y", False),
    "MR": ("Z", True), "MRX": ("X", True), "MRY": ("Y", True),
}  # fmt: skip
"""basis, and whether the qubit is reset to the basis's +1 state afterwards"""
RESETS = {"R": "Z", "RX": "X", "RY": "Y"}
PAIRED = {"MXX": "XX", "MYY": "YY", "MZZ": "ZZ"}
TO_Z = {"X": ("h",), "Y": ("sdg", "h"), "Z": ()}
"""gates that turn a basis to Z"""
FROM_Z = {"X": ("h",), "Y": ("h", "s"), "Z": ()}

NOISE = (
    "X_ERROR", "Y_ERROR", "Z_ERROR", "DEPOLARIZE1", "DEPOLARIZE2", "PAULI_CHANNEL_1", "PAULI_CHANNEL_2", "I_ERROR",
    "II_ERROR", "E", "ELSE_CORRELATED_ERROR", "HERALDED_ERASE", "HERALDED_PAULI_CHANNEL_1",
)  # fmt: skip
OTHERS = ("MPP", "SPP", "SPP_DAG", "MPAD", "DETECTOR", "OBSERVABLE_INCLUDE", "QUBIT_COORDS", "SHIFT_COORDS", "TICK")
NAMES = frozenset((*SINGLE, *DOUBLE, *MEASURED, *RESETS, *PAIRED, *NOISE, *OTHERS, "REPEAT"))
