"""``qmk.compile`` writes a program in the gates of a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from qmk.base.errors import QmkError
from qmk.models.arguments import show
from qmk.qvm.graph import Graph
from qmk.qvm.verify import verify
from qmk.request import arguments
from qmk.request.program import ProgramLike, to_graph

if TYPE_CHECKING:
    from qmk.models.atoms import Profile
    from qmk.models.devices import Target
    from qmk.sdk.passes import Goal


class Compiled(NamedTuple):
    """``program``: runs on the target. ``report``: ``before`` and ``after`` (``qubits``, ``gates``, ``depth``,
    ``two_qubit_gates``, ``two_qubit_depth``, ``t_count``, ``t_depth``, ``rotations``, ``predicted_error``), ``passes``
    with what each took and left, ``seconds`` of CPU time, ``last``: where each qubit is at the end,
    ``notes``: what passes say of what they did, such as the error of ``clifford-t``."""

    program: Graph
    report: dict[str, Any]


def compile(
    program: ProgramLike,
    target: str | Target | Profile,
    *,
    gates: Sequence[str] = (),
    level: int = 2,
    optimize: str | None = None,
    seed: int = 0,
    synthesis_error: float | None = None,
    ancillae: bool | None = None,
    format: str | None = None,
    params: Mapping[Any, Any] | None = None,
) -> Compiled:
    """``program`` for ``target``, with the same joint distribution of all its registers.

    ``target``: ``line:N``, ``ring:N``, ``grid:RxC``, ``heavy-hex:127`` (IBM's maps), ``all:N`` (all qubits coupled),
    ``clifford+t`` (Clifford and T gates; ``clifford+t:N`` for at most N qubits), the path of a JSON file, or a
    ``qmk.models.devices.Target``; or a device of atoms, such as ``zoned``, its JSON or a ``Profile``, for which atoms
    are placed and carried too, and the report has ``time_us``, ``predicted_fidelity``, ``moves`` and ``rides``
    (docs/howto/zoned.md). ``gates``: the target's gates, such as ``("cz", "rz", "sx", "x")``, in place of its own.
    ``level``: 0 only writes the gates of the target, 1 to 3 take more time for fewer. ``optimize``: "gates" (on two
    qubits, and a tenth of their depth), "depth", "qubits", "t-count" or "error"; None for "t-count" where the target is
    ``clifford+t``, else for "gates".

    For ``clifford+t`` only: ``synthesis_error``, above 0 and below 1, bounds the operator norm of what all rotations
    together are off by (None for 1e-10, or 3e-12 for each angle if that is more), and ``ancillae`` says whether qubits
    and measurements may be added (None for True).

    Raises ``QmkError``: INVALID_GRAPH with findings, INVALID_PARAMS for a target, gate set, level or objective that
    there is not, UNSUPPORTED naming the node for what no target of gates has, such as a fence or an evolution.
    """
    from qmk.compiling.atoms import atom_device, compile_for_atoms
    from qmk.compiling.target import goal_of

    atoms = atom_device(target)
    if atoms is not None and gates:
        raise QmkError("INVALID_PARAMS", "a device of atoms has its own gates", field="gates", help="leave 'gates' out")
    goal = goal_of(cast("Target", target) if atoms is None else "all:2", arguments.texts("gates", gates))
    default = "t-count" if goal.logical else "gates"
    goal = msgspec.structs.replace(
        _with_synthesis(goal, synthesis_error, ancillae),
        level=arguments.whole("level", level, 0, 3),
        objective=default if optimize is None else arguments.text("optimize", optimize),
        seed=arguments.whole("seed", seed, 0, (1 << 63) - 1),
    )
    graph = to_graph(program, format, params)
    error = verify(graph).error()
    if error is not None:
        raise error
    if atoms is not None:
        return Compiled(*compile_for_atoms(graph, *atoms, goal.level, goal.objective, goal.seed))
    return compile_graph(graph, goal)


def _with_synthesis(goal: Goal, error: float | None, ancillae: bool | None) -> Goal:
    for name, value in (("synthesis_error", error), ("ancillae", ancillae)):
        if value is not None and not goal.logical:
            text = f"{name}: target '{goal.name}' is a device, whose rotations are exact"
            raise QmkError("INVALID_PARAMS", text, field=name, help="give it for target clifford+t only")
    if error is not None and arguments.number_between("synthesis_error", error, 0.0, 1.0) is None:
        text = f"synthesis_error is {show(error)}: it must be a number above 0 and below 1"
        raise QmkError("INVALID_PARAMS", text, field="synthesis_error", help="give one such as 1e-6")
    allowed = ancillae is None or arguments.switch("ancillae", ancillae)
    return msgspec.structs.replace(goal, synthesis_error=None if error is None else float(error), ancillae=allowed)


def compile_graph(graph: Graph, goal: Goal) -> Compiled:
    """``compile`` of a graph that has been verified."""
    from qmk.compiling.lowering import circuit_from, graph_from
    from qmk.compiling.run import compile_circuit

    start = circuit_from(graph, "compile", whole=True)
    made = compile_circuit(start.circuit, goal)
    return Compiled(graph_from(made.work.circuit, graph, start, ecr="ecr" in made.report["gates"]), made.report)
