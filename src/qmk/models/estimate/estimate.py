"""One estimate or a batch of them: parameters in, groups out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from qmk.base.errors import QmkError
from qmk.base.limits import check
from qmk.models.estimate import budget, constraints, output
from qmk.models.estimate.counts import LogicalCounts
from qmk.models.estimate.machine import Machine, calibrate, machine
from qmk.models.estimate.rates import SIGMAS, RateFit
from qmk.models.estimate.solve import Point, Problem
from qmk.models.estimate.wrong import mapping, refuse_unknown, show, wrong

_KEYS = ("qubitParams", "qecScheme", "errorBudget", "constraints", "distillationUnitSpecifications", "estimateType")
SINGLE, FRONTIER = "singlePoint", "frontier"


class Estimate:
    """The machine that a program needs. ``points``: one, or the frontier with the fastest first."""

    __slots__ = ("bounds", "budget", "counts", "given", "machine", "params", "points")

    def __init__(self, counts: LogicalCounts, params: Mapping[str, Any]) -> None:
        if not isinstance(cast("object", counts), LogicalCounts):
            raise wrong("counts", f"{show(counts)} is not a LogicalCounts", "give one, or use qmk.estimate")
        refuse_unknown(mapping(params, "params"), _KEYS, "")
        kind = params.get("estimateType", SINGLE)
        if kind not in (SINGLE, FRONTIER):
            raise wrong("estimateType", f"{show(kind)} is unknown", f"write {SINGLE} or {FRONTIER}")
        self.counts, self.params = counts, params
        given = params.get("errorBudget", budget.DEFAULT)
        self.machine: Machine = machine(
            params.get("qubitParams"), params.get("qecScheme"), params.get("distillationUnitSpecifications")
        )
        bounds = params.get("constraints")
        self.bounds = constraints.parse({} if bounds is None else bounds)
        self.budget = budget.parse(given, counts)
        is_split = isinstance(given, Mapping)
        self.given = cast("Mapping[str, Any]", given) if is_split else self.budget.total
        problem = Problem(counts, self.budget, self.bounds, self.machine.code, self.machine.designs)
        self.points: list[Point] = problem.frontier() if kind == FRONTIER else [problem.point()]

    def estimate_calibrated(self, fit: RateFit | None = None) -> Calibrated:
        """The same program with measured error rates, and with both ends of their interval: for the surface code those
        of ``fit`` (by default the one to the simulated circuits of ``models.qec.tables``), for our codes their own.
        Raises INVALID_PARAMS where there are none, or where no machine meets the budget at them."""
        found: list[Point | None] = []
        source = ""
        for sigmas in (0.0, -SIGMAS, SIGMAS):
            other = calibrate(self.machine, fit, sigmas)
            source = source or getattr(other.code, "source", "")
            try:
                found.append(Problem(self.counts, self.budget, self.bounds, other.code, other.designs).point())
            except QmkError:
                if not found:
                    raise
                found.append(None)
        assert found[0] is not None
        return Calibrated(source, found[0], (found[1], found[2]))

    def __reduce__(self) -> tuple[type[Estimate], tuple[LogicalCounts, Mapping[str, Any]]]:
        return Estimate, (self.counts, self.params)  # formulas are functions; they are read anew

    @property
    def point(self) -> Point:
        return self.points[0]

    @property
    def physical_qubits(self) -> int:
        return self.point.physical_qubits

    @property
    def runtime_ns(self) -> int:
        return self.point.runtime_ns

    @property
    def code_distance(self) -> int:
        return self.point.patch.distance

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.machine.warnings

    def to_dict(self) -> dict[str, Any]:
        """The groups of Azure's estimator, and under ``qmk`` what is ours."""
        kind = self.params.get("estimateType", SINGLE)
        units = self.params.get("distillationUnitSpecifications")
        clifford = self.machine.qubit.clifford_rate
        entries = [output.point_groups(point, self.counts, self.budget, self.bounds, clifford) for point in self.points]
        resolved = self.machine.code.resolved, self.given, self.machine.qubit.resolved
        groups: dict[str, Any] = {
            "status": "success",
            "jobParams": output.job_params(*resolved, self.bounds, units, kind),
            **({"frontierEntries": entries} if kind == FRONTIER else entries[0]),
            "logicalCounts": self.counts.to_dict(),
        }
        groups["qmk"] = {"tier": "analytic", "warnings": list(self.warnings)}
        return groups


class Calibrated(NamedTuple):
    """``interval``: the machines for error rates two standard deviations below and above those of ``source``, None
    where no machine meets the budget. Factories come in steps, so that a machine for higher rates can be the smaller
    one; ``to_dict`` gives the least and the most."""

    source: str
    point: Point
    interval: tuple[Point | None, Point | None]

    def to_dict(self) -> dict[str, Any]:
        """Each figure with its interval; ``high`` None: nothing suffices at that end. The rate is that of one logical
        qubit in one logical cycle of d rounds."""
        figures: dict[str, Callable[[Point], float]] = {
            "physicalQubits": lambda each: each.physical_qubits,
            "runtimeNs": lambda each: each.runtime_ns,
            "codeDistance": lambda each: each.patch.distance,
            "logicalErrorRatePerQubitCycle": lambda each: each.patch.rate_per_cycle,
        }
        found: dict[str, Any] = {}
        for name, of in figures.items():
            values = [of(each) for each in (self.point, *self.interval) if each is not None]
            high = max(values) if self.interval[1] is not None else None
            found[name] = {"value": values[0], "low": min(values), "high": high}
        return {**found, "sigmas": SIGMAS, "source": self.source}


def estimate(
    counts: LogicalCounts, params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
) -> Estimate | list[Estimate | QmkError]:
    """One estimate, or for a list of parameters one of each: an item that cannot be estimated is its error, and the
    others go on. Raises INVALID_PARAMS, with the path of the field, for a single one."""
    if params is None or isinstance(params, Mapping):
        return Estimate(counts, params or {})
    if isinstance(params, (str, bytes)) or not isinstance(cast("object", params), Sequence):
        raise wrong("params", f"expected an object or a list of them, not {type(params).__name__}", "write { ... }")
    check("estimates", len(params), "one batch")
    found: list[Estimate | QmkError] = []
    for item in params:
        try:
            found.append(Estimate(counts, mapping(item, "params")))
        except QmkError as error:
            found.append(error)
    return found
