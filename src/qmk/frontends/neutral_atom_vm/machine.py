"""The machine of a job as a device: one unit of length is 1 um, times in us. Where the origin computes a noise term in
another way than it documents it, this is what it documents: rates are per second, kicks and flips are channels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import msgspec

from qmk.base.errors import QmkError
from qmk.frontends.neutral_atom_vm.job import Edge, Hardware, Job, MoveAtom, Noise, Paulis, ZoneRadius
from qmk.ir.names import spellings
from qmk.models.atoms import machine
from qmk.models.atoms.geometry import Configuration, Geometry, Point, Site, Zone
from qmk.models.atoms.profile import Profile, profile
from qmk.models.noise.errors import AmplitudeDamping, AnyError, Pauli, Pauli2
from qmk.models.noise.model import GateRule, NoiseModel, Readout
from qmk.sdk.frontend import refuse

GATES = dict(spellings(("nvm",)))
US = 1e-3
"""Microseconds in a nanosecond."""
LETTERS = "IXYZ"
NEAR = 1e-6
"""How near a move's target has to be to a site's x."""

_REACH: dict[str, machine.Connectivity] = {
    "AllToAll": "all", "NearestNeighborChain": "chain", "NearestNeighborGrid": "grid",
}  # fmt: skip


def device_of(job: Job) -> Profile:
    """The device. A job without hardware runs on the profile that it names."""
    noise = job.noise or Noise()
    if job.hardware is None:
        if not job.profile:
            refuse("NAVM-08", "the job has neither hardware nor a profile")
        try:
            named = profile(job.profile)
        except QmkError:
            refuse("NAVM-08", f"there is no profile '{job.profile[:40]}', and the job has no hardware")
        return named if job.noise is None else _with(named, noise)
    hardware = job.hardware
    moves = [item for item in job.program if isinstance(item, MoveAtom)]
    made = Profile(
        name=job.profile or "job",
        doc="the machine of a job",
        sources=(),
        analog=False,
        local=None,
        geometry=_geometry(hardware, moves),
        gates=_gates(hardware),
        interactions=tuple(
            machine.Pairs(_gate(row.gate_name), tuple((pair.site_a, pair.site_b) for pair in row.allowed_pairs))
            for row in hardware.interaction_graphs
        ),
        blockade=_blockade(hardware),
        timing=_timing(hardware),
        transport=_transport(hardware) if moves else None,
        isa=("1.0", "1.1", "2.0"),
    )
    return _with(made, noise)


def _with(made: Profile, noise: Noise) -> Profile:
    return msgspec.structs.replace(made, mishaps=_device_errors(noise))


def _gate(name: str) -> str:
    if name.upper() not in GATES:
        refuse("NAVM-06", f"there is no gate {name[:40]!r}")
    return GATES[name.upper()]


def _gates(hardware: Hardware) -> tuple[machine.NativeGate, ...]:
    return tuple(
        machine.NativeGate(
            _gate(row.name), row.arity, row.duration_ns * US, row.angle_min, row.angle_max, _REACH[row.connectivity]
        )
        for row in hardware.native_gates
    )


# -- where atoms are --------------------------------------------------------------------------------------------------


def _point(row: list[float]) -> Point:
    if not 1 <= len(row) <= 3:
        refuse("NAVM-08", f"a point of {len(row)} coordinates")
    x, y, z = (*row, 0.0, 0.0)[:3]
    return x, y, z


def _slots(hardware: Hardware) -> dict[int, Point]:
    """The place of each slot by its site id: coordinates before sites before positions, as in the origin."""
    there = {row.id: (row.x, row.y, row.z) for row in hardware.sites}
    given = len(hardware.coordinates) or len(hardware.positions)
    ids = hardware.site_ids or (list(range(given)) if given else list(there))
    found: dict[int, Point] = {}
    for slot, site in enumerate(ids):
        if site in found:
            refuse("NAVM-08", f"site {site} has two slots")
        if slot < len(hardware.coordinates):
            found[site] = _point(hardware.coordinates[slot])
        elif site in there and hardware.site_ids:
            found[site] = there[site]
        elif slot < len(hardware.positions):
            found[site] = (hardware.positions[slot], 0.0, 0.0)
        elif site in there:
            found[site] = there[site]
        else:
            refuse("NAVM-08", f"slot {slot}, site {site}, has no place")
    if not found:
        refuse("NAVM-08", "the hardware has no sites")
    return found


def _geometry(hardware: Hardware, moves: list[MoveAtom]) -> Geometry:
    slots = _slots(hardware)
    zone = {row.id: "" if row.zone_id is None else str(row.zone_id) for row in hardware.sites}
    points = {**{row.id: (row.x, row.y, row.z) for row in hardware.sites}, **slots} if hardware.site_ids else slots
    fresh = itertools.count(max(points) + 1)
    order = list(slots)
    for move in moves:
        if all(abs(point[0] - move.position) > NEAR for point in points.values()):
            _, y, z = slots[order[move.atom]] if 0 <= move.atom < len(order) else (0.0, 0.0, 0.0)
            points[next(fresh)] = (move.position, y, z)
    sites = tuple(Site(site, *point, zone=zone.get(site, "")) for site, point in points.items())
    named = {name for name in zone.values() if name} | {str(row.zone_id) for row in _radii(hardware)}
    return Geometry(
        sites=sites,
        zones=tuple(Zone(name) for name in sorted(named)),
        configurations=(Configuration("job", tuple(order)),),
    )


def target(made: Profile, position: float) -> Point:
    """The site of a device that a move's position means."""
    assert made.geometry is not None
    found = next((site for site in made.geometry.sites if abs(site.x - position) <= NEAR), None)
    if found is None:
        refuse("NAVM-08", f"no site is at {position:g}")
    return found.point


