"""Between ``stim.Circuit`` and Stim's text, which QMK reads and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import stim

from qmk.models.arguments import show
from qmk.models.stim_text import to_text
from qmk.sdk.adapter import PauliSum, Place, cannot, pauli_sum

if TYPE_CHECKING:
    from qmk.circuit.circuit import Circuit


def read(program: object, params: Any) -> bytes:
    """The text of a ``stim.Circuit``, its numbers in full. Raises UNSUPPORTED for another object of Stim's."""
    if not isinstance(program, stim.Circuit):
        fix = "give the stim.Circuit"
        raise cannot("stim", f"a {type(program).__name__} is not a program", show(program, 40), fix)
    return f"{to_text(program)}\n".encode()


def read_observable(given: object) -> PauliSum | None:
    """A ``stim.PauliString`` whose sign is real, on the qubits of these numbers. Raises UNSUPPORTED for another."""
    if not isinstance(given, stim.PauliString):
        return None
    if given.sign.imag:
        raise cannot("stim", "its sign is imaginary", show(given, 40), "give a string whose sign is 1 or -1")
    letters = {qubit: "IXYZ"[given[qubit]] for qubit in range(len(given)) if given[qubit]}
    return pauli_sum([(letters, given.sign)], lambda number: Place(number, (f"q{number}", f"q_{number}")))


def write(circuit: Circuit) -> stim.Circuit:
    """The circuit as Stim has it. Raises INVALID_GRAPH with findings for what Stim cannot say."""
    return stim.Circuit(circuit.to("stim"))
