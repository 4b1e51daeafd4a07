"""Classical shadows: each shot measured in bases drawn at random, one for each wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qmk.adapters.pennylane.library import mp, qml
from qmk.integrations.pennylane.drawn import bits_of
from qmk.integrations.pennylane.structure import circuit_of
from qmk.integrations.target import Target
from qmk.sdk.adapter import cannot

SEEDS = 2**63


def draw_shadow(target: Target, tape: Any, wires: Sequence[Any], rng: np.random.Generator) -> Any:
    """The result of a tape whose one measurement is a shadow, or an expectation value of one: one program is run for
    each choice of bases, with the shots that have it."""
    if len(tape.measurements) != 1:
        fix = "measure the shadow by itself"
        raise cannot("pennylane", "a shadow beside other measurements", f"{len(tape.measurements)} measurements", fix)
    process = tape.measurements[0]
    parts = [_draw(target, tape, process, wires, upper - lower, rng) for lower, upper in tape.shots.bins()]
    return tuple(parts) if tape.shots.has_partitioned_shots else parts[0]


def _draw(target: Target, tape: Any, process: Any, wires: Sequence[Any], shots: int, rng: np.random.Generator) -> Any:
    measured = list(process.wires or wires)
    seed = process.seed if process.seed is not None else int(rng.integers(2**31))
    recipes = np.random.RandomState(seed).randint(0, 3, size=(shots, len(measured)))
    bits = np.zeros_like(recipes)
    kinds, places = np.unique(recipes, axis=0, return_inverse=True)
    for at, letters in enumerate(kinds):
        rows = np.flatnonzero(places.reshape(-1) == at)
        circuit, reader = circuit_of(tape.operations, wires)
        circuit.add_bits(len(wires), "c")
        for label, letter in zip(measured, letters, strict=True):
            qubit = list(wires).index(label)
            circuit.measure(qubit, circuit.bits[len(reader.bits) + qubit], basis="XYZ"[letter])
        ran = target.run([circuit], shots=len(rows), seed=int(rng.integers(SEEDS)), keep_events=True)
        found = bits_of(ran[0], reader, len(wires))
        bits[rows] = found[:, [list(wires).index(label) for label in measured]]
    if not isinstance(process, mp.ShadowExpvalMP):
        return np.stack([bits, recipes]).astype(np.int8)
    shadow = qml.ClassicalShadow(bits, recipes, wire_map=measured)
    return np.array(shadow.expval(process.H, process.k))
