"""Batches: several programs, or several points of their parameters, in one call.

A batch has an entry for each point of each program, programs in order, the points of each after one another. The seed
of entry i is ``substream(seed, "batch", i)``: run alone with that seed, it gives the same bits.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from qmk.base.errors import QmkError
from qmk.base.limits import check
from qmk.base.seeds import substream
from qmk.models.arguments import show
from qmk.request.options import RunOptions
from qmk.request.program import ProgramLike, own_once
from qmk.request.shots import seed_of
from qmk.request.sweeps import PointsLike, columns_of

BatchLike: TypeAlias = "Sequence[ProgramLike | tuple[ProgramLike, PointsLike]]"
"""A list or tuple of programs; in it, a pair is a program with points of its own."""


@dataclass(frozen=True)
class Entry:
    """One run of a batch: of the program ``source``, with ``params`` and ``seed``. ``program`` is the place of its
    program in the list, ``point`` that of its point, None where it has none."""

    index: int
    program: int
    point: int | None
    source: ProgramLike
    params: Mapping[Any, Any] | None
    seed: int

    @property
    def place(self) -> str:
        """``entry 5 (program 1, point 2)``."""
        point = "" if self.point is None else f", point {self.point}"
        return f"entry {self.index} (program {self.program}{point})"

    def options_of(self, options: RunOptions) -> RunOptions:
        """The options of the batch with the parameters and the seed of this entry."""
        return options.replace(params=self.params, seed=self.seed)


def is_batch(program: object, points: object) -> bool:
    """Whether a call is given several programs, or points."""
    return points is not None or isinstance(program, (list, tuple))


def entries_of(
    program: ProgramLike | BatchLike, points: PointsLike | None, options: RunOptions
) -> tuple[int, list[Entry]]:
    """The seed of the batch, which is drawn if none is given, and its entries.

    Raises INVALID_PARAMS for points that are not points, and for a program that has points of its own where ``points``
    are for all; QUOTA_EXCEEDED for more entries than the limit ``sweep_points``.
    """
    seed = seed_of(options.seed)
    given = cast("Sequence[Any]", program) if isinstance(program, (list, tuple)) else [program]
    check("sweep_points", len(given), "one batch")
    common = None if points is None else _rows(points, options.params)
    entries: list[Entry] = []
    for at, each in enumerate(given):
        source, rows = (
            (each, common) if not isinstance(each, (list, tuple)) else _pair(at, cast("Any", each), common, options)
        )
        source = own_once(source)
        check("sweep_points", len(entries) + (1 if rows is None else len(rows)), "one batch")
        for point, params in enumerate([options.params] if rows is None else rows):
            index = len(entries)
            place = None if rows is None else point
            entries.append(Entry(index, at, place, source, params, substream(seed, "batch", index)))
    return seed, entries


def _pair(
    at: int, given: Sequence[Any], common: list[dict[str, Any]] | None, options: RunOptions
) -> tuple[ProgramLike, list[dict[str, Any]]]:
    """A program with points of its own."""
    where = f"program {at} of the batch"
    if len(given) != 2:
        fix = "give programs, or pairs (program, points)"
        raise QmkError(
            "INVALID_PARAMS", f"{where} is a {type(given).__name__} of {len(given)}", field="program", help=fix
        )
    if common is not None:
        fix = "give points for all programs, or each its own"
        raise QmkError("INVALID_PARAMS", f"{where} has points, and all have others", field="points", help=fix)
    try:
        return given[0], _rows(given[1], options.params)
    except QmkError as refused:
        raise name_place(refused, where, program=at) from None


def _rows(points: PointsLike, fixed: Mapping[Any, Any] | None) -> list[dict[str, Any]]:
    """Points as mappings of all parameters to their values, as they were given."""
    columns = columns_of(points, fixed)
    n = len(next(iter(columns.values())))
    check("sweep_points", n, "one batch")
    try:
        lists = {name: list(values) for name, values in columns.items()}
    except Exception:  # a caller's own class may raise anything
        raise QmkError(
            "INVALID_PARAMS", f"points cannot be read: {show(points, 60)}", field="points",
            help="give each name a list of values",
        ) from None  # fmt: skip
    return [{**(fixed or {}), **{name: values[at] for name, values in lists.items()}} for at in range(n)]


@contextmanager
def naming(entry: Entry) -> Generator[None]:
    """Errors raised inside name the entry, in their text and in their field ``entry``."""
    try:
        yield
    except QmkError as error:
        raise name_place(error, entry.place, entry=entry.index) from error


def name_place(error: QmkError, place: str, **fields: Any) -> QmkError:
    """The same error with a place before its message, and more fields."""
    found = QmkError(error.kind.name, f"{place}: {error.message}")
    found.fields = {**error.fields, **fields}
    return found
