"""The abstract representation as types: what is not named here is refused, so nothing that is written is left out."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Basis = Literal["ground-rydberg", "digital", "XY"]
Protocol = Literal["min-delay", "no-delay", "wait-for-all"]


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """One object."""


class Expression(Part):
    """A variable, or an operation on one or two arguments."""

    variable: str | None = None
    expression: str | None = None
    lhs: Number | Numbers | None = None
    rhs: Number | Numbers | None = None


Number = float | Expression
Numbers = list[float]


class Constant(Part, tag_field="kind", tag="constant"):
    duration: Number
    value: Number


class Ramp(Part, tag_field="kind", tag="ramp"):
    duration: Number
    start: Number
    stop: Number


class Blackman(Part, tag_field="kind", tag="blackman"):
    duration: Number
    area: Number


class BlackmanMax(Part, tag_field="kind", tag="blackman_max"):
    max_val: Number
    area: Number


class Interpolated(Part, tag_field="kind", tag="interpolated"):
    duration: Number
    values: Number | Numbers
    times: Number | Numbers


class Kaiser(Part, tag_field="kind", tag="kaiser"):
    duration: Number
    area: Number
    beta: Number


class KaiserMax(Part, tag_field="kind", tag="kaiser_max"):
    max_val: Number
    area: Number
    beta: Number


class Custom(Part, tag_field="kind", tag="custom"):
    samples: Number | Numbers


class Composite(Part, tag_field="kind", tag="composite"):
    waveforms: list[WaveformSpec]


WaveformSpec = Constant | Ramp | Blackman | BlackmanMax | Interpolated | Kaiser | KaiserMax | Custom | Composite


class Target(Part, tag_field="op", tag="target"):
    channel: str
    target: Number | Numbers


class Align(Part, tag_field="op", tag="align"):
    channels: list[str]
    at_rest: bool = True


class Delay(Part, tag_field="op", tag="delay"):
    channel: str
    time: Number
    at_rest: bool = False


class PhaseShift(Part, tag_field="op", tag="phase_shift"):
    phi: Number
    targets: list[Number]
    basis: Basis


class AddPulse(Part, tag_field="op", tag="pulse"):
    channel: str
    protocol: Protocol
    amplitude: WaveformSpec
    detuning: WaveformSpec
    phase: Number
    post_phase_shift: Number


class AddPhasePulse(Part, tag_field="op", tag="pulse_arbitrary_phase"):
    channel: str
    protocol: Protocol
    amplitude: WaveformSpec
    phase: WaveformSpec
    post_phase_shift: Number


class EnableEom(Part, tag_field="op", tag="enable_eom_mode"):
    channel: str
    amp_on: Number
    detuning_on: Number
    optimal_detuning_off: Number
    correct_phase_drift: bool = False


class ModifyEom(Part, tag_field="op", tag="modify_eom_setpoint"):
    channel: str
    amp_on: Number
    detuning_on: Number
    optimal_detuning_off: Number
    correct_phase_drift: bool = False


class DisableEom(Part, tag_field="op", tag="disable_eom_mode"):
    channel: str
    correct_phase_drift: bool = False


class AddEomPulse(Part, tag_field="op", tag="add_eom_pulse"):
    channel: str
    duration: Number
    phase: Number
    post_phase_shift: Number
    protocol: Protocol
    correct_phase_drift: bool = False


class ConfigSlm(Part, tag_field="op", tag="config_slm_mask"):
    qubits: list[str]
    dmm_id: str


class Spot(Part):
    weight: float
    x: float
    y: float


class WeightMap(Part):
    traps: list[Spot]
    slug: str | None = None


class ConfigMap(Part, tag_field="op", tag="config_detuning_map"):
    detuning_map: WeightMap
    dmm_id: str


class AddDmm(Part, tag_field="op", tag="add_dmm_detuning"):
    waveform: WaveformSpec
    dmm_name: str
    protocol: Protocol


class Truncate(Part, tag_field="op", tag="truncate"):
    duration: Number


Operation = (
    Target
    | Align
    | Delay
    | PhaseShift
    | AddPulse
    | AddPhasePulse
    | EnableEom
    | ModifyEom
    | DisableEom
    | AddEomPulse
    | ConfigSlm
    | ConfigMap
    | AddDmm
    | Truncate
)


class EomSpec(Part):
    mod_bandwidth: float
    limiting_beam: Literal["RED", "BLUE"]
    max_limiting_amp: float
    intermediate_detuning: float
    controlled_beams: list[Literal["RED", "BLUE"]]
    multiple_beam_control: bool = True
    custom_buffer_time: float | None = None
    blue_shift_coeff: float = 1.0
    red_shift_coeff: float = 1.0


class ChannelSpec(Part):
    """A channel, or a modulator of a detuning map where it has a bottom."""

    id: str
    basis: Basis
    addressing: Literal["Global", "Local"]
    clock_period: int
    min_duration: int
    max_abs_detuning: float | None = None
    max_amp: float | None = None
    min_retarget_interval: int | None = None
    fixed_retarget_t: int | None = None
    max_targets: int | None = None
    max_duration: int | None = None
    min_avg_amp: float = 0.0
    mod_bandwidth: float | None = None
    custom_phase_jump_time: int | None = None
    eom_config: EomSpec | None = None
    propagation_dir: list[float] | None = None
    bottom_detuning: float | None = None
    total_bottom_detuning: float | None = None
    min_avg_abs_detuning: float = 0.0


class Layout(Part):
    coordinates: list[list[float]]
    slug: str | None = None
    pulser_version: str | None = None


class Device(Part, rename={"schema": "$schema"}):
    """``default_noise_model`` is what a simulator may take; a sequence means none, and none is taken."""

    name: str
    channels: list[ChannelSpec]
    dimensions: Literal[2, 3]
    rydberg_level: int
    min_atom_distance: float
    is_virtual: bool
    version: Literal["1"]
    max_atom_num: int | None = None
    max_radial_distance: float | None = None
    dmm_objects: list[ChannelSpec] = []
    supports_slm_mask: bool = False
    reusable_channels: bool = False
    interaction_coeff_xy: float | None = None
    max_layout_filling: float = 0.5
    min_layout_filling: float = 0.0
    optimal_layout_filling: float | None = None
    min_layout_traps: int = 1
    max_layout_traps: int | None = None
    max_sequence_duration: int | None = None
    max_runs: int | None = None
    requires_layout: bool = False
    accepts_new_layouts: bool = True
    pre_calibrated_layouts: list[Layout] = []
    default_noise_model: Any = None
    pulser_version: str | None = None
    schema: str | None = None


class Atom(Part):
    """An atom with its place, or a qubit of a mappable register."""

    name: str | None = None
    x: float | None = None
    y: float | None = None
    z: float | None = None
    qid: str | None = None
    default_trap: int | None = None


class Variable(Part):
    type: Literal["int", "float"]
    value: list[float] | None = None


class Document(Part, rename={"schema": "$schema"}):
    version: str
    register: list[Atom]
    channels: dict[str, str]
    operations: list[Operation]
    device: str | Device
    variables: dict[str, Variable]
    measurement: Basis | None
    name: str = ""
    layout: Layout | None = None
    magnetic_field: list[float] | None = None
    slm_mask_targets: list[str] | None = None
    pulser_version: str | None = None
    metadata: Any = None
    schema: str | None = None
