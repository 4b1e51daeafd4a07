"""Quil's gates as those of QMK, and definitions of more by a matrix, a permutation, a sum of Paulis, or a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from qmk.frontends.openqasm.recipes import follow
from qmk.frontends.openqasm.replay import PARAMS
from qmk.frontends.openqasm.unitary import ROOT_QUBITS, Prim, Unitary, control, inverse, prim, synthesise
from qmk.ir.parameters import Angle, Expression
from qmk.qvm import matrices
from qmk.qvm.op import Matrix
from qmk.sdk.frontend import Refused

PLAIN: dict[str, tuple[str, int]] = {
    "I": ("id", 1), "X": ("x", 1), "Y": ("y", 1), "Z": ("z", 1), "H": ("h", 1), "S": ("s", 1), "T": ("t", 1),
    "CNOT": ("cnot", 2), "CZ": ("cz", 2), "SWAP": ("swap", 2), "ISWAP": ("iswap", 2), "CCNOT": ("toffoli", 3),
    "CSWAP": ("cswap", 3), "SQISW": ("siswap", 2),
}  # fmt: skip
"""Gates without parameters: QMK's name and the number of qubits."""

TURNING: dict[str, tuple[str, int, int]] = {
    "RX": ("rx", 1, 1), "RY": ("ry", 1, 1), "RZ": ("rz", 1, 1), "PHASE": ("p", 1, 1), "CPHASE": ("cp", 2, 1),
    "RXX": ("rxx", 2, 1), "RYY": ("ryy", 2, 1), "RZZ": ("rzz", 2, 1), "U": ("u", 1, 3),
}  # fmt: skip
"""Gates that have QMK's own parameters: its name, the numbers of qubits and of parameters."""

_RECIPES: dict[str, tuple[str, int, int]] = {
    "XY": ("xx_plus_yy(theta=-a, beta=0) 0 1", 2, 1),
    "PSWAP": ("swap 0 1; gphase(gamma=a/2); rzz(theta=a) 0 1", 2, 1),
    "FSIM": ("fsim(theta=-a/2, phi=-b) 0 1", 2, 2),
    "PHASEDFSIM": (
        "rz(theta=b/2+c/2) 0; rz(theta=-b/2-c/2) 1; fsim(theta=-a/2, phi=2*d-e) 0 1; rz(theta=b/2-c/2) 0;"
        "rz(theta=-b/2+c/2) 1; gphase(gamma=-d/2); rzz(theta=-d) 0 1", 2, 5,
    ),
    "BARENCO": ("rz(theta=-b) 1; crx(theta=2*c) 0 1; rz(theta=b) 1; p(lam=a) 0", 2, 3),
}  # fmt: skip
_PHASES = {"CPHASE00": "00", "CPHASE01": "01", "CPHASE10": "10"}

MAX_DEPTH = 32
"""Definitions within definitions."""


class Call(NamedTuple):
    """A gate as it is written: modifiers from left to right, parameters (for FORKED of both halves), qubits."""

    modifiers: tuple[str, ...]
    name: str
    params: tuple[Angle, ...]
    qubits: tuple[int, ...]
    line: int


class Definition(NamedTuple):
    """``rows``: what stands under it, with the line of each. Names in it stand for parameters and qubits."""

    kind: str
    params: tuple[str, ...]
    qubits: tuple[str, ...]
    rows: tuple[tuple[str, int], ...]
    line: int


