"""The devices of this adapter, and what Braket's device schemas say of them. Numbers of a machine come from its profile
in ``models/atoms`` and are SI there."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec

from qmk.base.limits import LIMITS
from qmk.frontends.braket.channels import NOISE
from qmk.frontends.braket.gates import GATES
from qmk.gateway.braket.results import AHS, OPENQASM
from qmk.models.atoms.profile import Light, profile
from qmk.models.atoms.program import C6_BRAKET

POLL_MS = 200

LIFETIME_S = 1e9
"""What the schema calls a lifetime where nothing decays: these devices are modelled without errors."""
_LATTICE_ERRORS = (
    *("positionErrorAbs", "sitePositionError", "atomPositionError"),
    *("fillingErrorTypical", "fillingErrorWorst", "vacancyErrorTypical", "vacancyErrorWorst"),
    *("atomLossProbabilityTypical", "atomLossProbabilityWorst"),
    *("atomCaptureProbabilityTypical", "atomCaptureProbabilityWorst"),
    *("atomDetectionErrorFalsePositiveTypical", "atomDetectionErrorFalsePositiveWorst"),
    *("atomDetectionErrorFalseNegativeTypical", "atomDetectionErrorFalseNegativeWorst"),
)
_LIGHT_ERRORS = (
    *("rabiFrequencyErrorRel", "rabiFrequencyGlobalErrorRel", "rabiFrequencyInhomogeneityRel"),
    *("groundDetectionError", "rydbergDetectionError", "groundPrepError"),
    *("rydbergPrepErrorBest", "rydbergPrepErrorWorst", "detuningError", "detuningInhomogeneity"),
)
_LIFETIMES = (
    *("T1Single", "T1Ensemble", "T2StarSingle", "T2StarEnsemble", "T2EchoSingle", "T2EchoEnsemble"),
    *("T2RabiSingle", "T2RabiEnsemble", "T2BlockadedRabiSingle", "T2BlockadedRabiEnsemble"),
)


class Device(msgspec.Struct, frozen=True):
    """``action``: the schema of the programs it takes; ``params``: what its front-end is told."""

    arn: str
    name: str
    provider: str
    kind: str
    action: str
    format: str
    params: dict[str, Any] = {}


_ROWS = (
    Device(
        "arn:aws:braket:us-east-1::device/qpu/quera/Aquila", "Aquila", "QuEra", "QPU", AHS, "ahs", {"device": "aquila"}
    ),
    Device("arn:aws:braket:::device/quantum-simulator/qmk/atoms", "QMK atoms", "QMK", "SIMULATOR", AHS, "ahs"),
    Device(
        "arn:aws:braket:::device/quantum-simulator/qmk/atoms-phase-plus",
        "QMK atoms, phase as in Braket's local simulator",
        "QMK",
        "SIMULATOR",
        AHS,
        "ahs",
        {"phase_sign": 1},
    ),
    Device("arn:aws:braket:::device/quantum-simulator/qmk/gates", "QMK gates", "QMK", "SIMULATOR", OPENQASM, "braket"),
    Device("arn:aws:braket:::device/quantum-simulator/amazon/sv1", "QMK gates", "QMK", "SIMULATOR", OPENQASM, "braket"),
)
ATOM_DEVICE, GATE_DEVICE = _ROWS[1], _ROWS[3]
DEVICES: dict[str, Device] = {row.arn: row for row in _ROWS}


def summary(device: Device) -> dict[str, Any]:
    """One row of SearchDevices."""
    return {
        "deviceArn": device.arn,
        "deviceName": device.name,
        "providerName": device.provider,
        "deviceType": device.kind,
        "deviceStatus": "ONLINE",
    }


def describe(device: Device) -> dict[str, Any]:
    """The answer of GetDevice."""
    return {**summary(device), "deviceCapabilities": msgspec.json.encode(capabilities(device)).decode()}


def capabilities(device: Device) -> dict[str, Any]:
    """The device's properties by the schema of its kind."""
    shots = list(profile(device.params.get("device", "ideal")).shots)
    service = {
        "braketSchemaHeader": _header("device_service_properties"),
        "executionWindows": [{"executionDay": "Everyday", "windowStartHour": "00:00:00", "windowEndHour": "23:59:59"}],
        "shotsRange": shots if shots[1] else [1, LIMITS.shots],
        "deviceDocumentation": {"summary": f"{device.name}, modelled by QMK"},
        "getTaskPollIntervalMillis": POLL_MS,
    }
    if device.action == AHS:
        return {
            "braketSchemaHeader": _header("quera.quera_device_capabilities"),
            "service": service,
            "action": {AHS: {"actionType": AHS, "version": ["1"]}},
            "deviceParameters": {},
            "paradigm": _analog(device),
        }
    return {
        "braketSchemaHeader": _header("simulators.gate_model_simulator_device_capabilities"),
        "service": service,
        "action": {OPENQASM: _gates(LIMITS.shots)},
        "deviceParameters": {},
        "paradigm": {
            "braketSchemaHeader": _header("simulators.gate_model_simulator_paradigm_properties"),
            "qubitCount": LIMITS.qubits,
        },
    }


