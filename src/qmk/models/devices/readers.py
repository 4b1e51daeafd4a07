"""Targets from what vendors say of their devices: IBM's backend files, Qiskit's ``Target``, Braket's device properties.

Gates that QMK has no name for are left out, and so are delays, resets and control flow. No vendor's library is
imported: the JSON is read as it is, and a Qiskit target by its attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from qmk.ir.names import spellings
from qmk.models import files
from qmk.models.devices.target import GATES, VENDOR_GATES, NativeGate, Pair, Site, Target, Timing, wrong

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "ps": 1e-12}
"""Units of time, which IBM and Braket write as text beside each value."""

VENDOR_SPELLINGS = {"cphaseshift": "cp", "xy": "xx_plus_yy", "r": "prx", "u1q": "prx", "zz": "rzz", "i": "id"}


def _short_names() -> dict[str, str]:
    libraries = ("qelib1", "stdgates", "braket", "lightning")
    known = {name.lower(): short for name, short in spellings(libraries)}
    return {**known, **VENDOR_SPELLINGS, **{name: name for name in GATES}, **{name: name for name in VENDOR_GATES}}


def short_gate_name(name: str) -> str | None:
    """The short name of a gate that a vendor calls ``name``; None where there is none."""
    return _short_names().get(name.lower())


def seconds(value: float, unit: str, place: str) -> float:
    """``value`` in seconds. Raises INVALID_PARAMS for another unit."""
    factor = SECONDS.get(unit.lower().replace("μ", "µ"))
    if factor is None:
        raise wrong(f"{place}: '{unit}' is not a unit of time", f"units are {', '.join(SECONDS)}")
    return value * factor


class _Value(msgspec.Struct, frozen=True):
    name: str
    value: float
    unit: str = ""
    date: str = ""


class _GateValues(msgspec.Struct, frozen=True):
    gate: str
    qubits: tuple[int, ...]
    parameters: list[_Value] = []


class _Properties(msgspec.Struct, frozen=True):
    qubits: list[list[_Value]]
    gates: list[_GateValues] = []
    last_update_date: str = ""


class _Configuration(msgspec.Struct, frozen=True):
    n_qubits: int
    basis_gates: list[str]
    coupling_map: list[Pair] | None = None
    backend_name: str = "ibm"
    dt: float | None = None
    timing_constraints: dict[str, int] = {}
    max_shots: int | None = None


def decode(data: bytes | str, kind: Any, path: str, fix: str) -> Any:
    """``data`` as a ``kind``. Raises INVALID_PARAMS naming ``path``, the place in it, and ``fix``."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise wrong(f"'{path}': {error}", fix) from error


def read_ibm(configuration: str, properties: str | None = None) -> Target:
    """The target of a backend's ``conf_*.json`` and, where it is given, its ``props_*.json`` (the files of the fake
    backends of qiskit-ibm-runtime). A pair whose gates all fail is not coupled, and a qubit that is not operational is
    broken. Its date is that of the newest value. Raises INVALID_PARAMS naming the file."""
    read = None if properties is None else files.read(properties)
    made = from_ibm(files.read(configuration), read, configuration, properties or configuration)
    return msgspec.structs.replace(made, source=", ".join(path for path in (configuration, properties) if path))


def from_ibm(configuration: bytes, properties: bytes | None, path: str, place: str) -> Target:
    """``read_ibm`` of what is in the files ``path`` and ``place``, which errors name."""
    fix = "give conf_NAME.json, and props_NAME.json after it"
    conf: _Configuration = decode(configuration, _Configuration, path, fix)
    props: _Properties = _Properties([]) if properties is None else decode(properties, _Properties, place, fix)
    facts = [fact for row in props.gates if (fact := _ibm_gate(row, place)) is not None]
    pairs = [(a, b) for a, b in conf.coupling_map or ()] if conf.coupling_map is not None else None
    gates, facts = known_gates(conf.basis_gates, facts)
    limits = conf.timing_constraints
    timing = None
    if conf.dt is not None:
        alignment = max(limits.get("acquire_alignment", 1), limits.get("pulse_alignment", 1))
        timing = Timing(conf.dt * 1e-9, alignment, limits.get("granularity", 1), limits.get("min_length", 1))
    dates = [value.date for row in props.qubits for value in row]
    return Target(
        name=conf.backend_name,
        sites=conf.n_qubits,
        couplings=None if pairs is None else _working(pairs, facts),
        directed=pairs is not None,
        gates=gates,
        facts=tuple(facts),
        readings=tuple(_ibm_site(row, place) for row in props.qubits),
        broken=tuple(
            at for at, row in enumerate(props.qubits) if any(v.name == "operational" and not v.value for v in row)
        ),
        timing=timing,
        source=place,
        max_shots=conf.max_shots,
        date=max(dates, default=props.last_update_date),
    )


