"""Counts what a program needs of the quotas in one pass over its nodes, which is cheap enough for every submit.

``ir.summary`` counts much more, at several times the price.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from qmk.base.limits import LIMITS
from qmk.kernel.events import Submitted
from qmk.qvm.families import OPS
from qmk.qvm.families.script import PYTHON
from qmk.qvm.graph import Graph, once, pack
from qmk.qvm.outputs import Outputs, values_bytes_max
from qmk.qvm.outputs import n_qubits as n_qubits_of

GATES = frozenset(name for name, op in OPS.items() if op.op_class in ("unitary", "composite", "evolution")) - {
    PYTHON.name
}
RESULT_BYTES = 4096
"""Bytes of a result without its counts: registers, names, notes."""

COUNT_BYTES = 16
"""Bytes of a row of counts beside its bits."""


class Demand(NamedTuple):
    """``gates`` is nodes times shots. ``graph_bytes`` of memory while the job lives; ``stored_bytes`` is the most that
    its graph and its result may take. ``engine_ns`` is the router's prediction, 0 before there is one. ``width``:
    qubits of its place on the map, physical ones where it runs on logical qubits of a machine. ``places``: 1, or 0 for
    a script, whose runs take them."""

    n_qubits: int
    shots: int
    gates: int
    graph_bytes: int
    stored_bytes: int
    engine_ns: int = 0
    jobs: int = 1
    width: int = 1
    places: int = 1


class Size(NamedTuple):
    """``qubits``: most alive at once. ``gates``: unitary nodes."""

    qubits: int
    gates: int
    nodes: int
    events: int
    scripts: int = 0


def measure(graph: Graph) -> Size:
    """Counts a verified graph."""
    gates = alive = most = scripts = 0
    for node in graph.nodes:
        op = node.op
        if op in GATES:
            gates += 1
        elif op == "core.alloc":
            alive += len(node.vqs)
            if alive > most:
                most = alive
        elif op == "core.free":
            alive -= len(node.vqs)
        elif op == PYTHON.name:
            scripts += 1
    return Size(most, gates, len(graph.nodes), len(graph.events), scripts)


def epoch_sizes(graph: Graph) -> tuple[int, list[int]]:
    """Number of epochs, and the nodes of each of the first ``listed_epochs`` of them."""
    fences = [index for index, node in enumerate(graph.nodes) if node.op == "core.fence"]
    listed = fences[: LIMITS.listed_epochs]
    ends = [*(index + 1 for index in listed), len(graph.nodes)]
    sizes = [end - start for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    return len(fences) + 1, sizes[: LIMITS.listed_epochs]


def result_bytes_max(n_events: int, shots: int, keep_events: bool) -> int:
    """The most that a result of ``shots`` shots of ``n_events`` events needs: a row of counts for each outcome there
    can be, a character a bit, within what an answer can carry; and the packed events."""
    width = 2 * n_events  # an event has at most two bits
    outcomes = min(shots, 1 << min(width, 62))
    packed = shots * -(-width // 8) if keep_events else 0
    return RESULT_BYTES + min(outcomes * (width + COUNT_BYTES), LIMITS.frame_bytes) + packed + 64 * n_events


def count_program(graph: Graph, shots: int, keep_events: bool, outputs: Outputs | None) -> dict[str, Any]:
    """The fields of a record that follow from a verified graph and from what is wanted of it."""
    size = once(graph, "size", measure)
    epochs, epoch_nodes = once(graph, "epochs", epoch_sizes)
    packed = pack(graph)
    return {
        "graph": packed,
        "graph_bytes": len(packed),
        "nodes": size.nodes,
        "epochs": epochs,
        "epoch_nodes": epoch_nodes,
        "n_qubits": size.qubits,
        "gates": size.gates if outputs is None else size.gates * max(1, len(outputs.points)),
        "result_bytes_max": result_bytes_max(size.events, shots, keep_events)
        + size.scripts * (LIMITS.script_result_bytes + LIMITS.script_log_bytes)
        + (0 if outputs is None else values_bytes_max(outputs, graph, n_qubits_of(graph), shots)),
    }


def demand_of_record(record: Submitted) -> Demand:
    """What an accepted job holds. Blocks hold what they draw themselves."""
    size = record.graph_bytes or len(record.graph)  # records of the first releases do not tell it
    return Demand(
        n_qubits=record.n_qubits,
        shots=0 if record.blocks else record.shots,
        gates=0 if record.blocks else record.gates * record.shots,
        graph_bytes=size,
        stored_bytes=size + record.result_bytes_max,
        engine_ns=0 if record.blocks else seconds_ns(record.seconds),
        width=0 if record.script is not None else record.width,
        places=int(record.script is None),
    )


def seconds_ns(seconds: float) -> int:
    """Whole nanoseconds; what is not a sensible duration gives 0."""
    return int(seconds * 1e9) if 0.0 < seconds < 1e9 else 0
