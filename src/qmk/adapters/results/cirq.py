"""Cirq's results: ``ResultDict``, expectation values as its simulators give them, and states."""

from __future__ import annotations

# Cirq has no types of its own
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
from typing import Any

import cirq

from qmk.adapters.results import Measured, expectations_of, registers, require_counts, the_density, the_state

NAME = "cirq"


def to_result(result: Measured) -> cirq.ResultDict:
    """A ``ResultDict``: the key of a measurement is the name of its register, bit k the k-th qubit measured."""
    require_counts(result, NAME)
    return cirq.ResultDict(params=cirq.ParamResolver({}), measurements=registers(result))


def to_expectations(result: Measured) -> list[list[float]]:
    """A row a point with a value an observable, as ``simulate_expectation_values_sweep`` gives."""
    return expectations_of(result, NAME)[0].tolist()


def to_state(result: Measured) -> Any:
    """The state vector as an array, the first qubit the most significant bit of an index."""
    return the_state(result, NAME)


def to_density(result: Measured) -> Any:
    """The density matrix as an array, the first qubit the most significant bit of an index."""
    return the_density(result, NAME)


FORMS = {
    "result": to_result,
    "expectation_values": to_expectations,
    "state_vector": to_state,
    "density_matrix": to_density,
}
