"""Our circuits as those of Amazon Braket's SDK.

Qubits keep the numbers that a circuit from Braket had, else they count from 0; the classical bits that are written
become Braket's one register, in order. Measurements and result types that Braket's own conventions put there are taken
back to them. What a ``Circuit`` has no form for, but Braket's OpenQASM has, becomes a ``Program``.
"""

from __future__ import annotations

# the SDK is not among our dependencies and has no stubs
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false, reportPrivateUsage=false
# pyright: reportUnknownParameterType=false
import math
from typing import Any, cast

import numpy as np
from braket.circuits import Circuit as BraketCircuit
from braket.circuits import Gate, Instruction, Measure, Noise, compiler_directives

from qmk.adapters.braket import reader
from qmk.adapters.braket.expressions import from_expression
from qmk.adapters.braket.results import result_type
from qmk.circuit.building import PARAMS
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import Item, ModifiedGate, Step
from qmk.ir.names import base_of
from qmk.ir.parameters import Expression
from qmk.qvm.families import OPS
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.families.noise import PAIRS
from qmk.qvm.matrices import pauli_string
from qmk.qvm.op import KrausChannel, PauliChannel
from qmk.qvm.op import Step as LoweringStep
from qmk.sdk.adapter import cannot

_CLASSES: dict[str, Any] = {short: kind for kind, short in reader.DIRECT.items()}
_TURNED = {"x": ("h",), "y": ("sdg", "h")}
"""Gates that turn another basis into that of a measurement."""


def write(circuit: Circuit) -> Any:
    """A ``Circuit``; a ``Program`` of ``braket.ir.openqasm`` where there are branches, computed bits, resets, or
    something after the measurement of a qubit. Raises UNSUPPORTED for what neither has, naming the item."""
    from qmk.adapters.braket import programs

    return CircuitWriter(circuit).circuit() if programs.is_circuit(circuit) else programs.write(circuit)