def _ibm_gate(row: _GateValues, place: str) -> NativeGate | None:
    name = short_gate_name(row.gate)
    if name is None:
        return None
    error = duration = None
    for value in row.parameters:
        if value.name == "gate_error":
            error = value.value
        elif value.name == "gate_length":
            duration = seconds(value.value, value.unit, f"'{place}': {row.gate} on {list(row.qubits)}")
    return NativeGate(name, row.qubits, error, duration)


def _ibm_site(row: list[_Value], place: str) -> Site:
    found = {value.name: value for value in row}

    def time(name: str) -> float | None:
        return seconds(found[name].value, found[name].unit, f"'{place}': {name}") if name in found else None

    def chance(name: str) -> float | None:
        return found[name].value if name in found else None

    return Site(
        positive(time("T1")),
        positive(time("T2")),
        chance("readout_error"),
        time("readout_length"),
        chance("prob_meas1_prep0"),
        chance("prob_meas0_prep1"),
    )


def positive(value: float | None) -> float | None:
    """Vendors write a time that was not measured as 0."""
    return value if value is None or value > 0 else None


def known_gates(names: Iterable[str], facts: list[NativeGate]) -> tuple[tuple[str, ...], list[NativeGate]]:
    """The gates that have a short name, each once, and the facts of those."""
    gates = tuple(dict.fromkeys(short for name in names if (short := short_gate_name(name)) is not None))
    return gates, [fact for fact in facts if fact.name in gates]


def _working(pairs: Iterable[Pair], facts: list[NativeGate]) -> tuple[Pair, ...]:
    """The pairs without those of which every gate has an error of 1: that is how IBM marks one that does not work."""
    errors: dict[tuple[int, ...], float] = {}
    for fact in facts:
        if len(fact.sites) == 2 and fact.error is not None:
            errors[fact.sites] = min(errors.get(fact.sites, 1.0), fact.error)
    return tuple(pair for pair in pairs if errors.get(pair, 0.0) < 1)


def from_qiskit(target: Any, name: str = "qiskit") -> Target:
    """The target of a ``qiskit.transpiler.Target``, such as ``backend.target``."""
    facts: list[NativeGate] = []
    readouts: dict[int, Any] = {}
    couplings: set[Pair] = set()
    everywhere = False
    for operation in target.operation_names:
        rows: Mapping[Any, Any] = target[operation] or {}
        short = short_gate_name(operation)
        if short is not None and None in rows:  # on any sites
            everywhere |= getattr(target.operation_from_name(operation), "num_qubits", 0) == 2
        for sites, known in rows.items():
            if operation == "measure" and sites:
                readouts[sites[0]] = known
            elif short is not None and sites:
                if len(sites) == 2:
                    couplings.add(tuple(sites))
                if known is not None and (known.error is not None or known.duration is not None):
                    facts.append(NativeGate(short, tuple(sites), known.error, known.duration))
    gates, facts = known_gates(target.operation_names, facts)
    timing = None
    if target.dt:
        alignment = max(target.acquire_alignment, target.pulse_alignment)
        timing = Timing(target.dt, alignment, target.granularity, target.min_length)
    readings = [_qiskit_site(target, site, readouts.get(site)) for site in range(target.num_qubits)]
    return Target(
        name=name,
        sites=target.num_qubits,
        couplings=None if everywhere else _working(sorted(couplings), facts),
        directed=not everywhere,
        gates=gates,
        facts=tuple(facts),
        readings=tuple(readings) if any(site != Site() for site in readings) else (),
        timing=timing,
        source="qiskit.transpiler.Target",
    )


