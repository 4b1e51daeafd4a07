"""Runs programs on the native core: it keeps one circuit for each program and one plan for each number of shots, and
counts without Python.

Every way to run a program goes through here, so that the same program, shots and seed give the same bits on each: a
text that the core reads itself, a graph in this process, a graph in a worker. A plan keeps all classical bits, so that
per-shot events can be taken from the very samples that were counted.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.ir.lazy import lazy
from qmk.ir.native_rewrites import report

if TYPE_CHECKING:
    import qmk_native

    from qmk.qvm.graph import Graph

MEMORY_BYTES = 16 << 30
"""The most bytes that one state may take; the router has refused before what this machine has no memory for."""

PLANS = 4
"""Numbers of shots that the plans of a circuit are kept for."""

STRAIGHT = ("mps", "cut")
"""Methods that take gates and one final read-out."""


def circuit_of_graph(graph: Graph, packed: bytes = b"") -> tuple[qmk_native.Circuit, dict[str, Any]]:
    """The one circuit of a verified graph, and the notes that lowering made. ``packed``: the graph's ``pack``, if the
    caller has it.

    The core reads packed graphs itself; what it declines is lowered here. Raises UNSUPPORTED if no circuit can express
    the program.
    """
    import qmk_native

    from qmk.ir.labels import labels
    from qmk.qvm.graph import pack

    try:
        return qmk_native.read_qvm(packed or pack(graph)), dict(labels(graph))
    except qmk_native.Declined:
        from qmk.ir.lower import lower
        from qmk.ir.native_circuit import GATES, circuit_of

        program = lower(graph, GATES | {"gphase"}, loss_events=True, whole=True)
        if any(register.lost for register in program.registers):
            raise QmkError("UNSUPPORTED", "registers that print lost atoms") from None
        return circuit_of(program), dict(program.notes)


def events_of(graph: Graph) -> tuple[list[str], list[int]]:
    """Names and widths of a graph's events, in the order of the classical bits of its circuit."""
    names: list[str] = []
    widths: list[int] = []
    for node in graph.nodes:
        wide = node.op == "core.mbell" and len(node.produces) == 1
        names += node.produces
        widths += [1 + wide] * len(node.produces)
    return names, widths


def events_dropped(width: int, shots: int) -> dict[str, str]:
    """A note if per-shot events of ``width`` bits would exceed their bound and are therefore not kept."""
    size = shots * ((width + 7) // 8)
    if size <= LIMITS.event_bytes:
        return {}
    note = f"per-shot events take {size} bytes, more than event_bytes ({LIMITS.event_bytes}): counts only"
    return {"events_dropped": note}


class Showing(Protocol):
    """Hears how many shots are done, and is given their samples if it said true."""

    def __call__(self, shots_done: int, samples: qmk_native.Samples | None = None, /) -> bool: ...


class Drawn:
    """The shots of one run, in the core's memory. ``simulator`` drew them."""

    def __init__(
        self, plan: qmk_native.Plan, samples: qmk_native.Samples, simulator: str, rewrites: dict[str, Any]
    ) -> None:
        self._plan = plan
        self.samples = samples
        self.simulator = simulator
        self.notes: dict[str, Any] = {"simulator": simulator, **({"rewrites": rewrites} if rewrites else {})}

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """The simulators that were compared, the fastest first."""
        return self._plan.candidates

    @property
    def registers(self) -> list[tuple[str, list[int], bool]]:
        """Name, classical bits and whether the highest index comes first, of each printed register."""
        return self._plan.circuit.registers

    @lazy
    def counts(self) -> dict[str, int]:
        """Printed bitstrings to shots, in ascending order."""
        return self.samples.counts()

    def pack_bits(self, width: int, start: int = 0, stop: int | None = None) -> bytes:
        """``numpy.packbits`` of the first ``width`` classical bits of each shot, rows padded to whole bytes."""
        return self.samples.packed(width, start, self.samples.shots if stop is None else stop)


class Prepared:
    """A circuit, with the plans for the numbers of shots that it was run with last: they depend on them."""

    def __init__(self, circuit: qmk_native.Circuit, method: str = "auto", *, rewrites: bool = True) -> None:
        """Raises ``Unsupported`` for a method that does not take the circuit."""
        import qmk_native

        self.circuit = circuit
        self._method = None if method == "auto" else method
        self._rewrites = rewrites
        self._plans: OrderedDict[int, tuple[qmk_native.Plan, dict[str, Any]]] = OrderedDict()
        if method in STRAIGHT:
            try:
                qmk_native.MpsPlan(circuit)
            except ValueError as refused:
                from qmk.ir.program import Unsupported

                raise Unsupported(f"method {method} takes gates and one final read-out: {refused}") from refused

    def plan(self, shots: int) -> qmk_native.Plan:
        """Gives the plan for this number of shots. Raises MemoryError when no simulator has room, ValueError for an
        unknown method."""
        return self._plan_for(shots)[0]

    def _plan_for(self, shots: int) -> tuple[qmk_native.Plan, dict[str, Any]]:
        import qmk_native

        kept = self._plans.get(shots)
        if kept is None:
            plan = qmk_native.Plan(
                self.circuit, shots, self._method, memory=MEMORY_BYTES, rewrites=self._rewrites, keep_cbits=True
            )
            kept = self._plans[shots] = plan, report(plan)
            while len(self._plans) > PLANS:
                self._plans.popitem(last=False)
        return kept

    def draw(self, shots: int, seed: int, show: Showing | None = None) -> Drawn:
        """Draws the shots. Raises MemoryError when a state outgrows its bound."""
        plan, rewrites = self._plan_for(shots)
        samples, simulator = plan.run(shots, seed, show)
        return Drawn(plan, samples, simulator, rewrites)


def prepare_graph(graph: Graph, method: str, packed: bytes = b"") -> tuple[Prepared, dict[str, Any]] | None:
    """Prepares a verified graph, and gives the plan with its notes; None if no circuit can express it. Raises
    ``Unsupported``."""
    try:
        circuit, notes = circuit_of_graph(graph, packed)
    except QmkError as refused:
        if refused.kind.name != "UNSUPPORTED":
            raise
        return None
    return Prepared(circuit, method), notes
