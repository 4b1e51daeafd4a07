"""States with their global phase, as other frameworks print them. ``qmk.state`` leaves it out: no outcome shows it."""

from __future__ import annotations

import cmath
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.qvm.families import OPS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmk.circuit.circuit import Circuit
    from qmk.qvm.graph import Graph


def exact_state(circuit: Circuit) -> npt.NDArray[np.complex128]:
    """The state that a circuit of gates ends in, shape (2^n,), qubit 0 the highest bit, with its phase; from the native
    core in double precision. Raises UNSUPPORTED where it does not end in one state, RESOURCE_EXHAUSTED."""
    import numpy as np
    import qmk_native

    from qmk.ir.final_readout import before_readout
    from qmk.worker.native import MEMORY_BYTES, circuit_of_graph

    graph = circuit.graph
    flat, *_ = circuit_of_graph(before_readout(graph))
    try:
        plain = np.frombuffer(qmk_native.DensePlan(flat, "f64", MEMORY_BYTES).state(), dtype="<c16")
    except MemoryError as full:
        raise QmkError("RESOURCE_EXHAUSTED", f"native: {full}", engine="native") from full
    except ValueError as refused:
        fix = "leave out noise and measurements on the way"
        raise QmkError("UNSUPPORTED", f"the program does not end in one state: {refused}", help=fix) from refused
    return plain * cmath.exp(1j * dropped_phase(graph))


def dropped_phase(graph: Graph) -> float:
    """The phase of what the native core leaves out: gphase, and that of gates which it runs by their steps."""
    import qmk_native

    lowered = frozenset(qmk_native.LOWERED)
    total = 0.0
    for node in graph.nodes:
        short = node.op.removeprefix("core.")
        if short == "gphase":
            total += float(node.args["gamma"])
        elif short in lowered:
            steps: Any = OPS[node.op].lower
            total += sum(step.args["gamma"] for step in steps(node.args, len(node.vqs)) if step.op == "core.gphase")
    return total
