"""``qmk.gradient``, ``value_and_grad`` and ``metric_tensor``: derivatives of a program's values, in this process.

All of them run on one thing, an ``Objective``: a program and an observable as a function of parameters, read once.
Where the program ends in one state that the native core can hold, a step costs one pass through the gates and one back
(adjoint differentiation), however many parameters there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast, overload

from qmk.api.parametrised import declared_points
from qmk.api.slopes import Asked, InCore, Slopes, prepare
from qmk.base.errors import QmkError
from qmk.models.arguments import show
from qmk.qvm import outputs as asked
from qmk.request.observables import ObservableLike
from qmk.request.options import RunOptions, read_options
from qmk.request.program import ProgramLike, inputs_of, own_once, to_graph
from qmk.request.signature import takes
from qmk.request.sweeps import Points, points_of

if TYPE_CHECKING:
    from typing import Unpack

    import numpy as np
    import numpy.typing as npt

    from qmk.request.keywords import GradientKeywords, MetricTensorKeywords, ValueAndGradKeywords

    Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Gradient:
    """An expectation value and its derivatives, by name of the parameter."""

    value: float
    by: dict[str, float]
    errors: dict[str, float] = field(default_factory=dict[str, float])
    exact: bool = True
    engine: str = ""


class Objective:
    """The value of an observable as a function of a program's parameters; ``qmk.value_and_grad`` makes it.

    Called with a point it gives (value, gradient). A point is an array of all parameters in the order of ``names``, of
    any shape, and the gradient has that shape; or a mapping of names to numbers and arrays, and so is the gradient. The
    program is read once, unless its form says that more than angles may depend on its parameters.
    """

    def __init__(self, asked_for: Asked, points: Points) -> None:
        self._asked, self._points = asked_for, points
        self._runner = prepare(asked_for, points.table[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return Objective, (self._asked, self._points)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters; an array input ``a`` has a[0], a[1], ..."""
        return self._points.names

    @property
    def start(self) -> Array:
        """The angles as the program has them, where the parameters are its angles; else small numbers, all distinct."""
        return self._points.table[0].copy()

    def __repr__(self) -> str:
        first = ", ".join(self.names[:3]) + ", ..." * (len(self.names) > 3)
        return f"<qmk.Objective of {len(self.names)} parameters: {first}>"

    def __call__(self, point: Any) -> tuple[float, Any]:
        """The value and its gradient at a point. Raises ``QmkError`` INVALID_PARAMS for a point of other names or
        another size, or that is not finite."""
        row, rebuild = _read_point(self._points, point)
        found = self._slopes(row)
        return found.value, rebuild(found.by)

    def value(self, point: Any) -> float:
        """The value alone, at less than half of the cost."""
        row, _ = _read_point(self._points, point)
        found = self._runner.value(row)
        if found is None:
            found = prepare(self._asked, row).value(row)
        assert found is not None, "a program that was prepared at a point is the same there"
        return found

    def gradient(self, point: Any) -> Any:
        """The gradient alone."""
        return self(point)[1]

    def at(self, point: Any) -> Gradient:
        """The value and its derivatives by name, with their errors and the engine."""
        found = self._slopes(_read_point(self._points, point)[0])
        by = dict(zip(self.names, found.by.tolist(), strict=True))
        errors = dict.fromkeys(by, 0.0) if found.errors is None else dict(zip(by, found.errors.tolist(), strict=True))
        return Gradient(found.value, by, errors, found.errors is None, found.engine)

    def metric_tensor(self, point: Any) -> Array:
        """The Fubini-Study metric of the program's state at a point: see ``qmk.metric_tensor``."""
        from qmk.api.metric import metric_of

        row, _ = _read_point(self._points, point)
        runner = self._runner
        angles = runner.program.at(row) if isinstance(runner, InCore) else None
        if angles is None:
            runner = prepare(self._asked, row)
            angles = runner.program.at(row) if isinstance(runner, InCore) else None
        if isinstance(runner, InCore) and angles is not None:
            return metric_of(runner.program, angles)
        raise QmkError(
            "UNSUPPORTED",
            "a metric tensor is of one exact state that the native core computes",
            help="leave out noise, shots, measurements on the way, and engines other than native",
        )

    def jax(self) -> Callable[[Any], Any]:
        """The value as a function of a JAX array, to be differentiated, compiled and mapped by JAX."""
        from qmk.api.frameworks.jax import function

        return function(self)

    def torch(self) -> Callable[[Any], Any]:
        """The value as a differentiable function of a torch tensor."""
        from qmk.api.frameworks.torch import function

        return function(self)

    def autograd(self) -> Callable[[Any], Any]:
        """The value as a differentiable function of an array of HIPS autograd, which PennyLane's numpy is too."""
        from qmk.api.frameworks.autograd import function

        return function(self)

    def _slopes(self, row: Array) -> Slopes:
        found = self._runner.slopes(row)
        if found is None:
            found = prepare(self._asked, row).slopes(row)
        assert found is not None, "a program that was prepared at a point is the same there"
        return found


