"""Values beyond counts on the command line: the options that ask for them, and how they are printed."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec
from msgspec.structs import fields, replace

from qmk.base.limits import LIMITS, check
from qmk.cli import source
from qmk.cli.failure import Console, call_error

if TYPE_CHECKING:
    from qmk.frontends import Loaded
    from qmk.qvm.outputs import Estimate, Outputs, Point, Values

Command = TypeVar("Command", bound=Callable[..., Any])

SHOWN = 20
COUNTS_SHOWN = 4
"""Rows of a table, and outcomes of a point of a sweep, that are printed; JSON has all."""


class Wanted(msgspec.Struct, frozen=True):
    """The options as they were given."""

    expect: tuple[str, ...] = ()
    state: bool = False
    amplitude: tuple[str, ...] = ()
    probabilities: tuple[str, ...] = ()
    gradient: bool = False
    sweep: str | None = None
    sampled: bool = False
    no_counts: bool = False

    @property
    def anything(self) -> bool:
        return self != Wanted()

    @property
    def values(self) -> bool:
        """Whether there is something to give beyond counts."""
        return replace(self, sampled=False, no_counts=False) != Wanted()


_OPTIONS = (
    click.option("--no-counts", is_flag=True, help="Give the values only, no counts."),
    click.option("--sampled", is_flag=True, help="Estimate expectation values from shots even where they are known."),
    click.option("--sweep", type=click.Path(), metavar="FILE", help="CSV: names of inputs, then one point a row."),
    click.option("--gradient", is_flag=True, help="Derivatives of --expect by the inputs, or by every angle."),
    click.option("--probabilities", multiple=True, metavar="Q,Q", help="Joint probabilities of these qubits."),
    click.option("--amplitude", multiple=True, metavar="BITS", help="Amplitude of a bitstring, qubit 0 first."),
    click.option("--state", is_flag=True, help="The state vector before the final read-out."),
    click.option("--expect", multiple=True, metavar="SUM", help='Expectation value, such as "0.5*ZZI + XXI".'),
)


def output_options(command: Command) -> Command:
    """Adds the options, and hands them over together as ``wanted``."""

    @functools.wraps(command)
    def collect(*args: Any, **given: Any) -> Any:
        found = {field.name: given.pop(field.name) for field in fields(Wanted)}
        return command(*args, wanted=Wanted(**found), **given)

    for option in _OPTIONS:
        collect = option(collect)
    return collect  # type: ignore[return-value]


def load(
    wanted: Wanted, program: str, format_name: str | None, params: dict[str, Any], console: Console
) -> tuple[Loaded, Outputs | None]:
    """The program, and what a job of it shall give."""
    points = _points(wanted.sweep) if wanted.sweep is not None else None
    first = {**params, **(points[0] if points else {})}
    if twice := sorted(params.keys() & (points[0] if points else {}).keys()):
        raise call_error(f"--param {twice[0]} and a column '{twice[0]}' of {wanted.sweep}: give it once")
    loaded = source.load(program, format_name, first, console)
    if not wanted.anything:
        return loaded, None
    if not wanted.values:
        raise call_error("--no-counts and --sampled are about values, and none is asked for: add such as --expect")
    import msgspec

    from qmk.request.outputs import outputs

    by_name = points is not None or (wanted.gradient and bool(params))
    # a pipe can be read once; the front end looks for what a file includes beside it
    text = (
        Path(program) if Path(program).is_file() else console.sources[source.STDIN_NAME if program == "-" else program]
    )
    graph, asked = outputs(
        text if by_name else loaded.graph,
        expect=wanted.expect,
        state=wanted.state,
        amplitudes=wanted.amplitude,
        probabilities=[_qubits(group) for group in wanted.probabilities],
        gradient=wanted.gradient,
        points=points,
        params=params if by_name else None,
        counts=not wanted.no_counts,
        sampled=wanted.sampled,
        format=loaded.format if by_name else None,
    )
    return msgspec.structs.replace(loaded, graph=graph), asked


def _qubits(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise call_error(f"'{text}' names no qubits; write their numbers with commas, such as 0,2") from None


def _points(path: str) -> list[dict[str, float]]:
    """The rows of a CSV file."""
    try:
        with open(path, encoding="utf-8-sig") as file:  # spreadsheets put a mark before the first name
            text = file.read(LIMITS.source_bytes + 1)
        check("source_bytes", len(text), path)
        rows = list(csv.reader(io.StringIO(text), skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise call_error(f"cannot read '{path}': {str(error).lower()}", path=path) from error
    if len(rows) < 2:
        raise call_error(f"'{path}' has no points: write the names of inputs, then one row a point", path=path)
    rows[0] = [name.strip() for name in rows[0]]
    if odd := next((name for name in rows[0] if name and rows[0].count(name) > 1), ""):
        raise call_error(f"'{path}' has two columns '{odd}': name each input once", path=path)
    if "" in rows[0]:
        raise call_error(f"'{path}' has a column without a name: write the names of inputs in its first row", path=path)
    found: list[dict[str, float]] = []
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        try:
            found.append({name: float(value) for name, value in zip(rows[0], row, strict=True)})
        except ValueError:
            what = f"{path}:{number}: this row is not one number for each of {', '.join(rows[0])}"
            raise call_error(what, path=path) from None
    if not found:
        raise call_error(f"'{path}' has no points: write the names of inputs, then one row a point", path=path)
    return found


def lines(values: Values, labels: Sequence[str] = ()) -> Iterable[str]:
    """Values for people. ``labels``: the observables as they were written."""
    drawn = f"from {values.shots} shots of each basis" if values.shots else "small parts left out"
    how = "exact" if values.exact else drawn
    yield f"values: {how}, {values.engine}"
    if len(values.points) == 1:
        yield from _point(values.points[0], values.parameters, labels)
        return
    for number, point in enumerate(values.points[:SHOWN]):
        found = "  ".join(_text(estimate) for estimate in point.expectations)
        if not found and point.counts:
            most = sorted(point.counts.items(), key=lambda row: (-row[1], row[0]))
            found = "  ".join(f"{bits}: {count}" for bits, count in most[:COUNTS_SHOWN])
            found += f"  and {len(most) - COUNTS_SHOWN} more" if len(most) > COUNTS_SHOWN else ""
        yield f"  point {number}{':' if found else ''} {found}".rstrip()
    if len(values.points) > SHOWN:
        yield f"  ... {len(values.points) - SHOWN} more points; --json has all"


def _point(point: Point, parameters: Sequence[str], labels: Sequence[str]) -> Iterable[str]:
    for number, estimate in enumerate(point.expectations):
        label = labels[number] if number < len(labels) else f"observable {number}"
        yield f"  <{label}> = {_text(estimate)}"
        if number < len(point.gradients):
            slopes = list(zip(parameters, point.gradients[number], strict=True))
            yield from (f"    d/d {name} = {_text(slope)}" for name, slope in slopes[:SHOWN])
            yield from _more(len(slopes), "derivatives")
    for number, (real, imag) in enumerate(point.amplitudes):
        yield f"  amplitude {number} = {complex(real, imag):.9g}"
    for number, row in enumerate(point.probabilities):
        width = len(row).bit_length() - 1
        shown = [f"{value:0{width}b}: {_text(chance)}" for value, chance in enumerate(row[:SHOWN])] if width else []
        yield f"  probabilities {number}: {', '.join(shown)}"
        yield from _more(len(row), "values")
    for name, row in point.trajectory.items():
        last = _text(row[-1])
        yield f"  <{name}> over time, {len(row)} values from t = {point.times[0]:g} to {point.times[-1]:g}; last {last}"
    if point.state:
        size = len(point.state) // 16
        yield f"  state: {size} amplitudes"
        for index, value in enumerate(_amplitudes(point.state)[:SHOWN]):
            yield f"    {index:0{max(size.bit_length() - 1, 1)}b}: {value:.9g}"
        yield from _more(size, "amplitudes")


def _more(size: int, what: str) -> Iterable[str]:
    if size > SHOWN:
        yield f"    ... {size - SHOWN} more {what}; --json has all"


def _text(estimate: Estimate) -> str:
    if not estimate.error:
        return f"{estimate.value:.9g}"
    kind = {"bound": " (at most)", "estimate": " (estimated)"}.get(estimate.kind, "")
    return f"{estimate.value:.5g} +- {estimate.error:.2g}{kind}"


def _amplitudes(state: bytes) -> list[complex]:
    import struct

    numbers = struct.unpack(f"<{len(state) // 8}d", state)
    return [complex(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
