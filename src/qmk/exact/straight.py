"""Engines that take gates and then one read-out: what they declare, and the memory of reading a state vector out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from qmk.sdk.engine import Capabilities, Features

OF_DENSITY = frozenset({"counts", "events", "expectation", "probabilities"})
"""Outputs that a density matrix gives, beside itself."""

OF_STATE = OF_DENSITY | {"state", "amplitudes"}
"""Outputs that a state vector gives."""

_NOTHING_ELSE = Capabilities(
    gates=frozenset(), mid_circuit=False, reset=False, feed_forward="none", logic=False, noise=frozenset()
)


def straight(gates: Iterable[str], **more: Any) -> Capabilities:
    """Capabilities of a method without anything dynamic. ``more``: other fields; ``logic`` True where it computes
    events of its bits afterwards."""
    return msgspec.structs.replace(_NOTHING_ELSE, gates=frozenset(gates), **more)


def density_matrix(gates: Iterable[str]) -> Capabilities:
    """What a method of this name can do that keeps the whole matrix, with resets and noise."""
    return straight(
        gates,
        method="density_matrix",
        reset=True,
        max_qubits=12,
        noise=frozenset({"pauli", "kraus"}),
        outputs=OF_DENSITY | {"noisy", "density"},
    )


def reading_bytes(features: Features, shots: int, op_bytes: int) -> int:
    """Beside the state: the working memory of ``exact.readout.outcomes``, each shot's index and bits, each op as its
    library keeps it."""
    return (32 << 20) + shots * (80 + 10 * max(features.n_measure, 1)) + op_bytes * features.n_ops
