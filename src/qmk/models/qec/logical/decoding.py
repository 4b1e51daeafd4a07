"""What patches ask of the decoder: detection events a round, from the circuits of their code.

Exact under the noise model, up to its errors that exclude one another: the chance that an odd number of the errors that
flip a detector happen is (1 - prod(1 - 2 p)) / 2. Every round of a memory but the first and the last has as many, so
that two memories, one of them a round longer, differ by the events of a round.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
import stim

from qmk.base.decoding import Decoding
from qmk.models.noise import NoiseModel
from qmk.models.qec import circuits, codes
from qmk.models.qec.code import Code

ROUNDS = 3
"""Rounds of the shorter memory: a first, a last and one between."""


class Asked(NamedTuple):
    """Of the decoder: by ``others``, a load, and by a program that has ``tiles``."""

    decoding: Decoding
    others: float
    tiles: int

    def load(self, code: Code, factory_qubits: int, model: NoiseModel) -> float:
        """Of all together, where the program is on patches of this code."""
        qubits = self.tiles * code.physical_qubits + factory_qubits
        return self.others + self.decoding.load(events_per_round(code, qubits, model))


def events_per_round(code: Code, physical_qubits: int, model: NoiseModel) -> float:
    """Mean detection events in a round of so many qubits of patches, as if all of them were patches: what is between
    the patches has as many a qubit while patches are merged over it, and none before."""
    return _of_patch(code.spec, model.to_json()) * physical_qubits / code.physical_qubits


@functools.lru_cache(maxsize=256)
def _of_patch(code: str, model: bytes) -> float:
    made, noise = codes.parse(code), NoiseModel.from_json(model)
    return _of_memory(made, ROUNDS + 1, noise) - _of_memory(made, ROUNDS, noise)


def _of_memory(code: Code, rounds: int, model: NoiseModel) -> float:
    found = circuits.memory(code, rounds, "Z", model).detector_error_model(approximate_disjoint_errors=True)
    even = np.ones(found.num_detectors)
    for item in found.flattened():
        if isinstance(item, stim.DemInstruction) and item.type == "error":
            targets = [target for target in item.targets_copy() if isinstance(target, stim.DemTarget)]
            flipped = [target.val for target in targets if target.is_relative_detector_id()]
            even[flipped] *= 1 - 2 * item.args_copy()[0]
    return math.fsum((1 - even) / 2)
