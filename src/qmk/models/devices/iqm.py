"""Targets of IQM: the dynamic quantum architecture and the observations of IQM Server, as iqm-client 36 documents them.

Sites are the architecture's qubits in its order. Of each gate the default implementation of its locus counts. Gate
errors are one minus the fidelities of randomised benchmarking; T2 is that of a qubit without echo, else with one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import msgspec

from qmk.models.arguments import show
from qmk.models.devices.readers import decode, known_gates, positive, seconds, short_gate_name
from qmk.models.devices.target import NativeGate, Pair, Site, Target, wrong

METHODS = {"prx": "rb", "cz": "irb"}
"""The kind of benchmarking that gives a gate's fidelity."""

FIX = 'give the answer of "dynamic-quantum-architecture", and those of "observations" and "quality-metric-sets"'


class _Implementation(msgspec.Struct, frozen=True):
    loci: tuple[tuple[str, ...], ...] = ()


class _Gate(msgspec.Struct, frozen=True):
    implementations: dict[str, _Implementation]
    default_implementation: str
    override_default_implementation: dict[str, str] = {}

    def default(self, locus: tuple[str, ...]) -> str:
        return self.override_default_implementation.get(",".join(locus), self.default_implementation)


class _Architecture(msgspec.Struct, frozen=True):
    qubits: tuple[str, ...]
    gates: dict[str, _Gate]
    computational_resonators: tuple[str, ...] = ()


class _Observation(msgspec.Struct, frozen=True):
    dut_field: str
    value: float | str | bool | list[float | str] | None = None
    unit: str = ""
    invalid: bool = False
    created_timestamp: str = ""


class _Observations(msgspec.Struct, frozen=True):
    observations: list[_Observation]


def from_iqm(architecture: bytes | str, *observations: bytes | str, name: str = "iqm") -> Target:
    """The target of an architecture and any number of sets of observations (a calibration set, its quality metrics), as
    JSON. Raises INVALID_PARAMS naming the place, and for a device with computational resonators, of which a target has
    no form."""
    read: _Architecture = decode(architecture, _Architecture, f"{name}: architecture", FIX)
    if read.computational_resonators:
        fix = "engine 'iqm' runs programs on such a device"
        raise wrong(f"'{name}' has computational resonators ({', '.join(read.computational_resonators)})", fix)
    place = {qubit: site for site, qubit in enumerate(read.qubits)}
    metrics = _Metrics(name, observations)
    facts: list[NativeGate] = []
    pairs: set[Pair] = set()
    for gate, known in read.gates.items():
        short = short_gate_name(gate)
        if short is None:
            continue
        for locus in sorted(set(itertools.chain.from_iterable(each.loci for each in known.implementations.values()))):
            sites = tuple(_site(place, qubit, f"'{name}': gates.{gate}") for qubit in locus)
            if len(sites) == 2:
                pairs.add((sites[0], sites[1]))
            fact = metrics.gate(gate, known.default(locus), locus)
            facts.append(NativeGate(short, sites, *fact))
    turned = {fact.sites[0] for fact in facts if fact.name == "prx"}
    measured = read.gates.get("measure")
    gates, facts = known_gates(read.gates, facts)
    return Target(
        name=name,
        sites=len(read.qubits),
        couplings=tuple(sorted(pairs)),
        gates=tuple(dict.fromkeys((*gates, "rz"))),
        facts=tuple(facts),
        readings=tuple(metrics.site(qubit, measured) for qubit in read.qubits),
        broken=tuple(site for site in range(len(read.qubits)) if site not in turned),
        source="IQM dynamic quantum architecture",
        date=metrics.date,
    )


def _site(place: dict[str, int], qubit: str, where: str) -> int:
    if qubit not in place:
        raise wrong(f"{where}: {show(qubit)} is not among the qubits", FIX)
    return place[qubit]


class _Metrics:
    """Values by the path of their observation, without what follows its colon; of several the first."""

    def __init__(self, name: str, observations: Iterable[bytes | str]) -> None:
        self.name = name
        self.values: dict[str, _Observation] = {}
        self.date = ""
        for number, data in enumerate(observations):
            read: _Observations = decode(data, _Observations, f"{name}: observations[{number}]", FIX)
            for row in read.observations:
                if not row.invalid:
                    self.values.setdefault(row.dut_field.partition(":")[0], row)
                    self.date = max(self.date, row.created_timestamp)

    def number(self, path: str) -> float | None:
        row = self.values.get(path)
        if row is None or row.value is None:
            return None
        try:
            return float(str(row.value))  # some servers write numbers as text
        except ValueError:
            raise wrong(f"'{self.name}': {path} is {show(row.value)}", "give a number") from None

    def time(self, path: str) -> float | None:
        value = self.number(path)
        if value is None:
            return None
        return seconds(value, self.values[path].unit or "s", f"'{self.name}': {path}")

    def gate(self, gate: str, implementation: str, locus: tuple[str, ...]) -> tuple[float | None, float | None]:
        """(error, duration in seconds)."""
        where = f"{gate}.{implementation}.{'__'.join(locus)}"
        fidelity = self.number(f"metrics.{METHODS.get(gate, 'irb')}.{where}.fidelity")
        return None if fidelity is None else 1 - fidelity, self.time(f"gates.{where}.duration")

    def site(self, qubit: str, measured: _Gate | None) -> Site:
        model = f"characterization.model.{qubit}"
        t2 = self.time(f"{model}.t2_time")
        where = f"measure.{measured.default((qubit,)) if measured else 'constant'}.{qubit}"
        fidelity = self.number(f"metrics.ssro.{where}.fidelity")
        p01, p10 = (self.number(f"metrics.ssro.{where}.error_{way}") for way in ("0_to_1", "1_to_0"))
        return Site(
            positive(self.time(f"{model}.t1_time")),
            positive(t2 if t2 is not None else self.time(f"{model}.t2_echo_time")),
            (p01 + p10) / 2 if p01 is not None and p10 is not None else None if fidelity is None else 1 - fidelity,
            self.time(f"gates.{where}.duration"),
            p01,
            p10,
        )
