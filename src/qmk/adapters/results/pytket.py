"""The ``BackendResult`` of pytket: bits have the names of their registers, in the order of declaration."""

from __future__ import annotations

# pytket has no types of its own
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
from typing import Any

from pytket.backends.backendresult import BackendResult
from pytket.circuit import Bit
from pytket.utils.outcomearray import OutcomeArray

from qmk.adapters.results import Measured, all_bits, refuse, registers, states_of, the_density, the_state

NAME = "pytket"


def to_result(result: Measured) -> BackendResult:
    """Shots, and the state and density matrix where they are there. Raises UNSUPPORTED for a result of values alone."""
    parts: dict[str, Any] = {}
    if result.counts:
        found = registers(result)
        parts["c_bits"] = [Bit(name, k) for name, bits in found.items() for k in range(bits.shape[1])]
        parts["shots"] = OutcomeArray.from_readouts(all_bits(result).tolist())
    if states_of(result):
        parts["state"] = the_state(result, NAME)
    if result.densities:
        parts["density_matrix"] = the_density(result, NAME)
    if not parts:
        refuse(NAME, "there are neither counts nor a state", "take values from result.values")
    return BackendResult(**parts)


FORMS = {"result": to_result}
