"""``qmk.sweep``: a program at many points of its parameters, in this process.

The program is read a few times to learn how its angles depend on the parameters, and not once for every point; the
points are then the vector lanes of the native core's dense simulator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qmk.api.observing import evaluate
from qmk.api.parametrised import at_all, of_text
from qmk.api.results import layout_of
from qmk.api.sampling import Sampled, sample
from qmk.api.source import build_for_values
from qmk.base.errors import QmkError
from qmk.base.limits import check
from qmk.base.seeds import substream
from qmk.client.counts import Counts
from qmk.qvm.outputs import Observable, Outputs
from qmk.request.observables import ObservableLike, has_objects, observables, observables_of
from qmk.request.options import Progress, RunOptions, read_options
from qmk.request.program import ProgramLike, own_once, to_graph
from qmk.request.progress import showing
from qmk.request.shots import DEFAULT_SHOTS, choose_shots, seed_of
from qmk.request.signature import takes
from qmk.request.sweeps import Points, PointsLike, points_of, sweep_of
from qmk.request.warn import warn_of_no_bits

if TYPE_CHECKING:
    from typing import Unpack

    import numpy as np
    import qmk_native
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qmk.request.keywords import SweepKeywords

    Array = np.ndarray[Any, np.dtype[Any]]


WIDEST = 16
"""Up to this many qubits the states of several points fit a cache together."""


@dataclass(frozen=True)
class Swept:
    """``values[p, k]``: expectation value of observable k at point p, ``errors`` their standard errors (0 where
    ``exact``); or, where no observables were asked for, ``counts[p]``. ``names`` and ``points`` are the parameters."""

    names: tuple[str, ...]
    points: Array
    values: Array
    errors: Array
    counts: list[Counts] = field(default_factory=list[Counts])
    exact: bool = True
    engine: str = ""

    def plot(
        self,
        labels: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        ax: Axes | None = None,
        theme: str = "light",
    ) -> Figure:
        """The values over the parameters that change, and the Matplotlib figure: of one parameter curves, a band of one
        standard error around each; of a grid of two a map. ``labels`` name the observables, ``units`` are by parameter.
        Raises ``QmkError`` INVALID_PARAMS for counts, more parameters, or two with several observables; UNSUPPORTED
        without Matplotlib."""
        from qmk.drawing import curves

        return curves.sweep(self, labels, units, ax, theme)


@takes("qmk.sweep")
def sweep(
    program: ProgramLike,
    points: PointsLike,
    observable: ObservableLike | Sequence[ObservableLike] | None = None,
    **keywords: Unpack[SweepKeywords],
) -> Swept:
    """Expectation values (see ``qmk.expectation``), or without observables counts (see ``qmk.sample``), at every point.

    ``points`` is a list of mappings of names to values, or a mapping of names to lists of values; ``params`` are inputs
    that are the same at every point. A program whose structure depends on its parameters, or whose angles are not
    affine functions of them, is read anew at each point. Noise and device are the same at every point.

    Raises ``QmkError`` as ``qmk.expectation`` and ``qmk.sample`` do, QUOTA_EXCEEDED beyond the limit ``sweep_points``.
    """
    options = read_options("qmk.sweep", keywords)
    program = own_once(program)
    given = points_of(points, options.params)
    check("sweep_points", len(given.table))
    if observable is None:
        shots = options.shots or DEFAULT_SHOTS
        if options.error is not None:
            shots = choose_shots(options.error)[0]
        options = options.replace(shots=shots, error=None)
        check("shots", shots * len(given.table), "all points of the sweep")
    with showing(options.replace(seed=seed_of(options.seed)), len(given.table), "points") as options:
        return _sweep(program, given, observable, options.replace(progress=None), options.report or _ignore)


def _ignore(done: int) -> None:
    """Takes the progress that nobody asked for."""


def _sweep(
    program: ProgramLike,
    given: Points,
    observable: ObservableLike | Sequence[ObservableLike] | None,
    options: RunOptions,
    progress: Progress,
) -> Swept:
    import numpy as np

    if _may_stay_in_core(options):
        found = _in_core(program, given, observable, options)
        if found is not None:
            progress(len(given.table))
            return found
    if observable is not None:
        return _by_graph(program, given, observable, options, progress)
    samples: list[Sampled] = []
    for at, row in enumerate(given.table):
        there = options.replace(params=given.params(row), seed=substream(options.seed or 0, "point", at))
        samples.append(sample(program, **there.non_default()))  # type: ignore[arg-type]
        progress(at + 1)
    none = np.zeros((len(samples), 0))
    counts = [one.counts for one in samples]
    return Swept(given.names, given.table, none, none, counts, False, samples[0].engine)


def exact_values(
    program: ProgramLike, points: PointsLike, observable: ObservableLike | Sequence[ObservableLike], options: RunOptions
) -> Swept | None:
    """The values at all points from one reading of the program, in double precision; None where that cannot be."""
    if options.shots is not None or not _may_stay_in_core(options):
        return None
    try:
        given = points_of(points, options.params)
    except QmkError:  # what is not a number is read with each point
        return None
    return _in_core(program, given, observable, options)


def _may_stay_in_core(options: RunOptions) -> bool:
    return options.engine is None and options.is_ideal and not options.strict


def _by_graph(
    program: ProgramLike,
    points: Points,
    observable: ObservableLike | Sequence[ObservableLike],
    options: RunOptions,
    progress: Progress,
) -> Swept:
    """On the engine that the router takes; each point by itself where the angles are not affine functions."""
    import numpy as np

    try:
        parts = [sweep_of(program, points, options.format)]
    except QmkError as refused:
        if refused.fields.get("field") != "points":
            raise
        parts = [(to_graph(program, options.format, points.params(row)), None) for row in points.table]
    rows: list[Any] = []
    values = None
    read = options.replace(params=None, format=None)
    for at, (plain, sweep) in enumerate(parts):
        graph = build_for_values(plain, read)
        found, _ = observables_of(observable, graph)
        drawn = options.shots is not None
        outputs = Outputs(expectations=tuple(found), sweep=sweep, counts=False, sampled=drawn)
        values = evaluate(graph, outputs, read.replace(seed=substream(options.seed or 0, "sweep", at)))
        rows += [[(e.value, e.error) for e in point.expectations] for point in values.points]
        progress(len(rows))
    assert values is not None, "points_of refuses an empty list"
    table = np.array(rows)
    return Swept(points.names, points.table, table[..., 0], table[..., 1], [], values.exact, values.engine)


def draw_bits(program: ProgramLike, points: PointsLike, options: RunOptions) -> list[Array] | None:
    """The printed bits of the shots at each point, each of shape (shots, bits), from one reading of the program; None
    where the native core does not draw all of them at once."""
    import numpy as np
    import qmk_native

    given = points_of(points, options.params)
    shots = options.shots or DEFAULT_SHOTS
    check("sweep_points", len(given.table))
    check("shots", shots * len(given.table), "all points of the sweep")
    read = _read_in_core(program, given, options) if _may_stay_in_core(options) else None
    if read is None:
        return None
    circuit, angles = read
    try:
        samples: Any = qmk_native.DensePlan(circuit, "f32").sweep(angles, None, shots, seed_of(options.seed))
    except ValueError:
        return None
    columns = [cbit for _, cbits, _ in circuit.registers for cbit in cbits]
    width = circuit.n_cbits
    found = [np.frombuffer(each.bits(), np.uint8).reshape(shots, width) for each in samples]
    if -1 in columns:
        found = [np.hstack([bits, np.zeros((shots, 1), np.uint8)]) for bits in found]
    return [bits[:, columns] for bits in found]


def _read_in_core(
    program: ProgramLike, points: Points, options: RunOptions
) -> tuple[qmk_native.Circuit, list[list[float]]] | None:
    """The circuit and its angles at every point; None for what is not narrow OpenQASM."""
    read = of_text(program, points, options.format, WIDEST)
    found = None if read is None else at_all(program, points, options.format, read)
    return None if read is None or found is None else (read.circuit, found.tolist())


def _in_core(
    program: ProgramLike,
    points: Points,
    observable: ObservableLike | Sequence[ObservableLike] | None,
    options: RunOptions,
) -> Swept | None:
    """On the dense simulator of the native core; None for what is not narrow OpenQASM of gates and a read-out."""
    import numpy as np
    import qmk_native

    if observable is not None and (options.shots is not None or has_objects(observable)):
        return None
    read = _read_in_core(program, points, options)
    if read is None:
        return None
    (circuit, angles), table = read, points.table
    none = np.zeros((len(angles), 0))
    try:
        if observable is None:
            plan = qmk_native.DensePlan(circuit, "f32")
            samples: Any = plan.sweep(angles, None, options.shots or DEFAULT_SHOTS, options.seed or 0)
            registers = layout_of(circuit)
            counts = [Counts.of_run(one.counts(), registers) for one in samples]
            if not counts[0].width:
                warn_of_no_bits()
            return Swept(points.names, table, none, none, counts, False, "native:dense")
        rows, _ = observables(observable, circuit.n_qubits)
        strings = list(dict.fromkeys(text for row in rows for text, _ in row))
        plain = np.array(qmk_native.DensePlan(circuit, "f64").sweep(angles, strings))
    except ValueError:
        return None  # measurements on the way, or the like
    values = plain @ _weights(rows, strings)
    return Swept(points.names, table, values, np.zeros_like(values), [], True, "native:dense64")


def _weights(rows: Sequence[Observable], strings: Sequence[str]) -> Array:
    """Shape (strings, observables)."""
    import numpy as np

    place = {text: at for at, text in enumerate(strings)}
    out = np.zeros((len(strings), len(rows)))
    for k, row in enumerate(rows):
        for text, factor in row:
            out[place[text], k] += factor
    return out
