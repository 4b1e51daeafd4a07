"""Physical qubits: operation times and error rates, the six named models of Azure's estimator (arXiv:2211.07629,
section IV) and models of one's own. Times are whole nanoseconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from qmk.models.estimate.wrong import hint_at, label, mapping, number, refuse_unknown, show, wrong

_TIME = re.compile(r"\+?([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*(s|ms|μs|µs|us|ns)")
_UNIT_NS = {"s": 1e9, "ms": 1e6, "μs": 1e3, "µs": 1e3, "us": 1e3, "ns": 1.0}
_SETS: dict[str, Literal["GateBased", "Majorana"]] = {
    **dict.fromkeys(("GateBased", "gateBased", "gate_based", "gate-based"), "GateBased"),
    **dict.fromkeys(("Majorana", "majorana"), "Majorana"),
}

GATE_TIMES = ("oneQubitMeasurementTime", "oneQubitGateTime", "twoQubitGateTime", "tGateTime")
GATE_RATES = (
    *("oneQubitMeasurementErrorRate", "oneQubitGateErrorRate", "twoQubitGateErrorRate"),
    *("tGateErrorRate", "idleErrorRate"),
)
MAJORANA_TIMES = ("oneQubitMeasurementTime", "twoQubitJointMeasurementTime", "tGateTime")
MAJORANA_RATES = (
    *("oneQubitMeasurementErrorRate", "twoQubitJointMeasurementErrorRate"),
    *("tGateErrorRate", "idleErrorRate"),
)


def _gate(unit: str, gate: int, measure: int, rate: float, t_rate: float) -> dict[str, Any]:
    times = dict(zip(GATE_TIMES, (measure, gate, gate, gate), strict=True))
    return {"instructionSet": "GateBased", **{name: f"{time} {unit}" for name, time in times.items()}} | {
        **dict.fromkeys(GATE_RATES, rate),
        "tGateErrorRate": t_rate,
    }


def _majorana(rate: float, t_rate: float) -> dict[str, Any]:
    both = {"process": rate, "readout": rate}
    return {"instructionSet": "Majorana", **dict.fromkeys(MAJORANA_TIMES, "100 ns")} | {
        **dict.fromkeys(MAJORANA_RATES, both),
        "tGateErrorRate": t_rate,
        "idleErrorRate": rate,
    }


NAMED: dict[str, dict[str, Any]] = {
    "qubit_gate_ns_e3": _gate("ns", 50, 100, 1e-3, 1e-3),
    "qubit_gate_ns_e4": _gate("ns", 50, 100, 1e-4, 1e-4),
    "qubit_gate_us_e3": _gate("us", 100, 100, 1e-3, 1e-6),
    "qubit_gate_us_e4": _gate("us", 100, 100, 1e-4, 1e-6),
    "qubit_maj_ns_e4": _majorana(1e-4, 0.05),
    "qubit_maj_ns_e6": _majorana(1e-6, 0.01),
}
DEFAULT = "qubit_gate_ns_e3"


@dataclass(frozen=True, slots=True)
class Qubit:
    """``resolved`` is what the caller gave with every default filled in. ``clifford_rate``: worst of the Clifford
    operations and idling, ``readout_rate``: of reading an outcome."""

    name: str
    instruction_set: Literal["GateBased", "Majorana"]
    times_ns: Mapping[str, int]
    t_gate_time_ns: int
    t_gate_rate: float
    clifford_rate: float
    readout_rate: float
    resolved: Mapping[str, Any]

    @property
    def physical_rate(self) -> float:
        """What the code has to correct. Azure's estimator checks only the Clifford rate against the threshold."""
        return max(self.clifford_rate, self.readout_rate)


