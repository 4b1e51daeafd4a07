"""What Braket's schemas say of a device with coupled qubits: their connectivity and the native gates."""

from __future__ import annotations

# the SDK is not among our dependencies and has no stubs
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUntypedBaseClass=false
from typing import Any

from braket.device_schema import GateModelQpuParadigmProperties
from braket.device_schema.device_capabilities import DeviceCapabilities

from qmk.frontends.braket.gates import CORE
from qmk.models.devices import Target


class QpuCapabilities(DeviceCapabilities):
    """Those of a device with coupled qubits."""

    paradigm: GateModelQpuParadigmProperties


def paradigm_of(target: Target) -> dict[str, Any]:
    """Its sites that can be used, as text as Braket has them, and their neighbours; native gates by Braket's names, by
    QMK's where Braket has none."""
    names = {ours: theirs for theirs, ours in CORE.items()}
    neighbours: dict[str, list[str]] = {str(site): [] for site in target.usable()}
    full = target.couplings is None and not target.broken
    for a, b in () if full else target.pairs():
        neighbours[str(a)].append(str(b))
        neighbours[str(b)].append(str(a))
    return {
        "braketSchemaHeader": {"name": "braket.device_schema.gate_model_qpu_paradigm_properties", "version": "1"},
        "connectivity": {"fullyConnected": full, "connectivityGraph": {} if full else neighbours},
        "nativeGateSet": [names.get(gate, gate) for gate in target.gates],
        "qubitCount": len(neighbours),
    }