class Definitions:
    """The gates that a program defines. ``calls`` reads a line of a sequence, with its names replaced."""

    def __init__(self, calls: Any, numbers: Any) -> None:
        self.defined: dict[str, Definition] = {}
        self._calls, self._numbers = calls, numbers
        self._depth = 0

    def unitary(self, call: Call) -> Unitary:
        """The gate with its modifiers, over its qubits 0, 1, ... Raises Refused."""
        n_controls = sum(each in ("CONTROLLED", "FORKED") for each in call.modifiers)
        inner = self._modify(call, call.modifiers, call.params, len(call.qubits) - n_controls)
        if len(set(call.qubits)) < len(call.qubits):
            raise Refused("QUIL-03", f"{call.name} is given a qubit twice", line=call.line)
        return inner

    def _modify(self, call: Call, modifiers: Sequence[str], params: Sequence[Angle], qubits: int) -> Unitary:
        if not modifiers:
            return self._plain(call, params, qubits)
        first, rest = modifiers[0], modifiers[1:]
        if first == "FORKED":
            if len(params) % 2:
                raise Refused("QUIL-03", f"FORKED {call.name} needs an even number of parameters", line=call.line)
            half = len(params) // 2
            low = control(self._modify(call, rest, params[:half], qubits), "0")
            return Unitary(low.prims + control(self._modify(call, rest, params[half:], qubits), "1").prims)
        inner = self._modify(call, rest, params, qubits)
        return inverse(inner) if first == "DAGGER" else control(inner, "1")

    def _plain(self, call: Call, params: Sequence[Angle], qubits: int) -> Unitary:
        definition = self.defined.get(call.name)
        if definition is not None:
            return self._apply_definition(call, definition, params, qubits)
        n_qubits, n_params = arity(call.name)
        if n_qubits < 0:
            raise Refused("QUIL-02", f"there is no gate {call.name[:40]}", line=call.line)
        if (qubits, len(params)) != (n_qubits, n_params):
            text = f"{call.name} takes {n_params} parameters and {n_qubits} qubits"
            raise Refused("QUIL-03", text, line=call.line)
        return standard(call.name, params)

    # -- definitions -------------------------------------------------------------------------------------------------

    def _apply_definition(self, call: Call, made: Definition, params: Sequence[Angle], qubits: int) -> Unitary:
        if len(params) != len(made.params) or (made.qubits and len(made.qubits) != qubits):
            text = f"{call.name} takes {len(made.params)} parameters and {len(made.qubits)} qubits"
            raise Refused("QUIL-03", text, line=call.line)
        values: dict[str, Angle] = dict(zip(made.params, params, strict=True))
        if made.kind in ("SEQUENCE", "CIRCUIT"):
            return self._sequence(made, values)
        if made.kind == "PAULI-SUM":
            return self._pauli_sum(made, values)
        if any(isinstance(value, Expression) for value in params):
            text = f"the matrix of {call.name} needs the values of its parameters"
            raise Refused("QUIL-07", text, "give them when the program is read", call.line)
        rows = [[complex(cast("complex", x)) for x in self._numbers(text, values, line)] for text, line in made.rows]
        if made.kind == "PERMUTATION":
            ((places, line),) = ((rows[0], made.rows[0][1]),)
            order = [round(x.real) for x in places]
            if sorted(order) != list(range(len(order))):
                raise Refused("QUIL-08", f"the permutation of {call.name} does not name each row once", line=line)
            rows = [[complex(column == order[row]) for column in range(len(order))] for row in range(len(order))]
        return _synthesise(call.name, rows, qubits, made.line)

    def _sequence(self, made: Definition, values: Mapping[str, Angle]) -> Unitary:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused("QUIL-08", f"definitions nest more than {MAX_DEPTH} deep", line=made.line)
        places = {name: k for k, name in enumerate(made.qubits)}
        prims: list[Prim] = []
        phase = 0.0
        for text, line in made.rows:
            call: Call = self._calls(text, line, values, places)
            inner = self.unitary(call)
            phase += inner.phase
            prims += [
                Prim(p.base, tuple(call.qubits[k] for k in p.operands), p.args, p.controls, p.power)
                for p in inner.prims
            ]  # fmt: skip
        self._depth -= 1
        return Unitary(tuple(prims), phase)

    def _pauli_sum(self, made: Definition, values: Mapping[str, Angle]) -> Unitary:
        """The gate exp(-i times the sum): rotations where its terms commute, else its matrix."""
        terms: list[tuple[str, Angle]] = []
        for text, line in made.rows:
            head, _, names = text.rpartition(")")
            letters, _, factor = head.partition("(")
            places = names.split()
            if (
                len(places) != len(letters.strip())
                or set(letters.strip()) - set("IXYZ")
                or set(places) - {*made.qubits}
            ):
                raise Refused("QUIL-08", f"'{text[:40]}' is not a term of a sum of Paulis", line=line)
            ((value,),) = (self._numbers(factor, values, line),)
            whole = ["I"] * len(made.qubits)
            for letter, name in zip(letters.strip(), places, strict=True):
                whole[made.qubits.index(name)] = letter
            terms.append(("".join(whole), _real(value, line)))
        if all(_commute(a, b) for a, _ in terms for b, _ in terms):
            return Unitary(tuple(p for letters, value in terms for p in _rotation(letters, 2 * value)))
        if any(isinstance(value, Expression) for _, value in terms):
            raise Refused("QUIL-07", "terms that do not commute need the values of their parameters", line=made.line)
        return _exponential([(text, cast("float", value)) for text, value in terms], len(made.qubits), made.line)


