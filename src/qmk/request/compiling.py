"""``qmk.compile`` writes a program in the gates of a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from qmk.qvm.graph import Graph
from qmk.qvm.verify import verify
from qmk.request import arguments
from qmk.request.program import ProgramLike, to_graph

if TYPE_CHECKING:
    from qmk.models.devices import Target
    from qmk.sdk.passes import Goal


class Compiled(NamedTuple):
    """``program``: runs on the target. ``report``: ``before`` and ``after`` (``qubits``, ``gates``, ``depth``,
    ``two_qubit_gates``, ``two_qubit_depth``, ``t_count``, ``t_depth``, ``rotations``, ``predicted_error``), ``passes``
    with what each took and left, ``seconds`` of CPU time, ``last``: where each qubit is at the end."""

    program: Graph
    report: dict[str, Any]


def compile(
    program: ProgramLike,
    target: str | Target,
    *,
    gates: Sequence[str] = (),
    level: int = 2,
    optimize: str = "gates",
    seed: int = 0,
    format: str | None = None,
    params: Mapping[Any, Any] | None = None,
) -> Compiled:
    """``program`` for ``target``, with the same joint distribution of all its registers.

    ``target``: ``line:N``, ``ring:N``, ``grid:RxC``, ``heavy-hex:127`` (IBM's maps), ``all:N`` (all qubits coupled),
    the path of a JSON file, or a ``qmk.models.devices.Target``. ``gates``: the target's gates, such as ``("cz", "rz",
    "sx", "x")``, in place of its own. ``level``: 0 only writes the gates of the target, 1 to 3 take more time for
    fewer. ``optimize``: "gates" (on two qubits, and a tenth of their depth), "depth", "qubits", "t-count" or "error".

    Raises ``QmkError``: INVALID_GRAPH with findings, INVALID_PARAMS for a target, gate set, level or objective that
    there is not, UNSUPPORTED naming the node for what no target of gates has, such as a fence or an evolution.
    """
    from qmk.compiling.target import goal_of

    goal = goal_of(target, arguments.texts("gates", gates))
    goal = msgspec.structs.replace(
        goal,
        level=arguments.whole("level", level, 0, 3),
        objective=arguments.text("optimize", optimize),
        seed=arguments.whole("seed", seed, 0, (1 << 63) - 1),
    )
    graph = to_graph(program, format, params)
    error = verify(graph).error()
    if error is not None:
        raise error
    return compile_graph(graph, goal)


def compile_graph(graph: Graph, goal: Goal) -> Compiled:
    """``compile`` of a graph that has been verified."""
    from qmk.compiling.lowering import circuit_from, graph_from
    from qmk.compiling.run import compile_circuit

    start = circuit_from(graph, "compile", whole=True)
    made = compile_circuit(start.circuit, goal)
    return Compiled(graph_from(made.work.circuit, graph, start, ecr="ecr" in made.report["gates"]), made.report)
