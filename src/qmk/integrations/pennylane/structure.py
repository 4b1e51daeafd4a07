"""Tapes of one structure: the same operators on the same wires with other angles are one circuit with parameters.

Optimisers and the parameter-shift rule give such tapes by the thousand. What is made of the first is kept for the
others: the circuit, and for each observable what computes its value and its gradient.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

import qmk
from qmk.adapters.pennylane.gates import FORMS, GATES
from qmk.adapters.pennylane.library import qml
from qmk.adapters.pennylane.observables import Terms, terms_of
from qmk.adapters.pennylane.reader import Reader, has_angles
from qmk.api.differentiating import Objective, value_and_grad
from qmk.circuit import whole
from qmk.circuit.circuit import Circuit

KEPT = 32
"""Structures that a device keeps, and observables that it keeps for each."""

Vector = npt.NDArray[np.float64]


def circuit_of(operators: Sequence[Any], wires: Sequence[Any]) -> tuple[Circuit, Reader]:
    """The circuit that operators are, on qubits in the order of ``wires``, and what has read it."""
    made, reader = Circuit(len(wires)), Reader(wires)
    items = reader.read(operators)
    if reader.bits:
        made.add_bits(len(reader.bits), "m")
    whole.append(made, items)
    return made, reader


def key_of(operators: Sequence[Any], wires: Hashable) -> Hashable | None:
    """The same for tapes that differ in angles alone; None for a tape that no key says all of."""
    try:
        parts: list[Hashable] = [(type(op), op.wires.labels) if type(op) in GATES else _part(op) for op in operators]
    except TypeError:
        return None
    return wires, tuple(parts)


def _part(op: Any) -> Hashable:
    kind = op.__class__
    labels: tuple[Any, ...] = op.wires.labels
    if isinstance(op, qml.ops.Conditional) or (isinstance(op, qml.ops.Controlled) and op.data):
        raise TypeError
    if isinstance(op, (qml.ops.Controlled, qml.ops.Adjoint)):
        base: Any = op.base
        plain = base.__class__
        below = (plain, base.wires.labels) if plain in GATES else _part(base)
        return kind, labels, tuple(map(bool, getattr(op, "control_values", ()))), below
    if kind in FORMS:
        return kind, labels, op.hyperparameters.get("pauli_word"), tuple(map(bool, getattr(op, "control_values", ())))
    if isinstance(op, qml.QubitUnitary | qml.BasisState):
        matrix: Any = np.asarray(qml.math.toarray(op.data[0]))
        return kind, labels, tuple(matrix.shape), bytes(matrix.tobytes())
    raise TypeError


def angles_of(operators: Sequence[Any]) -> list[Any]:
    """The angles of a tape, in the order of its data, without those that its structure holds."""
    found: list[Any] = []
    for op in operators:
        if op.data and (type(op) in GATES or has_angles(op)):
            found += op.data
    return found


class Structure:
    """A circuit whose parameter x has the angles of a tape."""

    def __init__(self, operators: Sequence[Any], wires: Sequence[Any], options: dict[str, Any]) -> None:
        size = len(angles_of(operators))
        self.has_angles = size > 0
        self.circuit = Circuit(len(wires))
        reader, at = Reader(wires), 0
        names = qmk.Parameter("x", size) if size else None
        for op in operators:
            if op.data and has_angles(op):
                assert names is not None, "there are angles"
                count = len(op.data)
                reader.apply(op, tuple(names[k] for k in range(at, at + count)))
                at += count
            else:
                reader.apply(op)
        whole.append(self.circuit, reader.items)
        self._options = options
        self._objectives: OrderedDict[Terms, Objective] = OrderedDict()

    def objective(self, terms: Terms) -> Objective:
        """The value of an observable as a function of the angles."""
        found = self._objectives.get(terms)
        if found is None:
            found = cast("Objective", value_and_grad(self.circuit, list(terms), **self._options))
            self._objectives[terms] = found
            while len(self._objectives) > KEPT:
                self._objectives.popitem(last=False)
        return found


class Observables:
    """Pauli strings of the observables that came last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, Hashable], tuple[Any, Terms]] = OrderedDict()

    def terms(self, observable: Any, wires: tuple[Any, ...]) -> Terms:
        """See ``terms_of``. An object that comes again with the same Pauli sentence is not read again."""
        sentence = observable.pauli_rep
        key = id(sentence), wires
        kept = self._kept.get(key)
        if kept is not None and kept[0] is sentence:
            return kept[1]
        found = terms_of(observable, {label: k for k, label in enumerate(wires)}, len(wires))
        if sentence is not None:
            self._kept[key] = sentence, found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


class Structures:
    """The structures that came last."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._kept: OrderedDict[Hashable, Structure | None] = OrderedDict()

    def find(self, operators: Sequence[Any], wires: Sequence[Any], *, now: bool = False) -> Structure | None:
        """The structure of these operators; None the first time unless it is wanted ``now``."""
        key = key_of(operators, tuple(wires))
        if key is None:
            return Structure(operators, wires, self._options) if now else None
        found = self._kept.get(key)
        if found is None and (now or key in self._kept):
            found = Structure(operators, wires, self._options)
        self._kept[key] = found
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found
