"""``qmk.outputs`` says with plain arguments what a job shall give beyond counts."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.ir.evolutions import OPEN
from qmk.models.arguments import show
from qmk.models.devices.on_target import OWN
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs, Sweep
from qmk.request import arguments
from qmk.request.observables import ObservableLike, Sites, observables_of, sites_of, widen
from qmk.request.program import ProgramLike, to_graph
from qmk.request.sweeps import PointsLike, points_of, sweep_of


def outputs(
    program: ProgramLike,
    *,
    expect: ObservableLike | Sequence[ObservableLike] = (),
    state: bool = False,
    amplitudes: Sequence[str] = (),
    probabilities: Sequence[Sequence[int]] = (),
    gradient: bool = False,
    trajectory: bool = False,
    density: bool = False,
    points: PointsLike | None = None,
    params: Mapping[Any, Any] | None = None,
    counts: bool = True,
    sampled: bool = False,
    tolerance: float = 0.0,
    format: str | None = None,
) -> tuple[Graph, Outputs]:
    """The program as a graph, and what a job of it shall give: submit or run both together.

    ``expect``: observables as ``qmk.expectation`` takes them. ``points``: the points of a sweep, as ``qmk.sweep`` takes
    them; ``params``: the inputs that are the same at every point, or where there is no sweep all of them, by which
    ``gradient`` then derives. ``trajectory``: the observables of an evolution over time, which a run that asks for no
    outputs gives by itself; ``density``: the density matrix of the final state. ``counts`` False: no counts.
    ``sampled``: expectation values from shots even where they can be computed. ``tolerance``: the error that an
    expectation value may have, proved or estimated, where no engine has it exact.

    Raises ``QmkError`` INVALID_PARAMS for what does not fit the program.
    """
    switches = {"state": state, "gradient": gradient, "trajectory": trajectory, "density": density}
    for name, value in {**switches, "counts": counts, "sampled": sampled}.items():
        arguments.switch(name, value)
    if not isinstance(probabilities, (list, tuple)):
        raise arguments.refuse("probabilities", probabilities, "a list of lists of qubits", "write [[0], [0, 2]]")
    allowed = arguments.number_between("tolerance", tolerance, -1, 1)
    if allowed is None or allowed < 0:
        raise arguments.refuse("tolerance", tolerance, "an error between 0 and 1", "give such as 1e-3")
    sweep: Sweep | None = None
    if points is not None:
        graph, sweep = sweep_of(program, points_of(points, params), format)
    elif gradient and params:
        graph, found = sweep_of(program, points_of([params]), format)
        sweep = Sweep(names=found.names, slots=found.slots)
    else:
        graph = to_graph(program, format, params)
    rows, _ = observables_of(expect, graph)
    wanted = Outputs(
        expectations=tuple(rows),
        state=state,
        amplitudes=bitstrings_of(amplitudes),
        probabilities=tuple(qubits_of(group, graph) for group in probabilities),
        gradient=gradient,
        trajectory=trajectory,
        density=density,
        sweep=sweep,
        counts=counts,
        sampled=sampled,
        tolerance=allowed,
    )
    return graph, wanted


def usual_outputs(graph: Graph) -> Outputs | None:
    """What a run gives that asks for nothing: beside counts, values over time of a program that begins with an
    evolution that has them."""
    first = next((node for node in graph.nodes if node.op != "core.alloc"), None)
    return Outputs(trajectory=True) if first is not None and first.op == OPEN else None


def bitstrings_of(given: Any) -> tuple[str, ...]:
    """The bitstrings. Raises INVALID_PARAMS for what is not a list of texts."""
    return arguments.texts("amplitudes", given)


def qubits_of(given: Sequence[int], graph: Graph) -> tuple[int, ...]:
    """The qubits; in an array of atoms with vacant sites those at the sites that are given. Raises INVALID_PARAMS for
    what is not a list of whole numbers, and for a vacant site."""
    try:
        numbers = tuple(operator.index(qubit) for qubit in islice(given, LIMITS.qubits + 1))
    except Exception:  # a caller's own class may raise anything
        text = f"{show(given)} is not a list of qubits"
        raise QmkError("INVALID_PARAMS", text, field="probabilities", help="number them from 0: [0, 2]") from None
    sites = sites_of(graph)
    return numbers if sites is None else tuple(_qubit_at(number, sites) for number in numbers)


def _qubit_at(site: int, sites: Sites) -> int:
    qubit = sites[site] if 0 <= site < len(sites) else None
    if qubit is None:
        what = "is vacant" if 0 <= site < len(sites) else f"is none of the {len(sites)} sites, numbered from 0"
        raise QmkError("INVALID_PARAMS", f"site {site} {what}", field="probabilities", help="name sites with an atom")
    return qubit


def widen_outputs(asked: Outputs, graph: Graph) -> Outputs:
    """What was asked of a program, of the graph that a device made of it, which may have more qubits."""
    if not asked.expectations or OWN not in graph.metadata:
        return asked
    return msgspec.structs.replace(asked, expectations=tuple(widen(row, graph) for row in asked.expectations))
