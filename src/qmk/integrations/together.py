"""Shots and values that several programs are asked for together: on a daemon all of them are submitted by one call.

What each needs is a generator, ``Steps``: it yields the programs that it has to run on a daemon, once, is sent their
results in the same order, and returns what it makes of them. In this process it yields nothing, and runs them itself.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from qmk.api.observing import Array
    from qmk.client.result import Result
    from qmk.integrations.target import Target
    from qmk.request.observables import ObservableLike
    from qmk.request.program import ProgramLike
    from qmk.request.sweeps import PointsLike

T = TypeVar("T")


class Asked(NamedTuple):
    """A program to run on a daemon, with the options of ``Client.submit``."""

    program: ProgramLike
    options: dict[str, Any]


Steps: TypeAlias = Generator[list[Asked], "list[Result]", T]


class Together:
    """Several ``Steps`` whose programs are run by one call. ``asked``: the programs of all, in their order."""

    def __init__(self, steps: Iterable[Steps[Any]]) -> None:
        self._steps = list(steps)
        self._parts: list[list[Asked] | None] = []
        self._made: list[Any] = []
        for each in self._steps:
            try:
                self._parts.append(next(each))
                self._made.append(None)
            except StopIteration as end:
                self._parts.append(None)
                self._made.append(end.value)
        self.asked = [one for part in self._parts for one in part or ()]

    def make(self, found: Iterable[Result]) -> list[Any]:
        """What each makes of the results, which are those of ``asked`` in the same order."""
        results = iter(found)
        for at, (each, part) in enumerate(zip(self._steps, self._parts, strict=True)):
            if part is not None:
                try:
                    each.send([next(results) for _ in part])
                except StopIteration as end:
                    self._made[at] = end.value
        return self._made


def draw(
    target: Target, program: ProgramLike, points: PointsLike | None = None, **options: Any
) -> Steps[Iterator[Array]]:
    """The printed bits of each shot, as matrices of 0 and 1 of shape (points, shots, bits), a part of the points after
    another; without points there is one. All points are one job where the angles are affine functions of the
    parameters: then the shots of a point stand in random order."""
    given = {**target.options, **options}
    if not target.is_remote:
        return _draw_here(target, program, points, given)
    swept = None if points is None else _sweep(program, points, given)
    if swept is not None:
        (found,) = yield [swept]
        values = found.values
        assert values is not None, "a job with outputs has values"
        return (_rows_of(point.counts, found.seed, at)[None] for at, point in enumerate(values.points))
    from qmk.client.points import parts_of

    results = yield _runs(program, points, given)
    return (part.bits()[None] for found in results for part in parts_of(found))


def table(
    target: Target,
    program: ProgramLike,
    observables: Sequence[ObservableLike],
    points: PointsLike | None = None,
    **options: Any,
) -> Steps[tuple[Array, Array]]:
    """What ``Target.values`` gives, as arrays of the values and their standard errors, shape (points, observables)."""
    import numpy as np

    if target.is_remote:
        from qmk.api.observing import Expectation
        from qmk.request.outputs import outputs

        given = {**target.options, **options}
        read: dict[str, Any] = {name: given.pop(name, None) for name in ("params", "format")}
        sampled = given.get("shots") is not None
        graph, asked = outputs(program, expect=observables, points=points, counts=False, sampled=sampled, **read)
        (found,) = yield [Asked(graph, {**given, "outputs": asked})]
        values = found.values
        assert values is not None, "a job with outputs has values"
        rows = [[Expectation.of(one, values) for one in point.expectations] for point in values.points]
    elif points is not None and options.get("shots") is None:
        from qmk.api.sweeping import sweep

        swept = sweep(program, points, list(observables), **{**target.options, **options})
        return swept.values, swept.errors
    else:
        rows = target.values(program, observables, points, **options)
    return np.array([[e.value for e in row] for row in rows]), np.array([[e.error for e in row] for row in rows])


def _sweep(program: ProgramLike, points: PointsLike, options: dict[str, Any]) -> Asked | None:
    """All points as one job for their counts; None where the program has no such sweep, or the answer is too long."""
    from qmk.base.errors import QmkError
    from qmk.base.limits import LIMITS
    from qmk.qvm.outputs import Outputs, values_bytes_max
    from qmk.request.shots import DEFAULT_SHOTS
    from qmk.request.sweeps import points_of, sweep_of

    params, format = options.get("params"), options.get("format")
    try:
        graph, sweep = sweep_of(program, points_of(points, params), format)
    except QmkError as refused:
        if refused.fields.get("field") != "points":
            raise
        return None
    asked = Outputs(sweep=sweep)
    if values_bytes_max(asked, graph, 0, options.get("shots") or DEFAULT_SHOTS) > LIMITS.values_bytes:
        return None
    return Asked(graph, {**options, "params": None, "format": None, "outputs": asked})


def _runs(program: ProgramLike, points: PointsLike | None, options: dict[str, Any]) -> list[Asked]:
    """The jobs of a batch of one program, at several points where given, as ``Client.submit_many`` makes them."""
    from qmk.client.points import runs_of
    from qmk.request.batches import entries_of
    from qmk.request.options import read_options

    given = read_options("Client.submit", options)
    seed, entries = entries_of([program] if points is None else [(program, points)], None, given)
    found: list[Asked] = []
    for own, graph, there in runs_of(entries, given):
        if graph is None:
            found.append(Asked(own[0].source, {**options, "params": own[0].params, "seed": own[0].seed}))
        else:
            outputs = {"params": None, "format": None, "outputs": there.outputs}
            found.append(Asked(graph, {**options, **outputs, "seed": seed}))
    return found


_PART_BYTES = 1 << 26
"""So many bytes of unpacked bits are at hand at once."""


def _draw_here(
    target: Target, program: ProgramLike, points: PointsLike | None, options: dict[str, Any]
) -> Iterator[Array]:
    """The shots in this process: of all points from one reading of the program, where that can be."""
    import numpy as np

    from qmk.api.sweeping import draw_bits
    from qmk.request.options import read_options

    if points is None:
        return (np.array([target.run([one], **options)[0].bits()]) for one in [program])  # once it is asked for
    found = draw_bits(program, points, read_options("qmk.run", options))
    if found is None:
        return (result.bits()[None] for result in target.run([(program, points)], **options))
    size = max(1, _PART_BYTES // max(1, found[0].size))
    return (np.stack(found[start : start + size]) for start in range(0, len(found), size))


def _rows_of(counts: Mapping[str, int], seed: int, point: int) -> Array:
    """The shots that make up counts, in random order, as rows of 0 and 1."""
    import numpy as np

    from qmk.base.seeds import substream

    keys = np.array([[digit == "1" for digit in key if digit != " "] for key in counts], np.uint8)
    rows = np.repeat(keys.reshape(len(counts), -1), list(counts.values()), axis=0)
    return np.random.default_rng(substream(seed, "order", point)).permutation(rows)
