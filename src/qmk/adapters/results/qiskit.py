"""Qiskit's results: those of its primitives, version 2, and ``qiskit.result.Result``."""

from __future__ import annotations

# Qiskit has no types of its own
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives import BitArray, DataBin, PrimitiveResult, PubResult, SamplerPubResult
from qiskit.quantum_info import DensityMatrix, Statevector
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

from qmk.adapters.results import (
    Measured,
    expectations_of,
    refuse,
    registers,
    require_counts,
    states_of,
    the_density,
    the_state,
)

NAME = "qiskit"


def to_primitive(result: Measured) -> PrimitiveResult[Any]:
    """A ``PrimitiveResult`` with one PUB: of a sampler, a ``BitArray`` a register, where there are counts; else of an
    estimator, ``evs`` and ``stds`` of shape (points, observables), without an axis of length one where there is one."""
    metadata = {"shots": result.shots, "seed": result.seed, "engine": result.engine}
    if result.counts:
        if result.values is not None and any(point.expectations for point in result.values.points):
            refuse(NAME, "counts and expectation values have no common form", 'ask for one: to("qiskit", "estimator")')
        return PrimitiveResult([SamplerPubResult(DataBin(**_bit_arrays(result)), metadata)], {"version": 2})
    return to_estimator(result)


def to_estimator(result: Measured) -> PrimitiveResult[Any]:
    """A ``PrimitiveResult`` of an estimator, whatever else the result has."""
    values, errors = (np.squeeze(table) for table in expectations_of(result, NAME))
    assert result.values is not None
    metadata = {"shots": result.values.shots, "seed": result.seed, "engine": result.values.engine}
    return PrimitiveResult([PubResult(DataBin(evs=values, stds=errors, shape=values.shape), metadata)], {"version": 2})


def _bit_arrays(result: Measured) -> dict[str, BitArray]:
    return {
        name: BitArray(np.packbits(_pad(bits[:, ::-1]), axis=1), bits.shape[1])
        for name, bits in registers(result).items()
    }


def _pad(bits: NDArray[Any]) -> NDArray[Any]:
    """Bits with the zeros before them that fill a byte."""
    return np.pad(bits, ((0, 0), (-bits.shape[1] % 8, 0)))


def to_result(result: Measured) -> Result:
    """A ``qiskit.result.Result`` with counts, with memory where there are events, and with the state."""
    require_counts(result, NAME)
    found = registers(result)
    joined = np.hstack([bits[:, ::-1] for bits in reversed(found.values())])
    numbers = [hex(int("".join(map(str, row)) or "0", 2)) for row in joined.tolist()]
    data: dict[str, Any] = {"counts": dict(Counter(numbers)), **({"memory": numbers} if result.has_events else {})}
    if states_of(result):
        data["statevector"] = to_statevector(result)
    sizes = [[name, bits.shape[1]] for name, bits in found.items()]
    header = {"name": result.job_id or "qmk", "creg_sizes": sizes, "memory_slots": joined.shape[1]}
    one = ExperimentResult(result.shots, True, ExperimentResultData(**data), seed=result.seed, header=header)
    return Result(backend_name=result.engine, job_id=result.job_id, success=True, results=[one])


def to_statevector(result: Measured) -> Statevector:
    """The state, qubit 0 the least significant bit as Qiskit has it."""
    return Statevector(_reverse_bits(the_state(result, NAME)))


def to_density(result: Measured) -> DensityMatrix:
    """The density matrix, qubit 0 the least significant bit as Qiskit has it."""
    matrix = the_density(result, NAME)
    return DensityMatrix(_reverse_bits(_reverse_bits(matrix).T).T)


def _reverse_bits(array: NDArray[Any]) -> NDArray[Any]:
    """Rows whose numbers have their bits in the other order."""
    width = len(array).bit_length() - 1
    bits = array.reshape((2,) * width + array.shape[1:])
    return np.moveaxis(bits, range(width), range(width - 1, -1, -1)).reshape(array.shape)


FORMS = {
    "primitive": to_primitive,
    "estimator": to_estimator,
    "result": to_result,
    "statevector": to_statevector,
    "density_matrix": to_density,
}
