"""An estimate as rows for people: the table of the command line and the report show the same ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from qmk.models.estimate.estimate import Calibrated, Estimate
from qmk.models.estimate.output import metric, rqops, scientific
from qmk.models.estimate.solve import Point

_UNITS = (
    *(("ns", 1), ("us", 10**3), ("ms", 10**6), ("s", 10**9), ("min", 60 * 10**9), ("h", 3600 * 10**9)),
    *(("days", 24 * 3600 * 10**9), ("years", 365 * 24 * 3600 * 10**9)),
)


def duration(nanoseconds: int) -> str:
    """``132548145724800`` -> ``1.53 days``: three digits, where the formatted group of Azure's estimator has whole ones
    only."""
    unit, size = next(((unit, size) for unit, size in reversed(_UNITS) if nanoseconds >= size), ("ns", 1))
    value = nanoseconds / size
    return f"{value:,.0f} {unit}" if value >= 100 or unit == "ns" else f"{value:.3g} {unit}"


def count_of(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


class Row(NamedTuple):
    label: str
    value: str
    note: str = ""


def title(estimate: Estimate) -> str:
    """The machine in a line: qubits and code."""
    qubit = estimate.machine.qubit.name or "custom qubits"
    return f"{qubit}, {estimate.machine.code.resolved['name'] or 'custom code'}"


def space(point: Point) -> list[Row]:
    whole = point.physical_qubits
    patch = point.patch
    blocks = f"{count_of(point.patches, 'patch', 'patches')} of {patch.physical_qubits:,}" + (
        f" ({patch.label})" if patch.label else ""
    )
    rows = [
        Row("Physical qubits", f"{whole:,}", metric(whole) if whole >= 1000 else ""),
        Row("  for the program", f"{point.algorithm_qubits:,}", blocks),
    ]
    if point.factory:
        each = f"{count_of(point.factories, 'factory', 'factories')} of {point.factory.qubits:,}"
        rows.append(Row("  for T states", f"{point.factory_qubits:,}", each))
    return [*rows, Row("Logical qubits", f"{point.layout_qubits:,}", "with routing space")]


def time(point: Point) -> list[Row]:
    stretched = point.depth - point.algorithmic_depth
    note = f"{stretched:,} more than the program needs: for T states" if stretched else "logical cycles"
    return [
        Row("Runtime", duration(point.runtime_ns), f"{point.runtime_ns:,} ns"),
        Row("Logical depth", f"{point.depth:,}", note),
        Row("Logical cycle", duration(point.patch.cycle_ns), f"{point.patch.distance} rounds"),
        Row("Reliable operations", f"{metric(rqops(point))}/s", "logical qubits x cycles"),
    ]


def errors(estimate: Estimate, point: Point) -> list[Row]:
    budget = estimate.budget
    parts = f"logical {scientific(budget.logical)}, T states {scientific(budget.t_states)}, "
    needed = scientific(point.required_rate_per_cycle)
    return [
        Row("Error budget", scientific(budget.total), f"{parts}rotations {scientific(budget.rotations)}"),
        Row("Code distance", str(point.patch.distance), point.patch.label),
        Row("Logical error rate", scientific(point.patch.rate_per_cycle), f"per qubit and cycle; needed {needed}"),
    ]


def states(point: Point) -> list[Row]:
    factory = point.factory
    if factory is None:
        return [Row("T states", "none")]
    rotations = f"{point.t_per_rotation} for each rotation" if point.t_per_rotation else ""
    runs = count_of(point.factory_runs, "run", "runs")
    rounds = "; ".join(f"{each.units:,} x {each.unit} at d = {each.distance}" for each in factory.rounds)
    return [
        Row("T states", f"{point.t_states:,}", rotations),
        Row("T factories", f"{point.factories:,}", f"{runs} of {duration(factory.duration_ns)}"),
        Row("  rounds", str(len(factory.rounds)), rounds),
        Row(
            "  error of a T state", scientific(factory.error_rate), f"needed {scientific(point.required_t_rate or 0.0)}"
        ),
    ]


def measured_rows(calibrated: Calibrated) -> list[Row]:
    """Rates from simulated circuits, and what their interval makes of each figure."""
    found = calibrated.to_dict()

    def row(label: str, name: str, text: Callable[[int], str]) -> Row:
        value, low, high = found[name].values()
        return Row(label, text(value), f"{text(low)} to {text(high)}" if high is not None else f"{text(low)} and more")

    return [
        row("Calibrated qubits", "physicalQubits", lambda x: f"{x:,}"),
        row("  runtime", "runtimeNs", duration),
        row("  code distance", "codeDistance", str),
    ]


HEAD = ("Machine", "Qubits", "Runtime", "d", "Factories", "Logical qubits", "T states")


def summary(name: str, estimate: Estimate, point: Point) -> tuple[str, ...]:
    """One row under ``HEAD``."""
    factories = f"{point.factories:,} ({point.factory_qubits * 100 / point.physical_qubits:.0f} %)"
    return (
        name,
        metric(point.physical_qubits),
        duration(point.runtime_ns),
        str(point.patch.distance),
        factories if point.factory else "none",
        metric(point.layout_qubits),
        metric(point.t_states),
    )