def _read_point(points: Points, point: Any) -> tuple[Array, Callable[[Array], Any]]:
    """The numbers of a point, and what gives derivatives its form."""
    import numpy as np

    if isinstance(point, Mapping):
        given = points_of([cast("Mapping[str, Any]", point)])
        if given.shapes.keys() != points.shapes.keys() or any(
            given.shapes[name] != shape for name, shape in points.shapes.items()
        ):
            raise _wrong(f"has {_list_names(given.names)}, where the parameters are {_list_names(points.names)}")
        parts = given.parts(given.table[0])
        row = np.concatenate([parts[name].reshape(-1) for name in points.shapes])
        return row, lambda by: {name: x if x.ndim else float(x) for name, x in points.parts(by).items()}
    try:
        array = np.asarray(point, dtype=np.float64)
    except Exception:  # a caller's own class may raise anything
        raise _wrong(f"must be an array of numbers or a mapping; got {show(point, 60)}") from None
    if array.size != len(points.names):
        raise _wrong(f"has {array.size} numbers, where the parameters are {_list_names(points.names)}")
    if not np.isfinite(array).all():
        raise _wrong("is not finite")
    return array.reshape(-1), lambda by: by.reshape(array.shape)


def _list_names(names: tuple[str, ...]) -> str:
    return f"{len(names)}: {', '.join(names[:6])}{', ...' if len(names) > 6 else ''}"


def _wrong(what: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"point {what}", field="point", help="give one finite number for each parameter")


@takes("qmk.gradient")
def gradient(program: ProgramLike, observable: ObservableLike, **keywords: Unpack[GradientKeywords]) -> Gradient:
    """The value of an observable and its derivative by each of ``params``, the program's inputs (an array input ``a``
    by a[0], a[1], ...); without ``params`` by every angle, named by node and argument.

    Exact ones come from adjoint differentiation, or from the parameter-shift rule on engines without it; sampled ones
    (``shots`` of each basis, at each shifted angle) from the rule alone. ``qmk.value_and_grad`` is the same for
    optimisers, which ask at many points.

    Raises ``QmkError`` as ``qmk.expectation`` does; UNSUPPORTED for what has no derivative that a rule gives.
    """
    program, options = own_once(program), read_options("qmk.gradient", keywords)
    if options.params:
        points = points_of([options.params])
        return Objective(Asked(program, observable, options, points), points).at(points.table[0])
    made = _by_angle(program, observable, options)
    return made.at(made.start)


@overload
def value_and_grad(
    program: ProgramLike, observable: ObservableLike, point: None = None, **keywords: Unpack[ValueAndGradKeywords]
) -> Objective: ...
@overload
def value_and_grad(
    program: ProgramLike, observable: ObservableLike, point: Any, **keywords: Unpack[ValueAndGradKeywords]
) -> tuple[float, Any]: ...


