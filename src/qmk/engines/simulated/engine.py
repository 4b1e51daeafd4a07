"""Runs of simulated devices: compiled, with the noise of the moment in which they are prepared, by a density matrix
where the program only reads out at its end, else branch by branch on state vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from qmk.base.errors import QmkError
from qmk.compiling.lowering import with_ecr
from qmk.compiling.run import compile_circuit
from qmk.compiling.target import goal_of
from qmk.engines.simulated import DECLARATION, MAX_QUBITS
from qmk.engines.simulated.devices import ENGINE, Device, device_named, out_of_order
from qmk.exact.branching import BranchingPlan
from qmk.exact.dense import DenseBackend, NumpyCircuit
from qmk.exact.density import density_matrix
from qmk.exact.readout import Readout, ReadoutPlan, VectorSampler, readout_of
from qmk.exact.straight import straight
from qmk.ir.bits import finish
from qmk.ir.lower import lower
from qmk.ir.native_circuit import circuit_of, program_of
from qmk.ir.program import Instruction, Program
from qmk.ir.raising import graph_of
from qmk.ir.resolver import ALL_GATES
from qmk.models.atoms.on_device import on_device
from qmk.models.devices.age import DAY_S, STALE_S
from qmk.models.devices.on_target import on_target
from qmk.qvm.graph import Graph
from qmk.sdk.engine import Plan, Progress, Samples, Unsupported

STRAIGHT = straight(ALL_GATES, method="density_matrix", reset=True, noise=frozenset({"pauli", "kraus"}), logic=True)


class SimulatedEngine:
    version = "1"

    def prepare(self, program: Program, method: str) -> Plan:
        if not DECLARATION.has_method(method):
            raise Unsupported(f"engine {ENGINE} has no device '{method}'")
        device = device_named(method)
        if device.back_s is not None:
            raise out_of_order(device)
        graph = _write(program, device)
        written = lower(graph, ALL_GATES)
        if written.n_qubits > MAX_QUBITS:
            text = f"{written.n_qubits} sites of device '{method}' at once: engine {ENGINE} holds at most {MAX_QUBITS}"
            raise Unsupported(f"{text}; --device {method} takes any simulator")
        cbits = tuple(_cbit(written, f"m{cbit}") for cbit in range(program.n_cbits))
        most = None if device.target is None else device.target.max_shots
        return SimulatedPlan(_plan(written), written, program.n_cbits, cbits, _notes(device), method, most)


def _cbit(program: Program, event: str) -> int:
    """The bit of an event of the written program; -1 where the program never writes it."""
    return program.events.get(event, (-1,))[0]


def _write(program: Program, device: Device) -> Graph:
    """The program in the device's gates and with its noise. Event ``m<k>`` is cbit k."""
    if device.atoms is not None:
        return on_device(graph_of(program), device.atoms).graph
    assert device.target is not None
    made = compile_circuit(circuit_of(program), goal_of(device.target))
    compiled = program_of(made.work.circuit)
    return on_target(device.target, graph_of(with_ecr(compiled) if "ecr" in made.report["gates"] else compiled))


def _plan(program: Program) -> Plan:
    try:
        readout_of(program, ENGINE, STRAIGHT)
    except Unsupported:
        return BranchingPlan(program, DenseBackend(program.n_qubits, NumpyCircuit), ENGINE, version="1")

    return ReadoutPlan(program, ENGINE, STRAIGHT, make_sampler)


def make_sampler(readout: Readout, _method: str) -> VectorSampler:
    """A sampler by the diagonal of the density matrix."""
    steps = Program(readout.n_qubits, 0, cast("tuple[Instruction, ...]", readout.steps), (), {})
    return VectorSampler(readout, lambda: _roots(steps), True)


def _roots(program: Program) -> Any:
    """The square roots of the probabilities of all outcomes."""
    return np.sqrt(np.maximum(density_matrix(program).diagonal().real, 0.0)).astype(np.complex128)


def _notes(device: Device) -> dict[str, Any]:
    notes: dict[str, Any] = {"device": device.name}
    if device.calibrated_s is not None:
        age = device.now_s - device.calibrated_s
        notes["calibration_age_days"] = round(age / DAY_S, 3)
        if age > STALE_S:
            notes["calibration"] = "stale: the device's numbers may have drifted since"
    return notes


@dataclass(frozen=True)
class SimulatedPlan:
    """``cbits``: for each bit of the caller's program the bit of ``program`` that is it, -1 for one that stays 0."""

    plan: Plan
    program: Program
    n_cbits: int
    cbits: tuple[int, ...]
    notes: dict[str, Any]
    device: str
    max_shots: int | None

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        if self.max_shots is not None and shots > self.max_shots:
            text = f"{shots} shots: device '{self.device}' of engine '{ENGINE}' takes {self.max_shots} a job"
            raise QmkError("UNSUPPORTED", text, engine=ENGINE, help="ask for fewer, or run more jobs")
        found = self.plan.run(shots, seed)
        bits = finish(self.program, found.bits, seed)
        out = np.zeros((shots, self.n_cbits), dtype=np.uint8)
        for place, cbit in enumerate(self.cbits):
            if cbit >= 0:
                out[:, place] = bits[:, cbit]
        if progress is not None:
            progress(shots)
        return Samples(out, dict(self.notes))
