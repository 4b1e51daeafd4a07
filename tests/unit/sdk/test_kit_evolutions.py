"""The kit of evolutions finds faults: each broken engine fails the check that names its fault."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from qmk.engines import qutip, rydberg, tenpy
from qmk.engines.qutip.engine import QutipEngine
from qmk.engines.rydberg.engine import RydbergEngine
from qmk.ir.program import Gate, Instruction, NoisyEvolution, Program
from qmk.qvm.outputs import Estimate
from qmk.sdk.engine import Declaration, Plan, Progress, Samples, Unsupported
from qmk.sdk.kit import engine_kit
from qmk.sdk.kit.dynamics_programs import open_evolutions
from qmk.sdk.kit.evolutions import atom_evolutions, noisy_atom_evolutions
from qmk.sdk.kit.report import run_checks
from qmk.worker.runner import Runner

SHOTS = 1000


class BrokenPlan:
    def __init__(self, inner: Plan, fault: str) -> None:
        self.inner, self.fault = inner, fault

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        samples = self.inner.run(shots, seed, progress)
        if self.fault == "mirrored":
            samples.bits = samples.bits[:, ::-1]
        if self.fault == "vague":
            samples.notes["state_error"] = 0.5
        if self.fault == "silent on errors":
            samples.notes = {}
        return samples


class Nothing:
    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        return Samples(np.zeros((shots, 3), dtype=np.uint8))


class BrokenEngine:
    """An engine with one fault."""

    version = "1"

    def __init__(self, inner: Any, fault: str) -> None:
        self.inner, self.fault = inner, fault

    def prepare(self, program: Program, method: str) -> BrokenPlan:
        try:
            return BrokenPlan(self.inner.prepare(self._change(program), method), self.fault)
        except Unsupported:
            if self.fault == "takes all":
                return BrokenPlan(Nothing(), self.fault)
            raise

    def observe(self, program: Program, method: str) -> Any:
        if self.fault == "observes all":
            return None
        return self.inner.observe(self._change(program), method)

    def trajectory(self, program: Program, method: str, shots: int, seed: int) -> Any:
        times, rows = self.inner.trajectory(self._change(program), method, shots, seed)
        factor = {"sure of itself": 1e-3, "unsure of itself": 3.0}.get(self.fault, 1.0)
        return times, {name: [Estimate(v.value, v.error * factor) for v in row] for name, row in rows.items()}

    def _change(self, program: Program) -> Program:
        return replace(program, instructions=tuple(map(self._item, program.instructions)))

    def _item(self, item: Instruction) -> Instruction:
        if not isinstance(item, Gate | NoisyEvolution):
            return item
        args: dict[str, Any] = dict(item.args)
        if self.fault == "no collapse":
            args["collapse"] = []
        elif self.fault == "no interaction":
            args["c6"] = 1e-9
        elif self.fault == "no noise":
            args.pop("noise", None)
        return replace(item, args=args)


CASES = [
    (qutip.DECLARATION, "mesolve", "no collapse", "a qubit that decays and dephases"),
    (qutip.DECLARATION, "mesolve", "no collapse", "a damped cavity"),
    (qutip.DECLARATION, "mesolve", "no collapse", "output density of evolutions"),
    (qutip.DECLARATION, "mesolve", "no collapse", "output expectation of evolutions"),
    (qutip.DECLARATION, "mesolve", "no collapse", "output probabilities of evolutions"),
    (qutip.DECLARATION, "mesolve", "no collapse", "output trajectory"),
    (qutip.DECLARATION, "mesolve", "takes all", "refuses a Hamiltonian that is not Hermitian"),
    (qutip.DECLARATION, "mesolve", "takes all", "refuses two atoms under blockade"),
    (qutip.DECLARATION, "mesolve", "takes all", "refuses an evolution under a condition"),
    (qutip.DECLARATION, "sesolve", "takes all", "refuses a damped cavity"),
    (qutip.DECLARATION, "sesolve", "vague", "an atom in a cavity"),
    (qutip.DECLARATION, "mcsolve", "sure of itself", "output trajectory"),
    (qutip.DECLARATION, "mcsolve", "unsure of itself", "output trajectory"),
    (qutip.DECLARATION, "mcsolve", "observes all", "refuses outputs that it does not declare"),
    (qutip.DECLARATION, "sesolve", "mirrored", "an atom in a cavity"),
    (rydberg.DECLARATION, "", "no interaction", "two atoms under blockade"),
    (rydberg.DECLARATION, "", "no interaction", "output state of evolutions"),
    (rydberg.DECLARATION, "", "no interaction", "output amplitudes of evolutions"),
    (rydberg.DECLARATION, "", "no noise", "an atom that decays"),
    (rydberg.DECLARATION, "", "mirrored", "three atoms under uneven light"),
    (rydberg.DECLARATION, "subspace", "vague", "a Rabi flop"),
    (rydberg.DECLARATION, "subspace", "silent on errors", "a Rabi flop"),
    (rydberg.DECLARATION, "mixed", "no interaction", "two atoms that feel each other"),
]


@pytest.mark.parametrize(
    ("declaration", "method", "fault", "found_by"), CASES, ids=[f"{d.name}-{m}-{f}-{by}" for d, m, f, by in CASES]
)
def test_a_broken_engine_is_found(
    declaration: Declaration, method: str, fault: str, found_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = BrokenEngine(QutipEngine() if declaration is qutip.DECLARATION else RydbergEngine(), fault)
    monkeypatch.setattr(Runner, "engine", property(lambda _self: engine))
    found = engine_kit.checks(declaration, method, shots=SHOTS, programs=1)
    report = run_checks(fault, [row for row in found if row.name == found_by and not row.skipped])
    assert [row.name for row in report.failures] == [found_by]


def test_every_method_of_evolutions_runs_programs_and_is_held_to_its_refusals() -> None:
    """Of the kit's programs each is run by some method, and refused by another."""
    ran: set[str] = set()
    refused: set[str] = set()
    names = {evolution.name for evolution in (*open_evolutions(), *atom_evolutions(), *noisy_atom_evolutions())}
    for declaration in (qutip.DECLARATION, rydberg.DECLARATION, tenpy.DECLARATION):
        for method in declaration.methods:
            applied = {check.name for check in engine_kit.checks(declaration, method, programs=1) if not check.skipped}
            ran |= names & applied
            refused |= {name for name in names if f"refuses {name}" in applied}
            assert names & applied
    assert ran == refused == names