@takes("qmk.value_and_grad")
def value_and_grad(
    program: ProgramLike, observable: ObservableLike, point: Any = None, **keywords: Unpack[ValueAndGradKeywords]
) -> Any:
    """The value of an observable and its gradient at a point, from one pass; without a point the function that gives
    them at any, an ``Objective``, which optimisers take as it is: ``scipy.optimize.minimize(f, x0, jac=True)``.

    Parameters are the program's inputs of real numbers and arrays of them; ``params`` fixes inputs. Where there are no
    inputs, or all are fixed, they are all angles of the program, named by node and argument. A mapping as point gives
    the gradient as a mapping, an array gives it as an array. ``shots`` and ``noise`` are as in ``qmk.gradient``.

    Raises ``QmkError`` as ``qmk.gradient`` does; INVALID_PARAMS for an input that is not a real number and not fixed,
    and for a point that does not fit.
    """
    options = read_options("qmk.value_and_grad", keywords)
    found = _objective(program, observable, options, point)
    return found if point is None else found(point)


@takes("qmk.metric_tensor")
def metric_tensor(program: ProgramLike, point: Any = None, **keywords: Unpack[MetricTensorKeywords]) -> Array:
    """The Fubini-Study metric of a program's final state at a point, shape (parameters, parameters): the real part of
    <d_i psi|d_j psi> - <d_i psi|psi><psi|d_j psi>, a quarter of the quantum Fisher information.

    Parameters and points are those of ``qmk.value_and_grad``; without a point those of a program without inputs, at the
    angles that it has. Natural gradient steps solve with it (Stokes et al., Quantum 4, 269, 2020). Raises ``QmkError``
    UNSUPPORTED for a program that does not end in one state, RESOURCE_EXHAUSTED where the states, one a parameter, have
    no room.
    """
    options = read_options("qmk.metric_tensor", keywords)
    found = _objective(program, "1", options, point)
    return found.metric_tensor(found.start if point is None else point)


def _objective(program: ProgramLike, observable: ObservableLike, options: RunOptions, point: Any) -> Objective:
    """The function, prepared near ``point`` where there is one."""
    program = own_once(program)
    fixed = options.params or {}
    if isinstance(point, Mapping) and not any(
        isinstance(name, str) and "." in name for name in cast("Mapping[Any, Any]", point)
    ):
        points = points_of([cast("Mapping[str, Any]", point)], fixed)  # names of inputs, not node.angle
        return Objective(Asked(program, observable, options, points), points)
    declared = inputs_of(program, options.format)
    if declared is None or not declared.shapes.keys() - fixed.keys():
        return _by_angle(program, observable, options)
    points = declared_points(declared.shapes, fixed)
    if point is not None:
        points = points._replace(table=_read_point(points, point)[0][None])
    return Objective(Asked(program, observable, options, points, declared.only_angles), points)


def _by_angle(program: ProgramLike, observable: ObservableLike, options: RunOptions) -> Objective:
    """As a function of every angle of the program."""
    import numpy as np

    graph = to_graph(program, options.format, options.params)
    sweep = asked.all_angles(graph)
    if not sweep.slots:
        raise QmkError(
            "INVALID_PARAMS",
            "the program has no parameters, and no angles to differentiate by",
            field="program",
            help="qmk.expectation gives its value; a qmk.Parameter in an angle is a parameter",
        )
    nodes = {node.id: node for node in graph.nodes}
    angles = [float(nodes[slot.node].args[slot.arg]) for slot in sweep.slots]
    table = np.array(angles, dtype=np.float64)[None]
    made = Asked(graph, observable, options.replace(params=None, format=None), None, is_same=True)
    return Objective(made, Points(sweep.names, table, dict.fromkeys(sweep.names, ())))
