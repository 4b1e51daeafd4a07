"""Results under the names of Azure's estimator: the groups physicalCounts, physicalCountsFormatted, logicalQubit,
tfactory, errorBudget, logicalCounts and jobParams, or frontierEntries for a frontier."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from qmk.base.errors import QmkError
from qmk.models.estimate.budget import Budget
from qmk.models.estimate.constraints import Constraints
from qmk.models.estimate.counts import LogicalCounts
from qmk.models.estimate.solve import Point

_PREFIXES = "kMGTPEZYRQ"
_DURATIONS = (
    *(("nanosecs", 1), ("microsecs", 1000), ("millisecs", 1000), ("secs", 1000)),
    *(("mins", 60), ("hours", 60), ("days", 24), ("years", 365)),
)
NO_T_STATES = "No T states in algorithm"
NO_ROTATIONS = "No rotations in algorithm"
NOT_SET = "constraint not set"


def metric(value: int) -> str:
    """``366940`` -> ``366.94k``."""
    if value < 1000:
        return str(value)
    scaled, index = value / 1e3, 0
    while scaled >= 1e3 and index < len(_PREFIXES) - 1:
        scaled, index = scaled / 1e3, index + 1
    return f"{scaled:.2f}{_PREFIXES[index]}"


def duration(nanoseconds: int) -> str:
    """``69094800`` -> ``69 millisecs``: whole numbers of the largest unit that fits."""
    value, rest = nanoseconds, 0
    for (name, size), (_, larger) in pairwise(_DURATIONS):
        if value < larger:
            return f"{value + (rest >= size // 2 and size > 1)} {name}"
        value, rest = divmod(value, larger)
    return f"{value} years"


def scientific(value: float) -> str:
    """``3.2866e-08`` -> ``3.29e-8``."""
    digits, _, exponent = f"{value:.2e}".partition("e")
    return f"{digits}e{int(exponent)}"


def point_groups(
    point: Point, counts: LogicalCounts, budget: Budget, bounds: Constraints, clifford: float
) -> dict[str, Any]:
    """The groups of one machine."""
    return {
        "physicalCounts": physical_counts(point, clifford),
        "physicalCountsFormatted": format_numbers(point, counts, budget, bounds),
        "logicalQubit": {
            "codeDistance": point.patch.distance,
            "physicalQubits": point.patch.physical_qubits,
            "logicalCycleTime": point.patch.cycle_ns,
            "logicalErrorRate": point.patch.rate_per_cycle,
        },
        "tfactory": tfactory(point),
        "errorBudget": {"logical": budget.logical, "tstates": budget.t_states, "rotations": budget.rotations},
    }


def frequency(point: Point) -> float:
    """Logical cycles per second."""
    return 1e9 / float(point.patch.cycle_ns)


def rqops(point: Point) -> int:
    """Reliable quantum operations per second: logical qubits x cycles per second."""
    return math.ceil(float(point.layout_qubits) * frequency(point))


def physical_counts(point: Point, clifford: float) -> dict[str, Any]:
    return {
        "physicalQubits": point.physical_qubits,
        "runtime": point.runtime_ns,
        "rqops": rqops(point),
        "breakdown": {
            "algorithmicLogicalQubits": point.layout_qubits,
            "algorithmicLogicalDepth": point.algorithmic_depth,
            "logicalDepth": point.depth,
            "numTstates": point.t_states,
            "clockFrequency": frequency(point),
            "numTfactories": point.factories,
            "numTfactoryRuns": point.factory_runs,
            "physicalQubitsForTfactories": point.factory_qubits,
            "physicalQubitsForAlgorithm": point.algorithm_qubits,
            "requiredLogicalQubitErrorRate": point.required_rate_per_cycle,
            "requiredLogicalTstateErrorRate": point.required_t_rate,
            "numTsPerRotation": point.t_per_rotation,
            "cliffordErrorRate": clifford,
        },
    }


def tfactory(point: Point) -> dict[str, Any] | None:
    factory = point.factory
    if factory is None:
        return None
    rounds = factory.rounds
    return {
        "physicalQubits": factory.qubits,
        "runtime": factory.duration_ns,
        "numTstates": factory.outputs,
        "numInputTstates": factory.inputs,
        "numRounds": len(rounds),
        "numUnitsPerRound": [each.units for each in rounds],
        "unitNamePerRound": [each.unit for each in rounds],
        "codeDistancePerRound": [each.distance for each in rounds],
        "physicalQubitsPerRound": [each.qubits for each in rounds],
        "runtimePerRound": [each.duration_ns for each in rounds],
        "logicalErrorRate": factory.error_rate,
    }


def _factory_texts(point: Point) -> dict[str, str]:
    names = (
        *("tfactoryPhysicalQubits", "tfactoryRuntime", "numInputTstates", "numUnitsPerRound", "unitNamePerRound"),
        *("codeDistancePerRound", "physicalQubitsPerRound", "tfactoryRuntimePerRound", "tstateLogicalErrorRate"),
    )
    factory = point.factory
    if factory is None:
        return dict.fromkeys(names, NO_T_STATES)
    rounds = factory.rounds
    texts = (
        metric(factory.qubits),
        duration(factory.duration_ns),
        metric(factory.inputs),
        ", ".join([str(each.units) for each in rounds]),
        ", ".join([each.unit for each in rounds]),
        ", ".join([str(each.distance) for each in rounds]),
        ", ".join([metric(each.qubits) for each in rounds]),
        ", ".join([duration(each.duration_ns) for each in rounds]),
        scientific(factory.error_rate),
    )
    return dict(zip(names, texts, strict=True))


def _bound_text(value: float | int | None) -> str:
    return NOT_SET if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)


def format_numbers(point: Point, counts: LogicalCounts, budget: Budget, bounds: Constraints) -> dict[str, str]:
    """The numbers as text, in the order and words of Azure's estimator."""
    rate, t_per_rotation = point.required_t_rate, point.t_per_rotation
    share = (point.factory_qubits * 100) / point.physical_qubits
    texts = {
        "runtime": duration(point.runtime_ns),
        "rqops": metric(rqops(point)),
        "physicalQubits": metric(point.physical_qubits),
        "algorithmicLogicalQubits": metric(point.layout_qubits),
        "algorithmicLogicalDepth": metric(point.algorithmic_depth),
        "logicalDepth": metric(point.depth),
        "numTstates": metric(point.t_states),
        "numTfactories": metric(point.factories),
        "numTfactoryRuns": metric(point.factory_runs),
        "physicalQubitsForAlgorithm": metric(point.algorithm_qubits),
        "physicalQubitsForTfactories": metric(point.factory_qubits),
        "physicalQubitsForTfactoriesPercentage": f"{share:.2f} %",
        "requiredLogicalQubitErrorRate": scientific(point.required_rate_per_cycle),
        "requiredLogicalTstateErrorRate": NO_T_STATES if rate is None else scientific(rate),
        "physicalQubitsPerLogicalQubit": metric(point.patch.physical_qubits),
        "logicalCycleTime": duration(point.patch.cycle_ns),
        "clockFrequency": metric(math.floor(frequency(point) + 0.5)),
        "logicalErrorRate": scientific(point.patch.rate_per_cycle),
    }
    texts |= _factory_texts(point)
    texts |= {
        "logicalCountsNumQubits": metric(counts.qubits),
        "logicalCountsTCount": metric(counts.t_count),
        "logicalCountsRotationCount": metric(counts.rotation_count),
        "logicalCountsRotationDepth": metric(counts.rotation_depth),
        "logicalCountsCczCount": metric(counts.ccz_count),
        "logicalCountsCcixCount": metric(counts.ccix_count),
        "logicalCountsMeasurementCount": metric(counts.measurement_count),
        "errorBudget": scientific(budget.total),
        "errorBudgetLogical": scientific(budget.logical),
        "errorBudgetTstates": scientific(budget.t_states),
        "errorBudgetRotations": scientific(budget.rotations),
        "numTsPerRotation": NO_ROTATIONS if t_per_rotation is None else metric(t_per_rotation),
        "logicalDepthFactor": _bound_text(bounds.logical_depth_factor),
        "maxTFactories": _bound_text(bounds.max_t_factories),
        "maxDuration": _bound_text(bounds.max_duration_ns),
        "maxPhysicalQubits": _bound_text(bounds.max_physical_qubits),
    }
    return texts


def job_params(
    scheme: Mapping[str, Any], given: Any, qubit: Mapping[str, Any], bounds: Constraints, units: Any, kind: str
) -> dict[str, Any]:
    """What was estimated for, with every default filled in."""
    params = {
        "qecScheme": dict(scheme),
        "errorBudget": given,
        "qubitParams": dict(qubit),
        "constraints": bounds.to_dict(),
    }
    if units:
        params["distillationUnitSpecifications"] = units
    return {**params, "estimateType": kind}


def failure(error: QmkError) -> dict[str, Any]:
    """An item of a batch that could not be estimated: code, message and the field that is wrong."""
    fields = {name: error.fields[name] for name in ("field", "help") if name in error.fields}
    return {"code": str(error.fields.get("reason", error.kind.name)), "message": error.message, **fields}
