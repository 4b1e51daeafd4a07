"""Qiskit's standard gates as gates of the bytecode, by name. Angles and qubits are in the same order.

Source: ``qiskit.circuit.library.standard_gates`` of Qiskit 2. Gates that are not here (rccx, rcccx, xx_minus_yy) go by
their definition.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from qmk.circuit.items import Item

_SAME = """
id x y z h s sdg sx sxdg t tdg rx ry rz p u cy cz ch swap iswap cp crx cry crz rxx ryy rzz rzx ecr xx_plus_yy ccz cswap
"""
_RENAMED = {"cx": "cnot", "ccx": "toffoli", "u1": "p", "u3": "u", "cu1": "cp"}
DIRECT = {name: name for name in _SAME.split()} | _RENAMED
"""Gates that are one gate of ours, with the same angles."""

Make = Callable[[tuple[Any, ...], tuple[int, ...]], list[Item]]


def _under_controls(name: str, controls: int) -> Make:
    return lambda angles, qubits: [(name, angles, qubits, "1" * controls, 1.0)]


def _cu(angles: tuple[Any, ...], qubits: tuple[int, ...]) -> list[Item]:
    return [("p", (angles[3],), qubits[:1]), ("u", angles[:3], qubits, "1", 1.0)]


COMPOSED: dict[str, Make] = {
    "u2": lambda a, q: [("u", (math.pi / 2, *a), q)],
    "r": lambda a, q: [("u", (a[0], a[1] - math.pi / 2, -a[1] + math.pi / 2), q)],
    "cu": _cu,
    "cu3": _under_controls("u", 1),
    "cs": lambda _, q: [("cp", (math.pi / 2,), q)],
    "csdg": lambda _, q: [("cp", (-math.pi / 2,), q)],
    "csx": _under_controls("sx", 1),
    "mcx": _under_controls("x", 3),
    "c3sx": _under_controls("sx", 3),
    "dcx": lambda _, q: [("cnot", (), q), ("cnot", (), q[::-1])],
}
"""Gates that are several of ours, or one under controls. ``mcx``: the standard one, of three controls."""

WRITTEN = {ours: theirs for theirs, ours in DIRECT.items() if theirs not in ("u1", "u3", "cu1")}
"""The names of Qiskit's gates for ours."""
