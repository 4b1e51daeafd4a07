"""Circuits as Stim's text, which Stim and Clifft read. Only Clifft knows the gates with angles."""

from __future__ import annotations

import math

from benchmarks.router.peers.walk import FEEDBACK, Operation, Refused, quarter_turns

_FIXED = {
    "id": "I",
    "x": "X",
    "y": "Y",
    "z": "Z",
    "h": "H",
    "s": "S",
    "sdg": "S_DAG",
    "sx": "SQRT_X",
    "sxdg": "SQRT_X_DAG",
    "cx": "CX",
    "cy": "CY",
    "cz": "CZ",
    "swap": "SWAP",
    "iswap": "ISWAP",
    "reset": "R",
    "measure": "M",
}
_CLIFFT = {"t": "T", "tdg": "T_DAG", "ccx": "CCX", "ccz": "CCZ", "ch": "CH"}
_TURNS = {
    "rz": ("I", "S", "Z", "S_DAG"),
    "rx": ("I", "SQRT_X", "X", "SQRT_X_DAG"),
    "ry": ("I", "SQRT_Y", "Y", "SQRT_Y_DAG"),
}
_AXES = {"rx": "R_X", "ry": "R_Y", "rz": "R_Z", "rxx": "R_XX", "ryy": "R_YY", "rzz": "R_ZZ"}


def write(items: list[Operation], angles: bool) -> tuple[str, list[int]]:
    """The text, and the cbits of its measurements. ``Refused``: a gate that is not Clifford, without ``angles``."""
    lines: list[str] = []
    records: list[int] = []
    for name, params, qubits, cbits in items:
        if name == "barrier":
            continue
        if name.startswith(FEEDBACK):
            lines.extend(_feedback(name.removeprefix(FEEDBACK), qubits[0], cbits[0], records))
            continue
        if name == "measure":
            records.append(cbits[0])
        lines.extend(_line(name, params, qubits, angles))
    return "\n".join(lines), records


def _feedback(pauli: str, qubit: int, cbit: int, records: list[int]) -> list[str]:
    """The Pauli under the last measurement into the cbit; none for a cbit that was never written, which is 0."""
    if cbit not in records:
        return []
    back = records[::-1].index(cbit) + 1
    return [f"C{pauli.upper()} rec[-{back}] {qubit}"]


def _line(name: str, params: tuple[float, ...], qubits: tuple[int, ...], angles: bool) -> list[str]:
    where = " ".join(map(str, qubits))
    if name in _FIXED:
        return [f"{_FIXED[name]} {where}"]
    if name in ("u1", "p"):
        name = "rz"
    if name in _TURNS and (turns := quarter_turns(params[0])) is not None:
        return [f"{_TURNS[name][turns]} {where}"]
    if name in ("u", "u3", "u2"):
        return _u(params if name != "u2" else (math.pi / 2, *params), qubits[0], angles)
    if angles and name in _CLIFFT:
        return [f"{_CLIFFT[name]} {where}"]
    if angles and name in _AXES:
        return [f"{_AXES[name]}({params[0] / math.pi}) {where}"]
    if angles and name in ("cu1", "cp"):
        half, (a, b) = params[0] / 2 / math.pi, qubits
        return [f"R_Z({half}) {a}", f"R_Z({half}) {b}", f"R_ZZ({-half}) {a} {b}"]
    if angles and name == "crz":
        half, (a, b) = params[0] / 2 / math.pi, qubits
        return [f"R_Z({half}) {b}", f"R_ZZ({-half}) {a} {b}"]
    if angles and name in ("cry", "crx"):
        half, (a, b) = params[0] / 2 / math.pi, qubits
        axis = name[-1].upper()
        return [f"R_{axis}({half}) {b}", f"R_PAULI({-half}) Z{a}*{axis}{b}"]
    if angles and name == "cswap":
        c, a, b = qubits
        return [f"CX {b} {a}", f"CCX {c} {a} {b}", f"CX {b} {a}"]
    raise Refused(f"gate {name}{params or ''}")


def _u(params: tuple[float, ...], qubit: int, angles: bool) -> list[str]:
    theta, phi, lam = params
    if all(quarter_turns(x) is not None for x in params):
        return [line for n, x in (("rz", lam), ("ry", theta), ("rz", phi)) for line in _line(n, (x,), (qubit,), False)]
    if not angles:
        raise Refused(f"gate u{params}")
    return [f"U3({theta / math.pi},{phi / math.pi},{lam / math.pi}) {qubit}"]
