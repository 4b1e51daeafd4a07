"""What a program asks of a machine: logical qubits and operations, before and after they are laid out.

Layout and costs are those of Parallel Synthesis Sequential Pauli Computation (arXiv:2211.07629, section III and
appendices A to D; synthesis length from arXiv:2203.10064, table 1): a logical qubit with its routing space, one logical
cycle for each measurement, T gate and rotation, three for each CCZ or CCiX, and the T states of one layer of rotations
one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from qmk.models.estimate.wrong import mapping, refuse_unknown, whole, wrong

KEYS = {
    "numQubits": "qubits",
    "tCount": "t_count",
    "rotationCount": "rotation_count",
    "rotationDepth": "rotation_depth",
    "cczCount": "ccz_count",
    "ccixCount": "ccix_count",
    "measurementCount": "measurement_count",
}
_MEMORY_KEYS = ("numComputeQubits", "readFromMemoryCount", "writeToMemoryCount")
_MOST = 10**15


class LogicalCounts(msgspec.Struct, frozen=True):
    """Counts of one program. ``t_count`` leaves out the T states of rotations and of CCZ gates; ``rotation_depth`` is
    the number of non-Clifford layers that hold a rotation."""

    qubits: int
    t_count: int = 0
    rotation_count: int = 0
    rotation_depth: int = 0
    ccz_count: int = 0
    ccix_count: int = 0
    measurement_count: int = 0

    @property
    def has_t_states(self) -> bool:
        return self.t_count + self.ccz_count + self.ccix_count + self.rotation_count > 0

    @property
    def layout_qubits(self) -> int:
        """Logical qubits after layout in two dimensions: 2n + ceil(sqrt(8n)) + 1 (arXiv:2211.07629, equation D1)."""
        return 2 * self.qubits + math.ceil(math.sqrt(8 * self.qubits)) + 1

    def t_per_rotation(self, budget: float) -> int | None:
        """T gates that approximate one rotation, None without rotations: ceil(0.53 log2(rotations/budget) + 4.86)."""
        if not self.rotation_count:
            return None
        return math.ceil(0.53 * math.log2(self.rotation_count / budget) + 4.86)

    def depth(self, budget: float) -> int:
        """Logical cycles, with ``budget`` the error budget of rotations (arXiv:2211.07629, equation D3)."""
        single = self.measurement_count + self.rotation_count + self.t_count
        triple = 3 * (self.ccz_count + self.ccix_count)
        return single + triple + (self.t_per_rotation(budget) or 0) * self.rotation_depth

    def t_states(self, budget: float) -> int:
        """T states, four for each CCZ and CCiX (arXiv:2211.07629, equation D4)."""
        toffolis = 4 * (self.ccz_count + self.ccix_count)
        return toffolis + self.t_count + (self.t_per_rotation(budget) or 0) * self.rotation_count

    def to_dict(self) -> dict[str, int]:
        return {key: getattr(self, name) for key, name in KEYS.items()}


def parse(given: Any) -> LogicalCounts:
    """Counts under Azure's names. Keys that Azure's estimator drops without a word are refused."""
    if isinstance(given, LogicalCounts):
        return given
    values = mapping(given, "logicalCounts")
    _refuse_memory(values)
    refuse_unknown(values, KEYS, "logicalCounts")
    if "numQubits" not in values:
        raise wrong("logicalCounts", "missing numQubits", "give the number of logical qubits")
    found = {
        name: whole(values[key], f"logicalCounts/{key}", 1 if key == "numQubits" else 0, _MOST)
        for key, name in KEYS.items()
        if key in values
    }
    counts = LogicalCounts(**found)
    if counts.rotation_depth > counts.rotation_count:
        said = f"{counts.rotation_depth} layers of {counts.rotation_count} rotations"
        raise wrong("logicalCounts/rotationDepth", said, "a layer holds at least one rotation")
    if counts.rotation_count and not counts.rotation_depth:
        said = f"0 layers of {counts.rotation_count} rotations"
        raise wrong("logicalCounts/rotationDepth", said, "give the number of layers that hold rotations")
    return counts


def _refuse_memory(values: Mapping[str, Any]) -> None:
    for key in _MEMORY_KEYS:
        if values.get(key):
            raise wrong(f"logicalCounts/{key}", "a split into memory and compute is not estimated", "leave it out")
