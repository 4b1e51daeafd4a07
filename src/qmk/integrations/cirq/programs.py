"""Cirq's circuits, sweeps and observables as requests, and results as Cirq has them."""

from __future__ import annotations

# Cirq and sympy have types in part.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import cirq
import numpy as np
import numpy.typing as npt

from qmk.adapters.cirq.observables import terms_of
from qmk.adapters.cirq.reader import Reader
from qmk.circuit.circuit import Circuit
from qmk.client.result import Result

Bits = npt.NDArray[np.uint8]


class Program(NamedTuple):
    """A circuit that was read. ``keys``: each measurement key with how often and on how many qubits it is measured, in
    printed order."""

    circuit: Circuit
    keys: Mapping[str, tuple[int, int]]
    qubits: tuple[cirq.Qid, ...]


def read(program: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid] | None = None) -> Program:
    """Reads a circuit on these qubits, in this order; on its own sorted where not given. Raises UNSUPPORTED."""
    reader = Reader(sorted(program.all_qubits()) if qubits is None else qubits)
    circuit = reader.read(program)
    return Program(circuit, {key: (len(own), len(own[0])) for key, own in reader.records.items()}, reader.qubits)


def points_of(
    program: cirq.AbstractCircuit, circuit: Circuit, resolvers: Sequence[cirq.ParamResolver]
) -> dict[str, list[float]] | None:
    """The values of the circuit's parameters at each point, by name; None for a circuit that has none. Raises
    ValueError, as Cirq does, where one has no value."""
    names = list(circuit.parameters)
    if not names:
        return None
    columns: dict[str, list[float]] = {}
    for name in names:
        found = [resolver.value_of(name) for resolver in resolvers]
        try:
            columns[name] = [float(cast("Any", value)) for value in found]
        except TypeError:
            text = f"Circuit contains ops whose symbols were not specified in parameter sweep. Symbols: {name}"
            raise ValueError(text) from None
    return columns


def to_result(found: Result, keys: Mapping[str, tuple[int, int]], params: cirq.ParamResolver) -> cirq.ResultDict:
    """The shots in Cirq's form: for each key an array of shape (shots, measurements, qubits)."""
    return cirq.ResultDict(params=params, records=records_of(found.bits(), keys))


def records_of(bits: Bits, keys: Mapping[str, tuple[int, int]]) -> dict[str, Bits]:
    """Printed bits, a row a shot, by key."""
    records: dict[str, Bits] = {}
    at = 0
    for key, (instances, width) in keys.items():
        records[key] = bits[:, at : at + instances * width].reshape(len(bits), instances, width)
        at += instances * width
    return records


def observables_of(observables: Any) -> list[cirq.PauliSum]:
    """What Cirq takes as one observable or several."""
    return [cirq.PauliSum.wrap(each) for each in (observables if isinstance(observables, list) else [observables])]


def to_observable(observable: cirq.PauliSum, qubits: Sequence[cirq.Qid]) -> dict[str, float]:
    """An observable by its Pauli strings on these qubits. Raises ValueError for one that is not
    Hermitian."""
    where = {qubit: k for k, qubit in enumerate(qubits)}
    found: dict[str, float] = {}
    for paulis, factor in terms_of(observable):
        if abs(factor.imag) > 1e-4:
            raise ValueError(f"Cannot compute expectation value of a non-Hermitian PauliString {paulis}.")
        letters = ["I"] * len(qubits)
        for qubit, pauli in paulis.items():
            letters[where[qubit]] = pauli
        text = "".join(letters)
        found[text] = found.get(text, 0.0) + factor.real
    return found or {"I" * len(qubits): 0.0}
