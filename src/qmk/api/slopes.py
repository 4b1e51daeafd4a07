"""The two ways to a value and its derivatives: the native core, prepared once and given other angles at each point; and
the engine that the router chooses, which differentiates a graph with its angles set."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from qmk.api.in_core import DENSE_S, NARROW, WIDE, circuit_of
from qmk.api.observing import decide, evaluate, runner_of
from qmk.api.parametrised import Parametrised, keep, of_graph, of_text
from qmk.api.source import check_graph, text_of, warn_of_readings
from qmk.base.errors import QmkError
from qmk.qvm import outputs as asked
from qmk.qvm.outputs import Outputs, Sweep
from qmk.request.build import build
from qmk.request.observables import ObservableLike, has_objects, observables, observables_of
from qmk.request.options import RunOptions
from qmk.request.program import ProgramLike, to_graph
from qmk.request.sweeps import Points, is_affine, sweep_of
from qmk.request.warn import warn_of
from qmk.sdk.collection import no_collection

if TYPE_CHECKING:
    import qmk_native

    from qmk.ir.affine import Vector
    from qmk.qvm.graph import Graph
    from qmk.worker.adjoint import CoreGradient


class Slopes(NamedTuple):
    """A value and its derivatives by the parameters, in order; ``errors`` are standard errors, None where exact."""

    value: float
    by: Vector
    errors: Vector | None = None
    engine: str = ""


@dataclass(frozen=True)
class Asked:
    """What is differentiated. ``points`` None: by every angle. ``is_same``: the program is the same for all values of
    its inputs but for its angles."""

    program: ProgramLike
    observable: ObservableLike
    options: RunOptions
    points: Points | None
    is_same: bool = False

    @property
    def is_drawn(self) -> bool:
        return self.options.shots is not None


class InCore:
    """On the native core."""

    def __init__(self, program: Parametrised, gradient: CoreGradient, engine: str) -> None:
        self.program, self._gradient, self._engine = program, gradient, engine

    def value(self, row: Vector) -> float | None:
        """The value at a point; None where the program is another there."""
        angles = self.program.at(row)
        return None if angles is None else self._gradient.value(angles)

    def slopes(self, row: Vector) -> Slopes | None:
        """As ``value``, with the derivatives."""
        angles = self.program.at(row)
        return None if angles is None else Slopes(*self._gradient.gradient(angles), None, self._engine)


class Routed:
    """On the engine that the router chooses, at each point anew."""

    def __init__(self, graph: Graph, sweep: Sweep, outputs: Outputs, asked: Asked, at: Vector) -> None:
        self._graph, self._sweep, self._outputs, self._asked, self._at = graph, sweep, outputs, asked, at

    def slopes(self, row: Vector) -> Slopes | None:
        import numpy as np

        if not self._asked.is_same and not np.array_equal(row, self._at):
            return None
        graph = asked.bound(self._graph, self._sweep, tuple(row.tolist()))
        values = evaluate(graph, self._outputs, self._asked.options)
        point = values.points[0]
        by = np.array([slope.value for slope in point.gradients[0]])
        errors = None if values.exact else np.array([slope.error for slope in point.gradients[0]])
        return Slopes(point.expectations[0].value, by, errors, values.engine)

    def value(self, row: Vector) -> float | None:
        import msgspec
        import numpy as np

        if not self._asked.is_same and not np.array_equal(row, self._at):
            return None
        graph = asked.bound(self._graph, self._sweep, tuple(row.tolist()))
        plain = msgspec.structs.replace(self._outputs, gradient=False, sweep=None)
        return evaluate(graph, plain, self._asked.options).points[0].expectations[0].value


@no_collection()
def prepare(asked_for: Asked, row: Vector) -> InCore | Routed:
    """What computes the values of a program that makes sense at ``row``.

    Raises ``QmkError`` as ``qmk.expectation`` does, INVALID_PARAMS where an angle is not an affine function of the
    parameters, RESOURCE_EXHAUSTED where a state has no room."""
    options = asked_for.options
    plain = options.is_ideal and not asked_for.is_drawn
    if plain and options.engine is None and not options.strict:
        found = _narrow_text(asked_for, row)
        if found is not None:
            return found
    graph, sweep = _graph(asked_for, row)
    graph = build(graph, options.replace(params=None, format=None)).graph
    warnings = check_graph(graph, options.strict)
    warn_of(warnings)
    warn_of_readings(graph, options)
    rows, _ = observables_of([asked_for.observable], graph)
    drawn = asked_for.is_drawn
    outputs = Outputs(expectations=tuple(rows), gradient=True, sweep=sweep, counts=False, sampled=drawn)
    found = _of_graph(asked_for, graph, outputs, row) if plain else None
    if found is not None and not warnings and options.engine is None and not options.strict:
        _keep(asked_for, found.program)
    return found or Routed(graph, sweep, outputs, asked_for, row)


def _narrow_text(asked_for: Asked, row: Vector) -> InCore | None:
    """Narrow text that the native core reads."""
    from qmk.worker.adjoint import CoreGradient

    if asked_for.points is None or has_objects(asked_for.observable):
        return None
    points = asked_for.points._replace(table=row[None])
    found = of_text(asked_for.program, points, asked_for.options.format, NARROW)
    if found is None:
        return None
    if asked_for.is_same:
        found = found._replace(read=None)
    rows, _ = observables([asked_for.observable], found.circuit.n_qubits)
    try:
        return InCore(found, CoreGradient(found.circuit, found.angles, rows[0], NARROW), "native:dense64")
    except ValueError:
        return None  # measurements on the way, or the like


def _graph(asked_for: Asked, row: Vector) -> tuple[Graph, Sweep]:
    """The graph at a point, and its angles as functions of the parameters."""
    options, points = asked_for.options, asked_for.points
    if points is None:
        graph = to_graph(asked_for.program, options.format, options.params)
        return graph, asked.all_angles(graph)
    try:
        graph, sweep = sweep_of(asked_for.program, points._replace(table=row[None]), options.format)
    except QmkError as refused:
        if refused.fields.get("field") != "points":
            raise
        raise QmkError(
            "INVALID_PARAMS",
            "near this point the program depends on its parameters in another way than by angles that are affine "
            "functions of them",
            field="params",
            help="make each such expression a parameter of its own, and apply the chain rule to its derivative",
        ) from refused
    return graph, Sweep(names=sweep.names, slots=sweep.slots)


def _of_graph(asked_for: Asked, graph: Graph, outputs: Outputs, row: Vector) -> InCore | None:
    """A graph on the native core; None where another engine shall differentiate it, or shots shall."""
    from qmk.ir.final_readout import before_readout, gates_of
    from qmk.worker.adjoint import CoreGradient

    sweep = outputs.sweep
    assert sweep is not None, "there are parameters"
    asked.require(outputs, graph, 1)
    if gates_of(before_readout(graph)) is None:
        return None
    engine = "native:dense64"
    if asked_for.options.engine is not None or not _is_short(graph):
        decision, known = decide(graph, outputs, asked_for.options)
        can = runner_of(decision.engine).capabilities(decision.method)
        exact = known.observed is not None and known.observed.pure and not known.observed.sampled
        if decision.engine != "native" or "gradient" not in can.outputs or not exact:
            return None
        engine = f"native:{decision.method}"
    found = of_graph(graph, sweep, row)
    if found is None:
        return None
    if not (asked_for.is_same or asked_for.points is None or is_affine(asked_for.program, asked_for.options.format)):
        found = found._replace(read=functools.partial(_circuit, asked_for))
    try:
        return InCore(found, CoreGradient(found.circuit, found.angles, outputs.expectations[0], NARROW), engine)
    except ValueError:
        return None
    except MemoryError as full:
        raise QmkError("RESOURCE_EXHAUSTED", f"native: {full}", engine="native") from full


def _is_short(graph: Graph) -> bool:
    """Whether the core differentiates a program of gates before another engine could be chosen."""
    import qmk_native

    from qmk.ir.final_readout import before_readout
    from qmk.router.outputs import ADJOINT

    if asked.n_qubits(graph) <= NARROW:
        return True
    circuit = circuit_of(before_readout(graph)) if asked.n_qubits(graph) <= WIDE else None
    try:
        return circuit is not None and ADJOINT * qmk_native.DensePlan(circuit, "f64").cost(1) <= DENSE_S
    except (MemoryError, ValueError):
        return False


def _keep(asked_for: Asked, found: Parametrised) -> None:
    """Keeps a narrow text that a front end read, so that it need not be read again."""
    text = text_of(asked_for.program, asked_for.options.format)
    if text is not None and asked_for.points is not None and found.read is None and found.circuit.n_qubits <= NARROW:
        keep(text, asked_for.points, asked_for.options.format, found)


def _circuit(asked_for: Asked, row: Vector) -> qmk_native.Circuit | None:
    """The circuit that the program is at a point, read anew."""
    from qmk.ir.final_readout import before_readout
    from qmk.worker.native import circuit_of_graph

    points = asked_for.points
    assert points is not None, "a program without inputs is the same everywhere"
    params: Mapping[str, Any] = points.params(row)
    return circuit_of_graph(before_readout(to_graph(asked_for.program, asked_for.options.format, params)))[0]
