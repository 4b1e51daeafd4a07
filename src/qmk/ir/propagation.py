"""Expectation values from the native core's Pauli propagation, and what their errors are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.ir.native_circuit import Channels, circuit_of
from qmk.ir.program import Program
from qmk.ir.transfer import transfer_matrix
from qmk.qvm.outputs import Estimate, Observable

if TYPE_CHECKING:
    import qmk_native

MOST_BYTES = 4 << 30
"""Bytes of Pauli strings beyond which a run ends without a value."""


def plan_of(program: Program) -> qmk_native.PauliPlan:
    """A plan of a program with any error channels. Raises UNSUPPORTED for what the native core has not."""
    import qmk_native

    channels: Channels = []
    circuit = circuit_of(program, channels=channels)
    distinct = dict.fromkeys(item.operators for _, item in channels)
    numbers = {operators: number for number, operators in enumerate(distinct)}
    placed = [(at, item.on, numbers[item.operators]) for at, item in channels]
    return qmk_native.PauliPlan(circuit, placed, [transfer_matrix(operators) for operators in numbers])


def estimate(
    plan: qmk_native.PauliPlan, observable: Observable, tolerance: float, work: int | None = None
) -> tuple[Estimate, int]:
    """The expectation value of a sum, exact for a ``tolerance`` of 0, and how many strings were made for it: ``work``
    at most. Raises MemoryError where the strings outgrow their bounds, or the error stays larger than the tolerance;
    ValueError where the observable depends on feed-forward or does not fit the program."""
    import qmk_native

    work = qmk_native.PAULI_WORK if work is None else work
    try:
        if not tolerance:
            found = plan.value(observable, memory=MOST_BYTES, work=work)
            return Estimate(found["value"]), found["work"]
        found = plan.within(observable, tolerance, memory=MOST_BYTES, work=work)
    except TimeoutError as long:
        raise MemoryError(f"{long}; allow an error, or a larger one") from long
    if found["error"] > tolerance:
        text = f"an error of {tolerance:g} is allowed, and that of {found['value']:.6g} is {found['error']:.2g}"
        how = "proved" if found["kind"] == "bound" else "estimated from the values of other cuts"
        raise MemoryError(f"{text} ({how}) after {found['work']} Pauli strings")
    kind = "" if found["kind"] == "exact" else found["kind"]
    return Estimate(found["value"], found["error"], kind), found["work"]


def strings_of_z(group: tuple[int, ...], n_qubits: int) -> list[str]:
    """Z on each subset of some qubits: bit k of a string's number, the highest first, says whether it is on qubit k of
    the group."""
    out: list[str] = []
    for number in range(1 << len(group)):
        letters = ["I"] * n_qubits
        for k, qubit in enumerate(group):
            if number >> (len(group) - 1 - k) & 1:
                letters[qubit] = "Z"
        out.append("".join(letters))
    return out
