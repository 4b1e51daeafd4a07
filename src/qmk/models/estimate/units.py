"""Distillation units: what they take and give, how they fail, and what they cost on physical and on logical qubits.

The two named units are 15-to-1 with Reed-Muller preparation and its space-efficient form; their numbers and formulas
are those of Azure's estimator (arXiv:2211.07629, table VII): output 35 z^3 + 7.1 c, failure 15 z + 356 c, with the
error rates z of the T states that go in and c of a Clifford operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from qmk.models.estimate import formula
from qmk.models.estimate.wrong import hint_at, label, mapping, refuse_unknown, show, whole, wrong

Rate = Callable[[float, float, float], float]
"""An output error rate as a function of the error rates of the T states that go in, of a Clifford operation and of a
read-out."""


class Cost(NamedTuple):
    qubits: int
    cycles: int


@dataclass(frozen=True, slots=True)
class Unit:
    """``physical`` None: not on bare qubits; ``logical`` None: only on bare qubits, so only in the first round."""

    name: str
    inputs: int
    outputs: int
    failure_rate: Rate
    output_rate: Rate
    physical: Cost | None
    logical: Cost | None
    logical_first: Cost | None = None


def _fails(z: float, c: float, r: float) -> float:
    return 15.0 * z + 356.0 * c


def _errs(z: float, c: float, r: float) -> float:
    return 35.0 * (z * (z * z)) + 7.1 * c


RM_PREP = Unit("15-to-1 RM prep", 15, 1, _fails, _errs, Cost(31, 24), Cost(31, 11))
SPACE_EFFICIENT = Unit("15-to-1 space efficient", 15, 1, _fails, _errs, Cost(12, 45), Cost(20, 13))
TRIVIAL = Unit("trivial 1-to-1", 1, 1, lambda z, c, r: 0.0, lambda z, c, r: z, None, Cost(1, 1))
DEFAULT = (RM_PREP, SPACE_EFFICIENT)

NAMED: dict[str, Unit] = {
    **dict.fromkeys(("15-1 RM", "15-1 RM prep", "15-to-1 RM", "15-to-1 RM prep"), RM_PREP),
    **dict.fromkeys(
        ("15-1 space-efficient", "15-1 space efficient", "15-to-1 space-efficient", "15-to-1 space efficient"),
        SPACE_EFFICIENT,
    ),
}
_VARIABLES = ("inputErrorRate", "cliffordErrorRate", "readoutErrorRate", "z", "c", "r")
_COSTS = ("physicalQubitSpecification", "logicalQubitSpecification", "logicalQubitSpecificationFirstRoundOverride")
_CUSTOM = (
    *("displayName", "numInputTs", "numOutputTs", "failureProbabilityFormula", "outputErrorRateFormula"),
    *_COSTS,
)
_MOST_UNITS = 16


def parse(given: Any, field: str = "distillationUnitSpecifications") -> tuple[Unit, ...]:
    """The units of a list of specifications; the two named ones where it is empty."""
    if not isinstance(given, (list, tuple)):
        raise wrong(field, f"expected a list, not {type(given).__name__}", "write [ ... ] of specifications")
    specs = cast("Sequence[Any]", given)
    if len(specs) > _MOST_UNITS:
        raise wrong(field, f"{len(specs)} units", f"give at most {_MOST_UNITS}: the search tries every sequence")
    return tuple(_unit(each, f"{field}/{index}") for index, each in enumerate(specs)) or DEFAULT


def _unit(given: Any, field: str) -> Unit:
    spec = mapping(given, field)
    if "name" in spec:
        refuse_unknown(spec, ("name",), field)
        found = NAMED.get(spec["name"]) if isinstance(spec["name"], str) else None
        if found is None:
            raise wrong(
                f"{field}/name", f"no unit is named {show(spec['name'])}", hint_at(spec["name"], NAMED, "names")
            )
        return found
    refuse_unknown(spec, _CUSTOM, field)
    missing = [name for name in _CUSTOM[:5] if name not in spec]
    if missing:
        raise wrong(field, f"missing {', '.join(missing)}", "give them, or the name of a unit")
    physical, logical, first = (_cost(spec, name, field) for name in _COSTS)
    if physical is None and logical is None:
        raise wrong(field, "costs nothing", f"give {_COSTS[0]}, {_COSTS[1]} or both")
    if first is not None and logical is None:
        raise wrong(f"{field}/{_COSTS[2]}", "nothing to override", f"give {_COSTS[1]} too")
    return Unit(
        label(spec["displayName"], f"{field}/displayName"),
        whole(spec["numInputTs"], f"{field}/numInputTs", 1, 10**6),
        whole(spec["numOutputTs"], f"{field}/numOutputTs", 1, 10**6),
        _rate(spec["failureProbabilityFormula"], f"{field}/failureProbabilityFormula"),
        _rate(spec["outputErrorRateFormula"], f"{field}/outputErrorRateFormula", negative=False),
        physical,
        logical,
        first,
    )


def _cost(spec: Mapping[str, Any], name: str, field: str) -> Cost | None:
    if spec.get(name) is None:
        return None
    field = f"{field}/{name}"
    given = mapping(spec[name], field)
    names = ("numUnitQubits", "durationInQubitCycleTime")
    refuse_unknown(given, names, field)
    if len(given) != 2:
        raise wrong(field, f"needs {' and '.join(names)}", "give both")
    return Cost(
        whole(given[names[0]], f"{field}/{names[0]}", 1, 10**9), whole(given[names[1]], f"{field}/{names[1]}", 1, 10**9)
    )


def _rate(text: Any, field: str, negative: bool = True) -> Rate:
    """A failure rate that is not above 0 or not below 1 only makes the search go on, as in Azure's estimator; an error
    rate below 0 would be better than perfect."""
    parsed = formula.parse(text, _VARIABLES, field)
    kept: dict[tuple[float, float, float], float] = {}

    def rate(z: float, c: float, r: float) -> float:
        key = (z, c, r)
        if key not in kept:
            if len(kept) > 10_000:
                kept.clear()
            found = parsed(dict(zip(_VARIABLES, (z, c, r, z, c, r), strict=True)))
            if found < 0.0 and not negative:
                said = f"{show(parsed.text)} is {found:g} at z = {z:g}, c = {c:g}, r = {r:g}"
                raise wrong(field, said, "write a formula that is never below 0")
            kept[key] = found
        return kept[key]

    return rate
