"""Runs the entries of a batch in this process, one after another, each as a call of its own would run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from qmk.client.batch import CountsBatch, HasCounts, ValuesBatch
from qmk.request.batches import BatchLike, Entry, entries_of, naming
from qmk.request.options import Progress, RunOptions
from qmk.request.physical import read_once
from qmk.request.program import ProgramLike, own_once
from qmk.request.progress import showing
from qmk.request.sweeps import PointsLike

if TYPE_CHECKING:
    from qmk.request.observables import ObservableLike

T = TypeVar("T")
D = TypeVar("D", bound=HasCounts)
Run = Callable[[ProgramLike, RunOptions], T]


def run_entries(entries: list[Entry], options: RunOptions, run: Run[T]) -> list[T]:
    """What ``run`` gives for each entry. An error names the entry, and ends the batch."""
    found: list[T] = []
    for entry in entries:
        with naming(entry):
            found.append(run(entry.source, entry.options_of(options)))
    return found


def draw_batch(
    program: ProgramLike | BatchLike, points: PointsLike | None, options: RunOptions, run: Run[D]
) -> CountsBatch[D]:
    """The batch of ``qmk.run`` and ``qmk.sample``. A function of progress gets the shots of all entries so far."""
    seed, entries = entries_of(program, points, options)
    options = options.replace(noise=read_once(options.noise))
    with showing(options, len(entries)) as options:
        progress, before = options.report, 0

        def run_one(source: ProgramLike, there: RunOptions) -> D:
            nonlocal before
            if progress is not None:
                there = there.replace(progress=_count_on(progress, before))
            found = run(source, there)
            before += found.shots
            return found

        return CountsBatch(run_entries(entries, options, run_one), entries, seed)


def evaluate_batch(
    program: ProgramLike | BatchLike,
    points: PointsLike | None,
    observable: ObservableLike | Sequence[ObservableLike],
    options: RunOptions,
    run: Run[Any],
) -> ValuesBatch[Any]:
    """The batch of ``qmk.expectation``. The exact values of one program at many points are those of ``qmk.sweep``."""
    program = program if isinstance(program, (list, tuple)) else own_once(cast("ProgramLike", program))
    seed, entries = entries_of(program, points, options)
    found = None
    if points is not None and not isinstance(program, (list, tuple)):
        found = _at_all_points(program, points, observable, options)
    return ValuesBatch(run_entries(entries, options, run) if found is None else found, entries, seed)


def _at_all_points(program: ProgramLike, points: PointsLike, observable: Any, options: RunOptions) -> list[Any] | None:
    """Exact values from one reading of the program; None where each point is to be run by itself."""
    from qmk.api.observing import Expectation
    from qmk.api.sweeping import exact_values
    from qmk.request.observables import is_one

    swept = exact_values(program, points, observable, options)
    if swept is None:
        return None
    rows = [[Expectation(value, engine=swept.engine) for value in row] for row in swept.values.tolist()]
    return [row[0] for row in rows] if is_one(observable) else rows


def _count_on(progress: Progress, before: int) -> Progress:
    return lambda done: progress(before + done)
