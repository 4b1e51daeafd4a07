"""Targets of trapped ions: a characterization of IonQ's API, and a machine of Quantinuum's list.

Both give one number for all gates of a kind, which each site and pair gets here.
"""

from __future__ import annotations

import datetime
import itertools

import msgspec

from qmk.models.arguments import show
from qmk.models.devices.readers import decode, positive, short_gate_name
from qmk.models.devices.target import NativeGate, Pair, Site, Target, wrong


class _Fidelity(msgspec.Struct, frozen=True):
    mean: float | None = None
    median: float | None = None

    @property
    def value(self) -> float | None:
        return self.mean if self.mean is not None else self.median


class _Timing(msgspec.Struct, frozen=True, rename={"one": "1q", "two": "2q"}):
    readout: float | None = None
    reset: float | None = None
    one: float | None = None
    two: float | None = None
    t1: float | None = None
    t2: float | None = None


class _Characterization(msgspec.Struct, frozen=True):
    qubits: int
    backend: str = ""
    target: str = ""
    """What versions before 0.3 call the backend."""
    date: str | int = ""
    connectivity: list[Pair] = []
    fidelity: dict[str, _Fidelity] = {}
    timing: _Timing = _Timing()


def from_ionq(characterization: bytes | str, name: str = "") -> Target:
    """The target of a characterization as IonQ's API gives it (versions 0.2 to 0.4): gates ``gpi``, ``gpi2`` and, on
    each connected pair, ``rzz`` where the backend is a Forte and ``ms`` else. The mean counts, else the median; a
    reading's error is that of ``spam``. Raises INVALID_PARAMS naming the place."""
    place = name or "ionq"
    fix = "give the answer of /backends/BACKEND/characterizations/UUID, or one of its list"
    read: _Characterization = decode(characterization, _Characterization, place, fix)
    backend = name or read.backend or read.target or "ionq"
    pairs = sorted({(min(pair), max(pair)) for pair in read.connectivity})
    whole = pairs == list(itertools.combinations(range(read.qubits), 2))
    errors = {kind: None if row.value is None else 1 - row.value for kind, row in read.fidelity.items()}
    on_two = "rzz" if "forte" in (read.backend or read.target) else "ms"
    times = read.timing
    facts = [
        NativeGate(gate, (k,), errors.get("1q"), times.one) for gate in ("gpi", "gpi2") for k in range(read.qubits)
    ]
    facts += [NativeGate(on_two, pair, errors.get("2q"), times.two) for pair in pairs]
    site = Site(positive(times.t1), positive(times.t2), errors.get("spam"), times.readout)
    return Target(
        name=backend,
        sites=read.qubits,
        couplings=None if whole or not pairs else tuple(pairs),
        gates=("gpi", "gpi2", "rz", on_two),
        facts=tuple(facts),
        readings=(site,) * read.qubits,
        source="IonQ characterization",
        date=_date(read.date),
    )


def _date(date: str | int) -> str:
    if isinstance(date, str):
        return date
    return datetime.datetime.fromtimestamp(date, datetime.UTC).isoformat()


class _Specs(msgspec.Struct, frozen=True, rename={"one": "1q_gate_error", "two": "2q_gate_error"}):
    date: str = ""
    one: dict[str, float] = {}
    two: dict[str, float] = {}
    spam_error: dict[str, float] = {}


class _Machine(msgspec.Struct, frozen=True):
    name: str
    n_qubits: int
    gateset: list[str]
    connectivity: str = "all-to-all"
    noise_specs: _Specs = _Specs()
    max_n_shots: int | None = None


def from_quantinuum(machines: bytes | str, name: str) -> Target:
    """The target of machine ``name`` in Quantinuum's list of machines (that of ``QuantinuumBackend.available_devices``
    and of pytket-quantinuum's offline list), or of one machine's object. ``p1`` and ``p2`` are average errors of gates,
    ``p_meas_0`` and ``p_meas_1`` the chances that a 0 and a 1 are read wrongly. What a target has no field for
    (crosstalk of measurements, errors of memory in a layer) is left out. Raises INVALID_PARAMS naming the place."""
    fix = "give the list of machines, or the object of one"
    read: list[_Machine] | _Machine = decode(machines, list[_Machine] | _Machine, name, fix)
    found = {each.name: each for each in (read if isinstance(read, list) else [read])}
    if name not in found:
        raise wrong(f"there is no machine {show(name)}", f"there are {', '.join(sorted(found))}")
    machine = found[name]
    if machine.connectivity != "all-to-all":
        raise wrong(f"'{name}': connectivity is {show(machine.connectivity)}", "give a machine that is all-to-all")
    gates = tuple(dict.fromkeys(short for each in machine.gateset if (short := short_gate_name(each)) is not None))
    specs = machine.noise_specs
    sites = range(machine.n_qubits)
    p1, p2 = specs.one.get("p1"), specs.two.get("p2")
    facts = [NativeGate("prx", (k,), p1) for k in sites if "prx" in gates]
    facts += [NativeGate("rzz", pair, p2) for pair in itertools.combinations(sites, 2) if "rzz" in gates]
    p01, p10 = specs.spam_error.get("p_meas_0"), specs.spam_error.get("p_meas_1")
    either = None if p01 is None or p10 is None else (p01 + p10) / 2
    return Target(
        name=name,
        sites=machine.n_qubits,
        gates=gates,
        facts=tuple(facts),
        readings=(Site(readout_error=either, p01=p01, p10=p10),) * machine.n_qubits,
        max_shots=machine.max_n_shots,
        source="Quantinuum machine list",
        date=specs.date,
    )
