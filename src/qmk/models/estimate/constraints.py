"""Bounds that an estimate has to keep."""

from __future__ import annotations

from typing import Any, NamedTuple

from qmk.models.estimate.qubits import parse_time_ns
from qmk.models.estimate.wrong import mapping, number, refuse_unknown, whole, wrong

_KEYS = ("logicalDepthFactor", "maxTFactories", "maxDuration", "maxPhysicalQubits", "maxDistillationRounds")
DEFAULT_ROUNDS = 3
MOST_ROUNDS = 4


class Constraints(NamedTuple):
    logical_depth_factor: float | None = None
    max_t_factories: int | None = None
    max_duration_ns: int | None = None
    max_physical_qubits: int | None = None
    max_distillation_rounds: int = DEFAULT_ROUNDS

    def to_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = dict(zip(_KEYS, self, strict=True))
        if self.max_duration_ns is not None:
            values["maxDuration"] = f"{self.max_duration_ns} ns"
        return {key: value for key, value in values.items() if value is not None}


def parse(given: Any, field: str = "constraints") -> Constraints:
    """Raises INVALID_PARAMS, also where both the duration and the qubits are bounded: Azure's estimator refuses it."""
    values = mapping(given, field)
    refuse_unknown(values, _KEYS, field)
    factor = values.get("logicalDepthFactor")
    if factor is not None:
        factor = number(factor, f"{field}/logicalDepthFactor")
        if not 1.0 <= factor <= 1e9:
            help, reason = "give a factor of at least 1", "LogicalDepthScalingFactorTooSmall"
            raise wrong(f"{field}/logicalDepthFactor", f"{factor:g} is out of range", help, reason=reason)
    duration = values.get("maxDuration")
    found = Constraints(
        factor,
        _read_bound(values, "maxTFactories", field),
        None if duration is None else parse_time_ns(duration, f"{field}/maxDuration"),
        _read_bound(values, "maxPhysicalQubits", field),
        whole(values.get("maxDistillationRounds", DEFAULT_ROUNDS), f"{field}/maxDistillationRounds", 1, MOST_ROUNDS),
    )
    if found.max_duration_ns is not None and found.max_physical_qubits is not None:
        help, reason = "leave one of them out", "BothDurationAndPhysicalQubitsProvided"
        raise wrong(field, "maxDuration and maxPhysicalQubits cannot both be given", help, reason=reason)
    return found


def _read_bound(values: Any, key: str, field: str) -> int | None:
    return None if values.get(key) is None else whole(values[key], f"{field}/{key}", 1)