class CircuitWriter:
    """Writes a circuit as a ``Circuit``."""

    def __init__(self, circuit: Circuit) -> None:
        circuit._require_finished()
        self.source = circuit
        self.notes = cast("dict[str, Any]", circuit._metadata.get("braket") or {})
        numbers = self.notes.get("qubits", ())
        self.qubits = list(numbers) if len(numbers) == circuit.n_qubits else list(range(circuit.n_qubits))
        self.made: Any = BraketCircuit()
        self.places: dict[int, int] = {}
        self.place = ""
        self.by_steps = False
        """Whether gates are written out where a matrix would do."""

    def circuit(self) -> BraketCircuit:
        items = list(self.source._items)
        if self.notes.get("implicit"):
            items = _without_readout(items, self.source.n_qubits)
        written = sorted({bit for item in items if isinstance(item, Step) for bit in item.writes})
        self.places = {bit: place for place, bit in enumerate(written)}
        self.write_items(items)
        idle = [qubit for qubit in self.qubits if qubit not in self.made.qubits]
        for qubit in idle:  # which would else not be there
            self.made.i(qubit)
        for text in self.notes.get("pragmas", ()):
            self.made.add_result_type(result_type(text))
        return self.made

    def write_items(self, items: list[Item]) -> None:
        for at, item in enumerate(items):
            self.place = f"op {at}"
            try:
                self.write_item(item, at)
            except ValueError as error:  # the SDK says what it does not take
                raise cannot(reader.FRAMEWORK, str(error), self.place, "change the circuit there") from None

    def write_item(self, item: Item, at: int) -> None:
        if isinstance(item, Step):
            self._step(item, [self.qubits[k] for k in item.qubits])
        else:
            name, angles, qubits, controls, power = cast("ModifiedGate", (*cast("Any", item), "", 1.0)[:5])
            self._gate(name, angles, [self.qubits[k] for k in qubits], controls, power)

    # -- gates -------------------------------------------------------------------------------------------------------

    def _gate(
        self, name: str, angles: tuple[Any, ...], qubits: list[int], controls: str = "", power: float = 1.0
    ) -> None:
        kind = Gate.GPhase if name == "gphase" else _CLASSES.get(name)
        if kind is None:
            self._compose(name, angles, qubits, controls, power)
            return
        values = [from_expression(angle, self.place) for angle in angles]
        n = len(controls)
        given: dict[str, Any] = {"control": qubits[:n], "control_state": controls} if controls else {}
        if power != 1.0:
            given["power"] = power
        self.made.add_instruction(Instruction(kind(*values), qubits[n:], **given))

    def _compose(self, name: str, angles: tuple[Any, ...], qubits: list[int], controls: str, power: float) -> None:
        """A gate that Braket does not have: a controlled one, an inverse, a matrix, or steps."""
        op, n = FIXED_SIZE[name], len(controls)
        base, own = base_of(name)
        inverse = op.inverse.removeprefix("core.")
        if own:
            self._gate(base, angles, qubits, controls + "1" * own, power)
        elif inverse in _CLASSES and not op.params:
            self._gate(inverse, (), qubits, controls, -power)
        elif name == "qasm_u":
            self._gate("gphase", (angles[0] / 2,), qubits[:n], controls, 1.0) if n else self._gate(
                "gphase", (angles[0] / 2,), []
            )
            self._gate("u", angles, qubits, controls, power)
        elif self.by_steps or any(isinstance(angle, Expression) for angle in angles) or power != 1.0:
            self._lower(name, angles, qubits, controls, power)
        else:
            assert op.matrix is not None
            matrix = np.array(op.matrix(dict(zip(PARAMS[name], angles, strict=True))))
            given: dict[str, Any] = {"control": qubits[:n], "control_state": controls} if controls else {}
            self.made.add_instruction(Instruction(Gate.Unitary(matrix), qubits[n:], **given))

    def _lower(self, name: str, angles: tuple[Any, ...], qubits: list[int], controls: str, power: float) -> None:
        lower, n = FIXED_SIZE[name].lower, len(controls)
        if lower is None or power != 1.0:
            fix = "give the parameters their values with bind(...), or write the power out"
            raise cannot(
                reader.FRAMEWORK, f"'{name}' to a power or with open angles is not a gate of Braket's", self.place, fix
            )
        for step in lower(dict(zip(PARAMS[name], angles, strict=True)), FIXED_SIZE[name].vqs.low):
            short = step.op.removeprefix("core.")
            own = tuple(step.args[param] for param in PARAMS[short])
            self._gate(short, own, [*qubits[:n], *(qubits[n + k] for k in step.operands)], controls)

    # -- other ops ---------------------------------------------------------------------------------------------------

    def _step(self, step: Step, qubits: list[int]) -> None:
        family, _, short = step.op.partition(".")
        op = OPS[step.op]
        if step.op in ("core.mz", "core.mx", "core.my"):
            for gate in _TURNED.get(short[1], ()):
                self._gate(gate, (), qubits)
            self.made.add_instruction(Instruction(Measure(index=self.places[step.writes[0]]), qubits))
        elif short == "barrier":
            self.made.add_instruction(Instruction(compiler_directives.Barrier(qubits), qubits))
        elif family == "noise" and op.channel is not None:
            self._noise(step, qubits)
        elif op.op_class == "unitary" and op.lower is not None:
            for each in op.lower(step.args, len(qubits)):
                self._gate_step(each, [qubits[k] for k in each.operands])
        else:
            fix = "leave it out, or run the circuit with qmk.run"
            raise cannot(reader.FRAMEWORK, f"'{step.op}' has no form in a circuit of Braket's", self.place, fix)

    def _gate_step(self, step: LoweringStep, qubits: list[int]) -> None:
        name = step.op.removeprefix("core.")
        self._gate(name, tuple(step.args[param] for param in PARAMS[name]), qubits)

    def _noise(self, step: Step, qubits: list[int]) -> None:
        made = self._named_noise(step, len(qubits))
        if made is None:
            try:
                channel = OPS[step.op].channel(step.args, len(qubits))  # type: ignore[misc]
            except TypeError:
                fix = "give the parameters their values with bind(...)"
                raise cannot(reader.FRAMEWORK, f"'{step.op}' has an open parameter", self.place, fix) from None
            if isinstance(channel, PauliChannel):
                made = _pauli_pairs(dict(zip(PAIRS, map(float, channel.chances[1:]), strict=True)))
            else:
                assert isinstance(channel, KrausChannel)
                made = Noise.Kraus([np.array(operator) for operator in channel.operators])
        self.made.add_instruction(Instruction(made, qubits))

    def _named_noise(self, step: Step, count: int) -> Any:
        args = {name: from_expression(value, self.place) for name, value in step.args.items() if name != "operators"}
        if step.op == "noise.pauli":
            chances = [args.get(name, 0.0) for name in ("px", "py", "pz")]
            given = [place for place, chance in enumerate(chances) if chance != 0.0]
            if given in ([0], [2]):
                return (Noise.BitFlip if given == [0] else Noise.PhaseFlip)(chances[given[0]])
            return Noise.PauliChannel(*chances)
        if step.op == "noise.depolarize":
            return (Noise.Depolarizing if count == 1 else Noise.TwoQubitDepolarizing)(args["p"])
        if step.op == "noise.amplitude_damping":
            return Noise.AmplitudeDamping(args["gamma"])
        if step.op == "noise.phase_damping":
            return Noise.PhaseDamping(args["lam"])
        return None


def _pauli_pairs(chances: dict[str, float]) -> Any:
    """A channel of Paulis on two qubits. Braket's ``TwoQubitPauliChannel`` has no form in its OpenQASM."""
    phases = [chances[pair] for pair in ("IZ", "ZI", "ZZ")]
    if math.isclose(min(phases), max(phases), rel_tol=1e-12) and math.isclose(sum(phases), sum(chances.values())):
        return Noise.TwoQubitDephasing(sum(phases))
    terms = {"II": 1 - sum(chances.values()), **chances}
    return Noise.Kraus([math.sqrt(max(p, 0.0)) * np.array(pauli_string(pair)) for pair, p in terms.items() if p])


def _without_readout(items: list[Item], qubits: int) -> list[Item]:
    """The items without the final measurement of all qubits that was added when the circuit was read."""
    last = items[len(items) - qubits :]
    read = [item.qubits[0] for item in last if isinstance(item, Step) and item.op == "core.mz"]
    return items[: len(items) - qubits] if read == list(range(qubits)) else items
