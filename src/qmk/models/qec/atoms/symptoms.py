"""The circuit of a memory on atoms in Stim, without losses, and which detectors an error in it flips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import stim

from qmk.models.qec.atoms.insertions import Insertion
from qmk.models.qec.atoms.steps import Steps
from qmk.models.qec.decoders.interface import Bits
from qmk.models.qec.decoders.matrix import Part, errors_of

Place = tuple[int, int, str]
"""Step, qubit and Pauli of an error right before the step."""

Symptom = tuple[frozenset[int], frozenset[int]]

BATCH_PLACES = 4096

SMALL = 1e-7
"""The chance of an error that is only there to be seen."""


def circuit_of(memory: Steps, *, noisy: bool = False, errors: Iterable[Place] = ()) -> stim.Circuit:
    """``noisy`` with the Pauli errors of the model, ``errors`` with these as well, of a small probability."""
    at: defaultdict[int, list[Place]] = defaultdict(list)
    for place in errors:
        at[place[0]].append(place)
    made = stim.Circuit()
    for index, step in enumerate(memory.steps):
        for _, qubit, pauli in at[index]:
            made.append(f"{pauli}_ERROR", [qubit], SMALL)
        if step.kind == "load":
            made.append("R", step.qubits)
        elif step.kind == "gate":
            made.append(step.name, step.qubits)
        elif step.kind == "read":
            made.append("M", step.qubits)
        elif step.kind == "noise" and noisy:
            made.append(step.name, step.qubits, step.args)
        elif step.note is not None:
            made.append(step.note)
    return made


def symptoms(memory: Steps, places: Sequence[Place]) -> list[Symptom]:
    """(detectors, observables) that an error at each place flips."""
    found: list[Symptom] = []
    for start in range(0, len(places), BATCH_PLACES):
        found += _symptoms(memory, places[start : start + BATCH_PLACES])
    return found


def _symptoms(memory: Steps, places: Sequence[Place]) -> list[Symptom]:
    at: defaultdict[int, list[int]] = defaultdict(list)
    for number, place in enumerate(places):
        at[place[0]].append(number)
    width = max(memory.qubits) + 1
    frames = stim.FlipSimulator(batch_size=len(places), num_qubits=width, disable_stabilizer_randomization=True)
    for index, step in enumerate(memory.steps):
        for number in at[index]:
            frames.set_pauli_flip(places[number][2], qubit_index=places[number][1], instance_index=number)
        if step.note is not None:
            frames.do(step.note)
        elif step.kind in ("load", "gate", "read"):
            name = {"load": "R", "gate": step.name, "read": "M"}[step.kind]
            frames.do(stim.CircuitInstruction(name, step.qubits))
    detectors, observables = frames.get_detector_flips(), frames.get_observable_flips()
    return [
        (frozenset(map(int, np.flatnonzero(detectors[:, k]))), frozenset(map(int, np.flatnonzero(observables[:, k]))))
        for k in range(len(places))
    ]


def flips(memory: Steps) -> tuple[Bits, Bits]:
    """Detectors and observables that each data qubit flips which begins in |1> in place of |0>: shapes (data qubits,
    detectors) and (data qubits, observables)."""
    start = next(index for index, step in enumerate(memory.steps) if step.kind == "load") + 1
    found = symptoms(memory, [(start, qubit, "X") for qubit in memory.data])
    circuit = circuit_of(memory)
    tables = [np.zeros((len(found), size), np.uint8) for size in (circuit.num_detectors, circuit.num_observables)]
    for row, pair in enumerate(found):
        for table, columns in zip(tables, pair, strict=True):
            table[row, sorted(columns)] = 1
    return tables[0], tables[1]


def parts(memory: Steps, insertions: Iterable[Insertion]) -> Mapping[Place, list[Part]]:
    """What each place flips, in parts of at most two detectors; places that flip nothing are left out."""
    places = sorted({insertion[:3] for insertion in insertions})
    if not places:
        return {}
    known: dict[Symptom, list[Part]] = {}
    seen = circuit_of(memory, noisy=True, errors=places)
    for _, split in errors_of(seen.detector_error_model(decompose_errors=True, approximate_disjoint_errors=True)):
        whole: tuple[set[int], set[int]] = (set(), set())
        for part in split:
            whole[0].symmetric_difference_update(part[0])
            whole[1].symmetric_difference_update(part[1])
        known[frozenset(whole[0]), frozenset(whole[1])] = split
    return {place: known[found] for place, found in zip(places, symptoms(memory, places), strict=True) if found[0]}