def _radii(hardware: Hardware) -> list[ZoneRadius]:
    return hardware.blockade_model.zone_overrides if hardware.blockade_model else []


def _blockade(hardware: Hardware) -> machine.Blockade:
    model = hardware.blockade_model
    if model is None:
        return machine.Blockade(radius=hardware.blockade_radius)
    return machine.Blockade(
        radius=model.radius or hardware.blockade_radius,
        axes=(model.radius_x, model.radius_y, model.radius_z),
        zones={str(row.zone_id): row.radius for row in model.zone_overrides},
    )


def _timing(hardware: Hardware) -> machine.Timing:
    given = hardware.timing_limits
    return machine.Timing(
        min_wait=given.min_wait_ns * US,
        max_wait=given.max_wait_ns * US,
        one_qubit=given.max_parallel_single_qubit,
        two_qubit=given.max_parallel_two_qubit,
        per_zone=given.max_parallel_per_zone,
        measurement=given.measurement_duration_ns * US,
        cooldown=given.measurement_cooldown_ns * US,
    )


def _transport(hardware: Hardware) -> machine.Transport:
    limits = hardware.move_limits
    at_all = [limits.max_moves_per_shot, limits.max_moves_per_configuration_change]
    return machine.Transport(
        lanes=tuple(_lane(edge) for edge in hardware.transport_edges),
        limits=machine.MoveLimits(
            per_atom=limits.max_moves_per_atom,
            per_shot=min((count for count in at_all if count), default=0),
            distance=limits.max_total_displacement_per_atom,
            until=limits.rearrangement_window_ns * US,
        ),
    )


def _lane(edge: Edge) -> machine.Lane:
    return machine.Lane((edge.src_site_id, edge.dst_site_id), edge.distance, edge.duration_ns * US)


# -- what goes wrong --------------------------------------------------------------------------------------------------


def _chance(what: str, p: float) -> float:
    if not 0 <= p <= 1:
        refuse("NAVM-09", f"{what} is {p:g}, no probability")
    return p


def _paulis(what: str, given: Paulis) -> tuple[float, float, float, float]:
    """Chances of I, X, Y, Z."""
    x, y, z = (_chance(what, p) for p in (given.px, given.py, given.pz))
    if x + y + z > 1 + 1e-9:
        refuse("NAVM-09", f"{what}: the chances add up to {x + y + z:g}")
    return max(0.0, 1 - (x + y + z)), x, y, z


def _kick(what: str, m: float) -> tuple[float, float, float, float]:
    """A turn about Z by a uniform angle in [-m, m] is a Z with probability (1 - sin(m)/m) / 2."""
    if not 0 <= m <= 1e3:
        refuse("NAVM-09", f"{what} is {m:g}")
    pz = (1 - math.sin(m) / m) / 2 if m else 0.0
    return 1 - pz, 0.0, 0.0, pz