def parse_time_ns(value: Any, field: str) -> int:
    """``"50 ns"``, ``"0.1 us"``; a bare number is refused, as it has no unit."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise wrong(
            field, f"{show(value)} is not a time", "write a number and a unit of s, ms, us, ns, such as '50 ns'"
        )
    nanoseconds = float(match[1]) * _UNIT_NS[match[2]]
    if not nanoseconds < 1e18:
        raise wrong(field, f"{show(value)} is too long", "write at most 30 years")
    return int(nanoseconds + 0.5)


def parse_rate(value: Any, field: str) -> float:
    rate = number(value, field)
    if not 0.0 < rate < 1.0:
        raise wrong(field, f"expected a value between 0 and 1, not {rate:g}", "write an error rate above 0 and below 1")
    return rate


def _read_rates(value: Any, field: str) -> dict[str, float]:
    """The two error rates of a measurement: of the process and of the read-out."""
    if not isinstance(value, Mapping):
        rate = parse_rate(value, field)
        return {"process": rate, "readout": rate}
    rates = cast("Mapping[str, Any]", value)
    refuse_unknown(rates, ("process", "readout"), field)
    if len(rates) != 2:
        raise wrong(field, "needs 'process' and 'readout'", "give both, or one number for both")
    return {name: parse_rate(rates[name], f"{field}/{name}") for name in ("process", "readout")}


def parse(given: Any, field: str = "qubitParams") -> Qubit:
    """A named model, a named model with some fields replaced, or a model of one's own with ``instructionSet``."""
    values = dict(mapping(given, field))
    name = label(values.pop("name", ""), f"{field}/name")
    base = NAMED.get(name, {})
    asked = values.pop("instructionSet", None)
    if asked is None and not base:
        missing = f"no model is named '{name}', and there is no instructionSet" if name else "needs a name"
        hint = hint_at(name, NAMED, "models")
        raise wrong(field, missing, f"{hint}; or give instructionSet and every rate and time of your own")
    kind = _SETS.get(asked) if isinstance(asked, str) else None
    if asked is not None and kind is None:
        raise wrong(f"{field}/instructionSet", f"{show(asked)} is unknown", "write GateBased or Majorana")
    kind = kind or base["instructionSet"]
    if base and base["instructionSet"] != kind:
        base = {}
    names = (GATE_TIMES, GATE_RATES) if kind == "GateBased" else (MAJORANA_TIMES, MAJORANA_RATES)
    refuse_unknown(values, ("name", "instructionSet", *names[0], *names[1]), field)
    return (
        _gate_based(name, base | values, field)
        if kind == "GateBased"
        else _measurement_based(name, base | values, field)
    )


def _require(values: Mapping[str, Any], names: tuple[str, ...], field: str) -> None:
    missing = [name for name in names if name not in values]
    if missing:
        raise wrong(field, f"missing {', '.join(missing)}", "give them, or the name of a model to start from")


def _gate_based(name: str, values: dict[str, Any], field: str) -> Qubit:
    needed = ("oneQubitMeasurementTime", "oneQubitGateTime", "oneQubitMeasurementErrorRate")
    _require(values, (*needed, "oneQubitGateErrorRate", "tGateErrorRate"), field)
    times = {key: parse_time_ns(values[key], f"{field}/{key}") for key in GATE_TIMES if key in values}
    rates = {key: parse_rate(values[key], f"{field}/{key}") for key in GATE_RATES if key in values}
    for key in ("twoQubitGateTime", "tGateTime"):
        times.setdefault(key, times["oneQubitGateTime"])
    rates.setdefault("twoQubitGateErrorRate", rates["oneQubitGateErrorRate"])
    rates.setdefault("idleErrorRate", rates["oneQubitMeasurementErrorRate"])
    resolved = {"instructionSet": "GateBased", "name": name, **{key: f"{times[key]} ns" for key in GATE_TIMES}}
    resolved |= {key: rates[key] for key in GATE_RATES}
    clifford = max(rates["oneQubitGateErrorRate"], rates["twoQubitGateErrorRate"], rates["idleErrorRate"])
    readout = rates["oneQubitMeasurementErrorRate"]
    variables = {key: times[key] for key in ("oneQubitMeasurementTime", "oneQubitGateTime", "twoQubitGateTime")}
    return Qubit(name, "GateBased", variables, times["tGateTime"], rates["tGateErrorRate"], clifford, readout, resolved)


def _measurement_based(name: str, values: dict[str, Any], field: str) -> Qubit:
    _require(values, ("oneQubitMeasurementTime", "oneQubitMeasurementErrorRate", "tGateErrorRate"), field)
    times = {key: parse_time_ns(values[key], f"{field}/{key}") for key in MAJORANA_TIMES if key in values}
    for key in ("twoQubitJointMeasurementTime", "tGateTime"):
        times.setdefault(key, times["oneQubitMeasurementTime"])
    one = _read_rates(values["oneQubitMeasurementErrorRate"], f"{field}/oneQubitMeasurementErrorRate")
    two = dict.fromkeys(("process", "readout"), one["readout"])
    if "twoQubitJointMeasurementErrorRate" in values:
        two = _read_rates(values["twoQubitJointMeasurementErrorRate"], f"{field}/twoQubitJointMeasurementErrorRate")
    t_rate = parse_rate(values["tGateErrorRate"], f"{field}/tGateErrorRate")
    idle = parse_rate(values.get("idleErrorRate", one["readout"]), f"{field}/idleErrorRate")
    resolved = {"instructionSet": "Majorana", "name": name, **{key: f"{times[key]} ns" for key in MAJORANA_TIMES}}
    resolved |= {"oneQubitMeasurementErrorRate": one, "twoQubitJointMeasurementErrorRate": two}
    resolved |= {"tGateErrorRate": t_rate, "idleErrorRate": idle}
    clifford = max(idle, one["process"], two["process"])
    readout = max(one["readout"], two["readout"])
    variables = {key: times[key] for key in ("oneQubitMeasurementTime", "twoQubitJointMeasurementTime")}
    return Qubit(name, "Majorana", variables, times["tGateTime"], t_rate, clifford, readout, resolved)