def arity(name: str) -> tuple[int, int]:
    """The numbers of qubits and parameters of one of Quil's gates; (-1, 0) where there is none."""
    if name in PLAIN:
        return PLAIN[name][1], 0
    if name in TURNING:
        return TURNING[name][1:]
    if name in _RECIPES:
        return _RECIPES[name][1:]
    return (2, 1) if name in _PHASES else (-1, 0)


def standard(name: str, params: Sequence[Angle]) -> Unitary:
    """One of Quil's gates."""
    if name in _PHASES:
        return Unitary((Prim("gphase", (0, 1), cast("Any", {"gamma": params[0]}), _PHASES[name]),))
    if name in PLAIN or name in TURNING:
        ours, qubits = (PLAIN.get(name) or TURNING[name])[:2]
        made = [(ours, tuple(params), tuple(range(qubits)))]
    else:
        made = follow(_RECIPES[name][0], params)
    return Unitary(tuple(_prim(gate, angles, qubits) for gate, angles, qubits in made))


def _prim(gate: str, angles: Sequence[Angle], qubits: tuple[int, ...]) -> Prim:
    args = cast("dict[str, float]", dict(zip(PARAMS[gate], angles, strict=True)))
    return Prim(gate, qubits, args) if gate == "gphase" else prim(gate, qubits, args)


def _real(value: Any, line: int) -> Angle:
    if isinstance(value, complex):
        if abs(value.imag) > 1e-12:
            raise Refused("QUIL-05", f"{value} is not real", line=line)
        return value.real
    return value


real = _real


def _synthesise(name: str, rows: list[list[complex]], qubits: int, line: int) -> Unitary:
    size = 1 << qubits
    if qubits > ROOT_QUBITS or len(rows) != size or any(len(row) != size for row in rows):
        text = f"the matrix of {name} on {qubits} qubits; matrices of 1 to {ROOT_QUBITS} are read, with 2^n rows"
        raise Refused("QUIL-08", text, line=line)
    matrix: Matrix = tuple(map(tuple, rows))
    gram = matrices.matmul(matrices.dagger(matrix), matrix)
    if any(abs(gram[a][b] - (a == b)) > 1e-6 for a in range(size) for b in range(size)):
        raise Refused("QUIL-08", f"the matrix of {name} is not unitary", line=line)
    return synthesise(matrix)


def _commute(a: str, b: str) -> bool:
    return sum(x != y and "I" not in (x, y) for x, y in zip(a, b, strict=True)) % 2 == 0


def _rotation(letters: str, angle: Angle) -> list[Prim]:
    """The rotation exp(-i angle/2 P)."""
    from qmk.qvm.families import OPS

    lower = OPS["core.paulirot"].lower
    assert lower is not None
    steps = lower({"paulis": letters, "theta": angle}, len(letters))
    return [
        _prim(step.op.removeprefix("core."), tuple(step.args.values()), step.operands) for step in steps
    ]  # fmt: skip


def _exponential(terms: Sequence[tuple[str, float]], qubits: int, line: int) -> Unitary:
    import numpy as np

    total: Any = sum(value * np.array(matrices.pauli_string(text)) for text, value in terms)
    values, vectors = np.linalg.eigh(total)
    matrix = (vectors * np.exp(-1j * values)) @ vectors.conj().T
    return _synthesise("the sum", matrix.tolist(), qubits, line)
