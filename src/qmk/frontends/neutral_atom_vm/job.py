"""A job of lupalberto/neutral-atom-vm, versions 1.0 and 1.1 of its instructions, as data. Times are ns, rates 1/s,
angles radians; lengths have no unit there."""

from __future__ import annotations

from typing import Literal

import msgspec


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing that is written is left out."""


class AllocArray(_Part, frozen=True, tag_field="op", tag="AllocArray"):
    n_qubits: int


class ApplyGate(_Part, frozen=True, tag_field="op", tag="ApplyGate"):
    name: str
    targets: list[int]
    param: float = 0.0


class Measure(_Part, frozen=True, tag_field="op", tag="Measure"):
    targets: list[int]


class MoveAtom(_Part, frozen=True, tag_field="op", tag="MoveAtom"):
    atom: int
    position: float


class Wait(_Part, frozen=True, tag_field="op", tag="Wait"):
    duration: float


class Pulse(_Part, frozen=True, tag_field="op", tag="Pulse"):
    target: int
    detuning: float
    duration: float


Instruction = AllocArray | ApplyGate | Measure | MoveAtom | Wait | Pulse


class SiteRow(_Part, frozen=True):
    id: int
    x: float
    y: float = 0.0
    z: float = 0.0
    zone_id: int | None = None


class Gate(_Part, frozen=True):
    name: str
    arity: int
    duration_ns: float = 0.0
    angle_min: float = 0.0
    angle_max: float = 0.0
    connectivity: Literal["AllToAll", "NearestNeighborChain", "NearestNeighborGrid"] = "AllToAll"


class Pair(_Part, frozen=True):
    site_a: int
    site_b: int


class Graph(_Part, frozen=True):
    gate_name: str
    allowed_pairs: list[Pair] = []


class ZoneRadius(_Part, frozen=True):
    zone_id: int
    radius: float


class BlockadeModel(_Part, frozen=True):
    radius: float = 0.0
    radius_x: float = 0.0
    radius_y: float = 0.0
    radius_z: float = 0.0
    zone_overrides: list[ZoneRadius] = []


class Timing(_Part, frozen=True):
    min_wait_ns: float = 0.0
    max_wait_ns: float = 0.0
    max_parallel_single_qubit: int = 0
    max_parallel_two_qubit: int = 0
    max_parallel_per_zone: int = 0
    measurement_cooldown_ns: float = 0.0
    measurement_duration_ns: float = 0.0


class PulseLimits(_Part, frozen=True):
    detuning_min: float = 0.0
    detuning_max: float = 0.0
    duration_min_ns: float = 0.0
    duration_max_ns: float = 0.0
    max_overlapping_pulses: int = 0


class Edge(_Part, frozen=True):
    src_site_id: int
    dst_site_id: int
    distance: float = 0.0
    duration_ns: float = 0.0


class MoveLimits(_Part, frozen=True):
    max_total_displacement_per_atom: float = 0.0
    max_moves_per_atom: int = 0
    max_moves_per_shot: int = 0
    max_moves_per_configuration_change: int = 0
    rearrangement_window_ns: float = 0.0


class Hardware(_Part, frozen=True):
    positions: list[float] = []
    coordinates: list[list[float]] = []
    site_ids: list[int] = []
    sites: list[SiteRow] = []
    blockade_radius: float = 0.0
    native_gates: list[Gate] = []
    interaction_graphs: list[Graph] = []
    blockade_model: BlockadeModel | None = None
    timing_limits: Timing = Timing()
    pulse_limits: PulseLimits | None = None
    transport_edges: list[Edge] = []
    move_limits: MoveLimits = MoveLimits()


class Flips(_Part, frozen=True):
    p_flip0_to_1: float = 0.0
    p_flip1_to_0: float = 0.0


class Rates(_Part, frozen=True):
    per_gate: float = 0.0
    idle_rate: float = 0.0


class Paulis(_Part, frozen=True):
    px: float = 0.0
    py: float = 0.0
    pz: float = 0.0


class GateNoise(_Part, frozen=True):
    single_qubit: Paulis = Paulis()
    two_qubit_control: Paulis = Paulis()
    two_qubit_target: Paulis = Paulis()


class Correlated(_Part, frozen=True):
    matrix: list[list[float]]


class Phase(_Part, frozen=True):
    single_qubit: float = 0.0
    two_qubit_control: float = 0.0
    two_qubit_target: float = 0.0
    idle: float = 0.0


class Noise(_Part, frozen=True):
    p_loss: float = 0.0
    loss_runtime: Rates = Rates()
    p_quantum_flip: float = 0.0
    readout: Flips = Flips()
    amplitude_damping: Rates = Rates()
    gate: GateNoise = GateNoise()
    correlated_gate: Correlated | None = None
    phase: Phase = Phase()
    idle_rate: float = 0.0


class Version(_Part, frozen=True):
    major: int
    minor: int


class Job(_Part, frozen=True):
    program: list[Instruction]
    job_id: str = ""
    device_id: str = "state-vector"
    profile: str | None = None
    shots: int = 1
    isa_version: Version | str = "1.1"
    max_threads: int | None = None
    metadata: dict[str, str] = {}
    hardware: Hardware | None = None
    noise: Noise | None = None
    stim_circuit: str | None = None


DECODER = msgspec.json.Decoder(Job)
