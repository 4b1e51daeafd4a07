"""Error-correcting codes as Azure's estimator models them: a formula of the distance for each of qubits, time, errors.

A logical qubit of distance d fails in one logical cycle with a d^k (p/p*)^((d+1)/2): ``crossingPrefactor`` a,
``distanceCoefficientPower`` k, ``errorCorrectionThreshold`` p*. The named codes: surface code on gates
(arXiv:1208.0928, equations 11 and 13), on measurements (arXiv:2007.00307, equation 1), and the Floquet code
(arXiv:2202.11829, table 2).
The unit of this rate is a logical cycle (d rounds), not a round; against stim circuits with the same p it is far too
small (see ``calibrated``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.models.estimate import formula
from qmk.models.estimate.patch import Patch
from qmk.models.estimate.qubits import Qubit, parse_rate
from qmk.models.estimate.wrong import label, mapping, number, refuse_unknown, unsolvable, whole, wrong

DEFAULT = "surface_code"
MAX_DISTANCE = 50
_MOST = 1e30
"""The largest number of qubits of a patch, and of nanoseconds of a cycle."""
_FIELDS = (
    *("name", "errorCorrectionThreshold", "crossingPrefactor", "distanceCoefficientPower"),
    *("logicalCycleTime", "physicalQubitsPerLogicalQubit", "maxCodeDistance"),
)
_SURFACE_QUBITS = "2 * codeDistance * codeDistance"
SPELLINGS = {
    **dict.fromkeys(("surface_code", "surfaceCode", "surface-code"), "surface_code"),
    **dict.fromkeys(("floquet_code", "floquetCode", "floquet-code"), "floquet_code"),
}
NAMED: dict[tuple[str, str], dict[str, Any]] = {
    ("surface_code", "GateBased"): dict(
        zip(
            _FIELDS[1:6],
            (0.01, 0.03, 0, "(4 * twoQubitGateTime + 2 * oneQubitMeasurementTime) * codeDistance", _SURFACE_QUBITS),
            strict=True,
        )
    ),
    ("surface_code", "Majorana"): dict(
        zip(
            _FIELDS[1:6],
            (0.0015, 0.08, 0, "20 * oneQubitMeasurementTime * codeDistance", _SURFACE_QUBITS),
            strict=True,
        )
    ),
    ("floquet_code", "Majorana"): dict(
        zip(
            _FIELDS[1:6],
            (
                *(0.01, 0.07, 0, "3 * oneQubitMeasurementTime * codeDistance"),
                "4 * codeDistance * codeDistance + 8 * (codeDistance - 1)",
            ),
            strict=True,
        )
    ),
}


def power(base: float, exponent: int) -> float:
    """By squaring, as compilers do an integer power: the last bits of published results depend on it."""
    result = 1.0
    while exponent:
        if exponent & 1:
            result *= base
        exponent >>= 1
        if exponent:
            base *= base
    return result


class FormulaCode:
    """One code on one kind of qubit. ``resolved`` is what the caller gave with every default filled in."""

    def __init__(self, given: Any, qubit: Qubit, field: str = "qecScheme") -> None:
        values = dict(mapping(given, field))
        refuse_unknown(values, _FIELDS, field)
        self.qubit = qubit
        name = label(values.get("name", "" if values else DEFAULT), f"{field}/name")
        base = _base(name, values, qubit, field)
        self.resolved: dict[str, Any] = {"name": name, **{key: values.get(key, base.get(key)) for key in _FIELDS[1:6]}}
        self.max_distance = whole(
            values.get("maxCodeDistance", MAX_DISTANCE), f"{field}/maxCodeDistance", 1, LIMITS.code_distance
        )
        self.resolved["maxCodeDistance"] = self.max_distance
        self.threshold = parse_rate(self.resolved["errorCorrectionThreshold"], f"{field}/errorCorrectionThreshold")
        self.prefactor = number(self.resolved["crossingPrefactor"], f"{field}/crossingPrefactor")
        if not 0.0 < self.prefactor <= 0.5:
            said = f"{self.prefactor:g} is not between 0 and 0.5"
            raise wrong(f"{field}/crossingPrefactor", said, "half of all cycles fail at threshold", "InvalidValue")
        exponent = self.resolved["distanceCoefficientPower"]
        self.exponent = 0 if exponent is None else whole(exponent, f"{field}/distanceCoefficientPower", 0, 16)
        self._cycle = formula.parse(
            self.resolved["logicalCycleTime"], (*qubit.times_ns, "codeDistance"), f"{field}/logicalCycleTime"
        )
        self._qubits = formula.parse(
            self.resolved["physicalQubitsPerLogicalQubit"], ("codeDistance",), f"{field}/physicalQubitsPerLogicalQubit"
        )
        self._check_threshold(field)
        self.patches = tuple(self._patch(d) for d in range(1, self.max_distance + 1, 2))

    def _check_threshold(self, field: str) -> None:
        if self.qubit.clifford_rate >= self.threshold:
            said = f"Clifford error rate {self.qubit.clifford_rate:g} is not below the threshold {self.threshold:g}"
            raise wrong(field, said, "take better qubits or another code", "InvalidValue")
        if self.qubit.readout_rate >= self.threshold:
            said = f"read-out error rate {self.qubit.readout_rate:g} is not below the threshold {self.threshold:g}"
            raise wrong(field, said, "take better qubits or another code", "CodeParameterComputationFailed")

    def _patch(self, distance: int) -> Patch | None:
        """Only distances 1 and 2 may lie outside of what the formulas cover."""
        env = {**self.qubit.times_ns, "codeDistance": float(distance)}
        try:
            cycle, qubits = self._cycle(env), self._qubits({"codeDistance": float(distance)})
        except QmkError:
            if distance > 2:
                raise
            return None
        lasts = 0.5 <= cycle < _MOST
        if not (lasts and 1.0 <= qubits < _MOST):
            if distance <= 2:
                return None
            name = "physicalQubitsPerLogicalQubit" if lasts else "logicalCycleTime"
            reason = "PhysicalQubitComputationFailed" if lasts else "LogicalCycleTimeComputationFailed"
            said = f"{qubits if lasts else cycle:g} {'qubits' if lasts else 'ns'} at codeDistance {distance}"
            help = f"write a formula that gives at least 1 and less than {_MOST:g} for every distance from 3"
            raise wrong(f"qecScheme/{name}", said, help, reason)
        rate = self.prefactor * float(distance**self.exponent)
        rate *= power(self.qubit.physical_rate / self.threshold, (distance + 1) // 2)
        return Patch(distance, int(qubits), 1, int(cycle + 0.5), rate)

    def smallest(self, rate_per_cycle: float) -> Patch:
        """The patch of the smallest odd distance that errs at most so often (arXiv:2211.07629, equation E2)."""
        if self.exponent:
            for patch in self.patches:
                if patch is not None and patch.rate_per_cycle <= rate_per_cycle:
                    return patch
            raise self._too_large_error(None)
        ratio = 2.0 * math.log(self.prefactor / rate_per_cycle) / math.log(self.threshold / self.qubit.physical_rate)
        distance = max(math.ceil(ratio - 1.0), 0) | 1
        if distance > self.max_distance:
            raise self._too_large_error(distance)
        patch = self.patches[(distance - 1) // 2]
        if patch is None:
            raise wrong("qecScheme", f"the formulas have no value at codeDistance {distance}", "cover distance 1 too")
        return patch

    def _too_large_error(self, distance: int | None) -> Exception:
        needed = f"the distance needed, {distance}, is" if distance else "the distance needed is"
        said = f"{needed} above maxCodeDistance {self.max_distance}"
        if self.qubit.readout_rate > self.qubit.clifford_rate:
            rate = f"{self.qubit.readout_rate:g}"
            said += f"; the read-out error rate {rate} sets it, which lies near the threshold {self.threshold:g}"
        help = "raise the error budget or maxCodeDistance, or take better qubits"
        return unsolvable("CodeParameterComputationFailed", said, help, distance=distance)

    @property
    def is_surface(self) -> bool:
        return SPELLINGS.get(self.resolved["name"]) == "surface_code"

    def patches_down_to(self, patch: Patch) -> list[Patch]:
        """Every patch from the largest distance down to this one."""
        larger = self.patches[(patch.distance - 1) // 2 :]
        return [each for each in reversed(larger) if each is not None]

    def factory_distance(self, patch: Patch) -> int:
        """The largest distance of a factory beside such patches."""
        return patch.distance

    @property
    def factory_patches(self) -> tuple[Patch | None, ...]:
        return self.patches

    @property
    def warnings(self) -> tuple[str, ...]:
        return ()


def _base(name: str, values: Mapping[str, Any], qubit: Qubit, field: str) -> dict[str, Any]:
    """The named code that a scheme starts from, nothing for one of the caller's own."""
    known = SPELLINGS.get(name)
    if known is not None:
        found = NAMED.get((known, qubit.instruction_set))
        if found is None:
            help = "take surface_code, or Majorana qubits"
            said = f"'{name}' needs measurements of two qubits, which {qubit.instruction_set} qubits lack"
            raise wrong(f"{field}/name", said, help, "InvalidFaultToleranceProtocol")
        return found
    needed = (
        *("errorCorrectionThreshold", "crossingPrefactor", "logicalCycleTime"),
        "physicalQubitsPerLogicalQubit",
    )
    missing = [key for key in needed if values.get(key) is None]
    if missing:
        help = "give them, or name surface_code or floquet_code"
        raise wrong(field, f"no scheme is named '{name}', and missing {', '.join(missing)}", help)
    return {}
