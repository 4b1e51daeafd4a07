"""``qmk.Program``: a circuit with the rest of the bytecode: channels, atoms, evolutions, profiles, owners, wishes."""

from __future__ import annotations

from qmk.circuit.circuit import Circuit
from qmk.circuit.declared import OpMethod, all_ops, program_methods
from qmk.circuit.items import Step
from qmk.circuit.methods import ProgramMethods
from qmk.circuit.operands import Qubits
from qmk.circuit.store import Sizes


class Program(ProgramMethods, Circuit):
    """A circuit that may also hold what only the bytecode has: channels, neutral atoms and their evolutions, modes
    of light, qubits allocated and freed on the way, code profiles, qubits of two tenants, wishes about the schedule.

    All of ``qmk.Circuit`` is there, and both have one digest where they hold the same. Every other op is a method made
    from its declaration: ``Program(2).open_channel("link", 0, 1, fidelity=0.99).use_channel("link")``. A channel goes
    by its name. Positions are in um, times in us, amplitudes and detunings in rad/us; each may be an array of numpy's.
    ``apply`` takes every op of the bytecode by its full name, such as ``apply("core.fence", 0, 1)``.

    Qubits are allocated at the start, but for those whose first op is ``alloc``, and freed at the end, but for those
    that ``free`` has freed.

    Raises ``QmkError`` INVALID_PARAMS for operands and arguments that do not fit.
    """

    _holds_all = True

    def __init__(self, qubits: Sizes = 0, bits: Sizes = 0, *, modes: int = 0) -> None:
        super().__init__(qubits, bits)
        if type(modes) is not int or modes:
            self.add_modes(modes)

    def add_modes(self, size: int, name: str = "") -> Qubits:
        """Adds a register of ``size`` modes of light in the vacuum. Its name, if not given: m, m1, m2, ...

        Raises INVALID_PARAMS for a name that is taken, QUOTA_EXCEEDED beyond the limit ``qubits``."""
        found = self.add_qubits(size, self._new_name(name, "m"))
        self.apply("core.alloc", *found, carrier="mode")
        return found

    def _op_method(self, name: str) -> OpMethod | None:
        return program_methods().get(name) or all_ops().get(name) or super()._op_method(name)

    def _allocated_later(self) -> frozenset[int]:
        touched: set[int] = set()
        later: set[int] = set()
        for item in self._items:
            qubits = item.qubits if isinstance(item, Step) else item[2] if type(item) is tuple else ()
            if isinstance(item, Step) and item.op == "core.alloc":
                later.update(set(qubits) - touched)
            touched.update(qubits)
        return frozenset(later)