def _pair(control: tuple[float, ...], target: tuple[float, ...]) -> Pauli2 | None:
    """Independent errors on both qubits of a gate."""
    chances = {
        a + b: p * q
        for (a, p), (b, q) in itertools.product(zip(LETTERS, control, strict=True), zip(LETTERS, target, strict=True))
        if a + b != "II" and p * q
    }
    return Pauli2(chances) if chances else None


def _model(noise: Noise) -> NoiseModel:
    """Errors of gates and of reading."""
    gate, phase = noise.gate, noise.phase
    single = (
        _paulis("gate.single_qubit", gate.single_qubit),
        _kick("phase.single_qubit", phase.single_qubit),
    )
    alone: list[AnyError] = [Pauli(px=x, py=y, pz=z) for _, x, y, z in single if x or y or z]
    both: list[AnyError] = []
    if noise.correlated_gate is not None:
        both.append(_read_correlated(noise.correlated_gate.matrix))
    pairs = (
        _pair(_paulis("gate.two_qubit_control", gate.two_qubit_control),
              _paulis("gate.two_qubit_target", gate.two_qubit_target)),
        _pair(_kick("phase.two_qubit_control", phase.two_qubit_control),
              _kick("phase.two_qubit_target", phase.two_qubit_target)),
    )  # fmt: skip
    both += [error for error in pairs if error is not None]
    gamma = _chance("amplitude_damping.per_gate", noise.amplitude_damping.per_gate)
    if gamma:
        alone.append(AmplitudeDamping(gamma))
        both.append(AmplitudeDamping(gamma))
    rules = {1: alone, 2: both}
    p01, p10 = (_chance("readout", p) for p in (noise.readout.p_flip0_to_1, noise.readout.p_flip1_to_0))
    flip = _chance("p_quantum_flip", noise.p_quantum_flip)
    return NoiseModel(
        gates=tuple(GateRule(tuple(errors), arity=arity) for arity, errors in rules.items() if errors),
        readout=(Readout(p01, p10),) if p01 or p10 else (),
        before_measure=(Pauli(px=flip),) if flip else (),
    )


def _device_errors(noise: Noise) -> machine.DeviceErrors:
    model = _model(noise)
    _kick("phase.idle", noise.phase.idle)
    rates: Mapping[str, float] = {
        "idle_rate": noise.idle_rate,
        "amplitude_damping.idle_rate": noise.amplitude_damping.idle_rate,
        "loss_runtime.idle_rate": noise.loss_runtime.idle_rate,
    }
    for what, rate in rates.items():
        if not 0 <= rate <= 1e9:
            refuse("NAVM-09", f"{what} is {rate:g} per second")
    dephasing, decay, loss = rates.values()
    return machine.DeviceErrors(
        model=model if model.gates or model.readout or model.before_measure else None,
        idle=machine.Idle(dephasing=dephasing, decay=decay, loss=loss, kick=noise.phase.idle),
        load_loss=_chance("p_loss", noise.p_loss),
        gate_loss=_chance("loss_runtime.per_gate", noise.loss_runtime.per_gate),
    )


def _read_correlated(matrix: list[list[float]]) -> Pauli2:
    """Rows are the control's letters, columns the target's; what is left is the identity."""
    if len(matrix) != 4 or any(len(row) != 4 for row in matrix):
        refuse("NAVM-09", "the correlated matrix has not four rows of four")
    found = {
        LETTERS[a] + LETTERS[b]: _chance("correlated_gate", p)
        for a, row in enumerate(matrix)
        for b, p in enumerate(row)
        if (a, b) != (0, 0)
    }
    if sum(found.values()) > 1 + 1e-9:
        refuse("NAVM-09", f"the correlated chances add up to {sum(found.values()):g}")
    return Pauli2({pair: p for pair, p in found.items() if p})


def loses(made: Profile) -> bool:
    """Whether an atom may be lost."""
    mishaps = made.mishaps
    of_model = mishaps.model is not None and mishaps.model.loses_atoms
    return bool(mishaps.load_loss or mishaps.gate_loss or mishaps.move_loss or mishaps.idle.loss) or of_model