def _qiskit_site(target: Any, site: int, readout: Any) -> Site:
    known = target.qubit_properties[site] if target.qubit_properties else None
    times = (positive(known.t1), positive(known.t2)) if known is not None else (None, None)
    return Site(*times, *((readout.error, readout.duration) if readout is not None else (None, None)))


class _Named(msgspec.Struct, frozen=True):
    name: str = ""


class _Fidelity(msgspec.Struct, frozen=True):
    fidelity: float
    fidelityType: _Named = _Named()
    gateName: str = ""


class _Time(msgspec.Struct, frozen=True):
    value: float
    unit: str


class _OneQubit(msgspec.Struct, frozen=True):
    T1: _Time | None = None
    T2: _Time | None = None
    oneQubitFidelity: list[_Fidelity] = []


class _TwoQubit(msgspec.Struct, frozen=True):
    twoQubitGateFidelity: list[_Fidelity] = []


class _Standardized(msgspec.Struct, frozen=True):
    oneQubitProperties: dict[str, _OneQubit] | None = None
    twoQubitProperties: dict[str, _TwoQubit] | None = None


class _Connectivity(msgspec.Struct, frozen=True):
    fullyConnected: bool
    connectivityGraph: dict[str, list[str]] = {}


class _Paradigm(msgspec.Struct, frozen=True):
    qubitCount: int
    nativeGateSet: list[str]
    connectivity: _Connectivity


class _Braket(msgspec.Struct, frozen=True):
    paradigm: _Paradigm
    standardized: _Standardized | None = None


def from_braket(properties: bytes | str, name: str = "braket") -> Target:
    """The target of Braket's device properties as JSON, such as ``AwsDevice.properties.json()``. Sites are Braket's own
    numbers of qubits: those that it does not name are broken."""
    data = properties.encode() if isinstance(properties, str) else properties
    read: _Braket = decode(data, _Braket, name, "give the JSON of a gate-model device's properties")
    graph = read.paradigm.connectivity
    whole = graph.fullyConnected
    standard = read.standardized or _Standardized()
    ones = standard.oneQubitProperties or {}
    twos = standard.twoQubitProperties or {}
    try:
        couplings = sorted({(int(a), int(b)) for a, others in graph.connectivityGraph.items() for b in others})
        named = {int(site) for site in (*graph.connectivityGraph, *ones)} | {
            site for pair in couplings for site in pair
        }
        measured = [(tuple(int(site) for site in pair.split("-")), row) for pair, row in twos.items()]
        sites = {int(site): row for site, row in ones.items()}
    except ValueError as error:
        raise wrong(f"'{name}': {error}", "qubits of a device are numbered, and pairs are such as 0-1") from error
    count = read.paradigm.qubitCount if whole else max(named, default=-1) + 1
    facts = [
        NativeGate(short, pair, 1 - row.fidelity)
        for pair, rows in measured
        for row in rows.twoQubitGateFidelity
        if (short := short_gate_name(row.gateName)) is not None
    ]
    gates, facts = known_gates(read.paradigm.nativeGateSet, facts)
    return Target(
        name=name,
        sites=count,
        couplings=None if whole else tuple(couplings),
        gates=gates,
        facts=tuple(facts),
        readings=tuple(_braket_site(sites.get(site, _OneQubit()), name) for site in range(count)) if sites else (),
        broken=() if whole else tuple(sorted(set(range(count)) - named)),
        source="Braket device properties",
    )


def _braket_site(row: _OneQubit, name: str) -> Site:

    def time(each: _Time | None) -> float | None:
        return None if each is None else positive(seconds(each.value, each.unit, f"'{name}': T1 or T2"))

    readout = [1 - each.fidelity for each in row.oneQubitFidelity if each.fidelityType.name == "READOUT"]
    return Site(time(row.T1), time(row.T2), readout[0] if readout else None)
