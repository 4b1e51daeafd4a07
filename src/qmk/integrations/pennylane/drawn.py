"""Measurement processes with shots: samples of bits from QMK, which PennyLane's own code turns into results.

The measurements of one tape commute qubit by qubit (``device`` splits others first), so that one program gives the
samples of all of them. Measurements on the way are columns of the samples too; a shot that postselection discards is
left out, as on hardware, or marked in samples, whose number JAX has to know beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np

from qmk.adapters.pennylane.library import mp, qml
from qmk.adapters.pennylane.reader import Reader
from qmk.client.result import Result
from qmk.integrations.pennylane.structure import circuit_of
from qmk.sdk.adapter import cannot

Bits = np.ndarray[Any, np.dtype[np.uint8]]


class Drawn:
    """One tape with shots: the program that is run, and the results from its bits."""

    def __init__(self, tape: Any, wires: Sequence[Any]) -> None:
        self._tape, self._wires = tape, wires
        rotations = _rotations(tape.measurements)
        operators = [op for op in tape.operations if not isinstance(op, qml.Snapshot)]
        self.circuit, self._reader = circuit_of([*operators, *rotations], wires)
        bits = self.circuit.add_bits(len(wires), "c")
        self.circuit.measure(range(len(wires)), bits)

    def results(self, result: Result, *, pad: bool = False) -> Any:
        """The results of the tape's measurement processes, a tuple of them for each part of its shots. ``pad``: samples
        of discarded shots are the lowest int32, which is PennyLane's mark of them."""
        bits = bits_of(result, self._reader, len(self._wires))
        columns: list[Any] = [*self._wires, *range(len(self._reader.bits))]
        parts: list[Any] = []
        stand_ins = {uid: qml.ops.MidMeasure(_Column(bit), meas_uid=uid) for uid, bit in self._reader.bits.items()}
        order = qml.wires.Wires([*self._wires, *(_Column(k) for k in range(len(columns) - len(self._wires)))])
        processes = [_with_columns(process, stand_ins, self._wires) for process in self._tape.measurements]
        for lower, upper in self._tape.shots.bins():
            part = bits[lower:upper].astype(np.int64)
            kept = np.ones(len(part), dtype=bool)
            for bit, wanted in self._reader.postselected.items():
                kept &= part[:, len(self._wires) + bit] == wanted
            found: list[Any] = []
            for process in processes:
                if pad and isinstance(process, mp.SampleMP):
                    samples = np.array(process.process_samples(part, order))
                    samples[~kept] = np.iinfo(np.int32).min
                    found.append(samples)
                else:
                    found.append(process.process_samples(part[kept], order))
            parts.append(found[0] if len(found) == 1 else tuple(found))
        return tuple(parts) if self._tape.shots.has_partitioned_shots else parts[0]


class _Column(str):
    """The label of a column of samples that is a measurement on the way; no wire has it."""

    __slots__ = ()

    def __new__(cls, bit: int) -> _Column:
        return super().__new__(cls, f"measurement {bit} on the way")


def _with_columns(process: Any, stand_ins: dict[str, Any], wires: Sequence[Any]) -> Any:
    """A process with measurements on the way as columns, and without wires as one of all wires."""
    if process.mv is None:
        if process.obs is None and not process.wires:
            process = copy(process)
            process._wires = qml.wires.Wires(wires)
        return process
    moved = copy(process)
    if isinstance(process.mv, qml.ops.MeasurementValue):
        moved.mv = _on_columns(process.mv, stand_ins)
    else:
        moved.mv = [_on_columns(value, stand_ins) for value in process.mv]
    return moved


def _on_columns(value: Any, stand_ins: dict[str, Any]) -> Any:
    measurements = [stand_ins[each.meas_uid] for each in value.measurements]
    return qml.ops.MeasurementValue(measurements, value.processing_fn if value.has_processing else None)


def bits_of(result: Result, reader: Reader, n_qubits: int) -> Bits:
    """A row a shot: the qubits in order, then the measurements on the way."""
    names = {name: at for at, name in enumerate(result.event_names)}
    packed = result.packed_events()
    unpacked = np.unpackbits(packed, axis=1)[:, : len(names)]
    wanted = [f"c_{k}" for k in range(n_qubits)] + [f"m_{k}" for k in range(len(reader.bits))]
    found = np.zeros((len(unpacked), len(wanted)), dtype=np.uint8)
    for at, name in enumerate(wanted):
        if name in names:
            found[:, at] = unpacked[:, names[name]]
    return found


def _rotations(processes: Sequence[Any]) -> list[Any]:
    """The gates that turn the measured observables into the basis of bits."""
    letters: dict[Any, str] = {}
    others: list[Any] = []
    for process in processes:
        if process.obs is None:
            continue
        words: list[Any] = list(process.obs.pauli_rep or ())
        if len(words) == 1:
            for label, letter in words[0].items():
                if letters.setdefault(label, letter) != letter:
                    raise cannot("pennylane", "a wire is measured in two bases", repr(process), "measure apart")
        else:
            others += process.diagonalizing_gates()
    turned: list[Any] = []
    for label, letter in letters.items():
        if letter == "Y":
            turned.append(qml.adjoint(qml.S(label), lazy=True))
        if letter in "XY":
            turned.append(qml.Hadamard(label))
    return turned + others
