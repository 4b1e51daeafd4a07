"""Zoned machines as the compilers ZAC and mqt.qmap describe them: one JSON of storage and entanglement zones.

The JSON says nothing of motion. The law is that of the zoned literature (Enola, ZAC), 110 um in 200 us and a time that
grows as the square root of the distance, which is a constant acceleration.
"""

from __future__ import annotations

import msgspec

from qmk.base.errors import QmkError
from qmk.models.atoms.geometry import Configuration, Geometry, Lattice, Zone
from qmk.models.atoms.machine import Blockade, DeviceErrors, Idle, NativeGate, Timing, Transport
from qmk.models.atoms.profile import Profile
from qmk.models.noise.errors import Depolarize, Pauli
from qmk.models.noise.model import GateRule, NoiseModel

ACCELERATION = 4 * 110 / 200**2
"""With this acceleration, in um/us^2, 110 um take 200 us from rest to rest."""

KEY = b'"entanglement_zones"'
"""What tells such a file from a profile."""


class _Durations(msgspec.Struct, frozen=True):
    rydberg_gate: float
    single_qubit_gate: float
    atom_transfer: float


class _Traps(msgspec.Struct, frozen=True):
    site_separation: tuple[float, float]
    r: int
    c: int
    location: tuple[float, float]


class _Zone(msgspec.Struct, frozen=True):
    slms: list[_Traps]


class _Deflector(msgspec.Struct, frozen=True):
    site_separation: float = 0.0


class _Spec(msgspec.Struct, frozen=True):
    T: float


class _Architecture(msgspec.Struct, frozen=True):
    operation_duration: _Durations
    storage_zones: list[_Zone]
    entanglement_zones: list[_Zone]
    operation_fidelity: _Durations = _Durations(1.0, 1.0, 1.0)
    qubit_spec: _Spec | None = None
    aods: list[_Deflector] = []
    name: str = "zoned"


def from_architecture(data: bytes | str, source: str = "architecture") -> Profile:
    """The device of an architecture's JSON: um, us, probabilities. Each storage site has an atom. A gate's infidelity
    is the chance of a Pauli error; a transfer's counts twice in each move, and a qubit that the light of a gate reaches
    in vain has half of the error of the gate, as in the model of Enola. Raises INVALID_PARAMS naming the place."""
    try:
        read = msgspec.json.decode(data, type=_Architecture)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _wrong(f"'{source}' is not an architecture: {error}") from error
    for name in _Durations.__struct_fields__:
        if not 0 <= getattr(read.operation_fidelity, name) <= 1:
            raise _wrong(f"'{source}': operation_fidelity.{name} is not from 0 to 1")
        if getattr(read.operation_duration, name) < 0:
            raise _wrong(f"'{source}': operation_duration.{name} is below 0")
    if read.qubit_spec is not None and not read.qubit_spec.T > 0:
        raise _wrong(f"'{source}': qubit_spec.T is not above 0")
    took = read.operation_duration
    return Profile(
        name=read.name,
        doc="a zoned machine as the compilers ZAC and mqt.qmap describe it",
        sources=(source, "law of motion: 110 um in 200 us, time as the square root of the distance (Enola, ZAC)"),
        analog=False,
        geometry=_geometry(read),
        gates=(
            NativeGate("u", 1, took.single_qubit_gate),
            NativeGate("rz", 1, took.single_qubit_gate),
            NativeGate("cz", 2, took.rydberg_gate),
        ),
        blockade=Blockade(radius=_radius(read, source), light="zone"),
        timing=Timing(alike=True),
        transport=Transport(
            acceleration=ACCELERATION,
            pick=took.atom_transfer,
            drop=took.atom_transfer,
            separation=max((row.site_separation for row in read.aods), default=0.0),
        ),
        mishaps=_errors(read),
    )


def _wrong(message: str) -> QmkError:
    return QmkError("INVALID_PARAMS", message, field="device", help="docs/howto/zoned.md says what the file holds")


def _geometry(read: _Architecture) -> Geometry:
    """The storage first. Qubits begin in its row nearest to where gates run, from their left end on."""
    lattices: list[Lattice] = []
    zones: list[Zone] = []
    first = stored = 0
    for kind, group in (("storage", read.storage_zones), ("entangling", read.entanglement_zones)):
        for at, zone in enumerate(group):
            name = f"{kind}{at}"
            zones.append(Zone(name, "storage" if kind == "storage" else "entangling", entangles=kind != "storage"))
            for traps in zone.slms:
                spacing = (*traps.site_separation, 1.0)
                corner = (*traps.location, 0.0)
                lattices.append(Lattice(traps.c, traps.r, 1, spacing, corner, first, name))
                first += traps.c * traps.r
        stored = stored or first
    made = Geometry(lattices=tuple(lattices), zones=tuple(zones))
    bright = made.sites[stored:]
    middle = sum(site.y for site in bright) / len(bright) if bright else 0.0
    left = min((site.x for site in bright), default=0.0)
    order = sorted(made.sites[:stored], key=lambda site: (abs(site.y - middle), site.x < left, abs(site.x - left)))
    everywhere = Configuration("storage", tuple(site.id for site in order), "every storage site, nearest row first")
    return msgspec.structs.replace(made, configurations=(everywhere,))


def _radius(read: _Architecture, source: str) -> float:
    """Halfway, in ratio, between the distance in a pair and that of different pairs."""
    for zone in read.entanglement_zones:
        if len(zone.slms) != 2:
            raise _wrong(
                f"'{source}': an entanglement zone has {len(zone.slms)} sets of traps, not the two of its pairs"
            )
    apart = max(
        (max(abs(a - b) for a, b in zip(*(traps.location for traps in zone.slms), strict=True)))
        for zone in read.entanglement_zones
    ) if read.entanglement_zones else 0.0  # fmt: skip
    least = min(
        (step for zone in read.entanglement_zones for traps in zone.slms for step in traps.site_separation),
        default=0.0,
    )
    if not 0 < apart < least / 2:
        raise _wrong(f"'{source}': the sites of a pair are {apart:g} um apart, those of one kind {least:g} um")
    return (apart * (least - apart)) ** 0.5


def _errors(read: _Architecture) -> DeviceErrors:
    good = read.operation_fidelity
    rules = (
        GateRule((_any_pauli(1 - good.single_qubit_gate),), arity=1),
        GateRule((Depolarize(1 - good.rydberg_gate),), arity=2),
    )
    return DeviceErrors(
        model=NoiseModel(name=read.name, gates=rules),
        idle=Idle(dephasing=1e6 / (2 * read.qubit_spec.T)) if read.qubit_spec is not None else Idle(),
        move=(_any_pauli(1 - good.atom_transfer**2),),
        unpaired=(_any_pauli((1 - good.rydberg_gate) / 2),),
    )


def _any_pauli(p: float) -> Pauli:
    return Pauli(p / 3, p / 3, p / 3)
