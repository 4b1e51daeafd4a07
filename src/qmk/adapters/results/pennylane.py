"""What PennyLane's measurements give, as arrays and dicts: wires are the bits as they are declared, the first the
most significant. PennyLane itself is not imported."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qmk.adapters.results import Measured, all_bits, expectations_of, require_counts, the_density, the_state

NAME = "pennylane"


def to_samples(result: Measured) -> NDArray[np.int64]:
    """``qml.sample``: integers of shape (shots, wires)."""
    require_counts(result, NAME)
    return all_bits(result).astype(np.int64)


def to_counts(result: Measured) -> dict[str, Any]:
    """``qml.counts``: a bitstring, the first wire leftmost, to its number of shots."""
    keys, counts = np.unique(to_samples(result), axis=0, return_counts=True)
    return {"".join(map(str, key)): np.int64(count) for key, count in zip(keys.tolist(), counts, strict=True)}


def to_probabilities(result: Measured) -> Any:
    """``qml.probs``: the share of the shots of each outcome, of shape (2**wires,)."""
    samples = to_samples(result)
    weights = np.array([1 << k for k in reversed(range(samples.shape[1]))], np.int64)
    numbers = np.dot(samples, weights)
    return np.bincount(numbers, minlength=1 << samples.shape[1]) / result.shots


def to_expectations(result: Measured) -> Any:
    """``qml.expval`` of each observable: a number, a tuple for several, arrays over the points of a sweep."""
    values = expectations_of(result, NAME)[0]
    found = tuple(values[0, k] if len(values) == 1 else values[:, k] for k in range(values.shape[1]))
    return found[0] if len(found) == 1 else found


def to_state(result: Measured) -> Any:
    """``qml.state``: the state vector, the first wire the most significant bit of an index."""
    return the_state(result, NAME)


def to_density(result: Measured) -> Any:
    """``qml.density_matrix``."""
    return the_density(result, NAME)


FORMS = {
    "sample": to_samples,
    "counts": to_counts,
    "probs": to_probabilities,
    "expval": to_expectations,
    "state": to_state,
    "density_matrix": to_density,
}
