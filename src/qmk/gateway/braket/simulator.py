"""``LocalSimulator("qmk")`` of the Amazon Braket SDK: analog programs and circuits in this process, without network.

Entry point ``qmk`` of the group ``braket.simulators``; only the SDK imports it, which brings ``braket.simulator``.
Programs and results are those of the gateway: what one refuses, so does the other.
"""

from __future__ import annotations

# the SDK, which imports this module, is not among our dependencies
# pyright: reportMissingImports=false, reportMissingTypeStubs=false, reportAttributeAccessIssue=false
# pyright: reportUntypedBaseClass=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
import uuid
from decimal import Decimal
from typing import Any

import msgspec
from braket.device_schema.device_capabilities import DeviceCapabilities
from braket.ir.ahs import Program as AnalogProgram
from braket.ir.openqasm import Program as CircuitProgram
from braket.simulator import BraketSimulator
from braket.task_result import AnalogHamiltonianSimulationTaskResult, GateModelTaskResult

from qmk.api.embedded import run
from qmk.gateway.braket.devices import DEVICES, capabilities
from qmk.gateway.braket.openqasm import prepare
from qmk.gateway.braket.results import AHS, task_result

ATOMS = DEVICES["arn:aws:braket:::device/quantum-simulator/qmk/atoms"]
GATES = DEVICES["arn:aws:braket:::device/quantum-simulator/qmk/gates"]
_HOW = {
    "steps",
    "progress_bar",
    "atol",
    "rtol",
    "solver_method",
    "order",
    "nsteps",
    "first_step",
    "max_step",
    "min_step",
}
"""Of Braket's own simulator: how it is to compute. QMK takes as many steps as its error bound needs."""


class Simulator(BraketSimulator):
    """Exact simulation of neutral atoms under light, and of circuits on the engine that QMK's router chooses."""

    DEVICE_ID = "qmk"

    def run(
        self,
        ir: AnalogProgram | CircuitProgram,
        *args: Any,
        shots: int = 0,
        seed: int | None = None,
        engine: str | None = None,
        **params: Any,
    ) -> AnalogHamiltonianSimulationTaskResult | GateModelTaskResult:
        """Run a program ``shots`` times and give Braket's result. ``params`` are those of QMK's reader: of an analog
        program ``c6`` (rad um^6/us), ``phase_sign`` and ``device``, of a circuit its inputs.

        Raises ``ValueError`` for no shots, ``TypeError`` for another kind of program, ``QmkError`` for what is refused.
        """
        if shots < 1:
            raise ValueError("shots is 0: results without shots are not served; ask for at least 1")
        action = msgspec.json.decode(ir.json())
        if isinstance(ir, AnalogProgram):
            text, kind = ir.json(), AnalogHamiltonianSimulationTaskResult
            format, given = ATOMS.format, _of_atoms(params)
        elif isinstance(ir, CircuitProgram):
            text, kind = prepare(ir.source), GateModelTaskResult
            format, given = GATES.format, {**(action.get("inputs") or {}), **params}
            action["source"] = text
        else:
            raise TypeError(f"{type(ir).__name__} is neither an analog program nor OpenQASM")
        result = run(text, format=format, shots=shots, seed=seed, engine=engine, params=given or None)
        written = task_result(result, action, {"id": str(uuid.uuid4()), "deviceId": self.DEVICE_ID})
        parts = [written.begin(), *map(written.shot, result.rows()), written.end()]
        return kind.parse_raw(b"".join(parts))

    @property
    def properties(self) -> DeviceCapabilities:
        """Both kinds of programs, as Braket's schemas describe a device that takes them."""
        gates, atoms = capabilities(GATES), capabilities(ATOMS)
        return DeviceCapabilities.parse_obj({**gates, "action": {**gates["action"], AHS: atoms["action"][AHS]}})


def _of_atoms(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters of Braket's own simulator in the reader's words; C6 is in rad m^6/s there."""
    given = {name: value for name, value in params.items() if name not in _HOW}
    if not given.get("blockade_radius", True):
        del given["blockade_radius"]  # 0: no state is left out, as here
    if (coefficient := given.pop("rydberg_interaction_coef", None)) is not None:
        given["c6"] = float(Decimal(str(coefficient)).scaleb(30))
    return given