def local_capabilities() -> dict[str, Any]:
    """Those of the simulator in a user's own process, which takes both kinds of programs."""
    gates, atoms = capabilities(GATE_DEVICE), capabilities(ATOM_DEVICE)
    service = {**gates["service"], "shotsRange": [0, LIMITS.shots]}
    return {**gates, "service": service, "action": {**gates["action"], AHS: atoms["action"][AHS]}}


_PAULIS = ["x", "y", "z", "h", "i", "hermitian"]
_EXACT = ("StateVector", "DensityMatrix", "Amplitude", "AdjointGradient")
_RESULTS = {"Sample": 1, "Expectation": 0, "Variance": 0, "Probability": 0, **dict.fromkeys(_EXACT, -1)}
"""Result types with the fewest shots; -1: without shots only."""


def _gates(shots: int) -> dict[str, Any]:
    """What the action on programs of gates says."""
    channels = [*NOISE, "kraus"]
    results = [
        {
            "name": name,
            "observables": _PAULIS if name in ("Sample", "Expectation", "Variance", "AdjointGradient") else None,
            "minShots": max(least, 0),
            "maxShots": shots if least >= 0 else 0,
        }
        for name, least in _RESULTS.items()
    ]
    words = [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in _RESULTS]
    return {
        "actionType": OPENQASM,
        "version": ["1"],
        "supportedOperations": [*GATES, "GPhase", "U", "unitary", *channels],
        "supportedModifiers": [
            {"name": "ctrl"},
            {"name": "negctrl"},
            {"name": "inv"},
            {"name": "pow", "exponent_types": ["int", "float"]},
        ],
        "supportedPragmas": [
            "braket_unitary_matrix",
            "verbatim",
            *(f"braket_result_type_{word}" for word in words),
            *(f"braket_noise_{name}" for name in channels),
        ],
        "forbiddenPragmas": [],
        "supportPhysicalQubits": True,
        "supportsUnassignedMeasurements": True,
        "supportedResultTypes": results,
    }


def _header(name: str) -> dict[str, str]:
    return {"name": f"braket.device_schema.{name}", "version": "1"}


def _si(value: float, power: int) -> float:
    return float(Decimal(str(value)).scaleb(power))


def _range(light: Light) -> list[float]:
    return [_si(light.low, 6), _si(light.high, 6)]


def _analog(device: Device) -> dict[str, Any]:
    """Lattice and light of the device's profile; where it has no bound, the schema's 0."""
    found = profile(device.params.get("device", "ideal"))
    place, local = found.arrangement, found.local
    light: dict[str, Any] = {
        "rabiFrequencyRange": _range(found.amplitude),
        "rabiFrequencyResolution": _si(found.amplitude.step, 6),
        "rabiFrequencySlewRateMax": _si(found.amplitude.slew, 12),
        "detuningRange": _range(found.detuning),
        "detuningResolution": _si(found.detuning.step, 6),
        "detuningSlewRateMax": _si(found.detuning.slew, 12),
        "phaseRange": [found.phase.low, found.phase.high],
        "phaseResolution": found.phase.step,
        "timeResolution": _si(found.time_step, -6),
        "timeDeltaMin": _si(found.interval, -6),
        "timeMin": 0.0,
        "timeMax": _si(found.duration, -6),
    }
    rydberg: dict[str, Any] = {"c6Coefficient": _si(C6_BRAKET, -30), "rydbergGlobal": light}
    if local is not None:
        rydberg["rydbergLocal"] = {
            "detuningRange": _range(local.field),
            "detuningSlewRateMax": _si(local.field.slew, 12),
            "siteCoefficientRange": [0.0, 1.0],
            "numberLocalDetuningSitesMax": local.sites,
            "spacingRadialMin": _si(local.spacing, -6),
            "timeResolution": _si(found.time_step, -6),
            "timeDeltaMin": _si(found.interval, -6),
        }
    return {
        "braketSchemaHeader": _header("quera.quera_ahs_paradigm_properties"),
        "qubitCount": place.sites or LIMITS.qubits,
        "lattice": {
            "area": {"width": _si(place.width, -6), "height": _si(place.height, -6)},
            "geometry": {
                "spacingRadialMin": _si(place.spacing, -6),
                "spacingVerticalMin": _si(place.row_spacing, -6),
                "positionResolution": _si(place.step, -6),
                "numberSitesMax": place.sites or LIMITS.qubits,
            },
        },
        "rydberg": rydberg,
        "performance": {
            "lattice": dict.fromkeys(_LATTICE_ERRORS, 0.0),
            "rydberg": {
                "rydbergGlobal": {
                    **dict.fromkeys(_LIGHT_ERRORS, 0.0),
                    **dict.fromkeys(_LIFETIMES, LIFETIME_S),
                    "rabiAmplitudeRampCorrection": [],
                }
            },
        },
    }
