"""The engine under test and what it declares."""

from __future__ import annotations

from qmk.ir.lower import lower
from qmk.ir.program import Program
from qmk.sdk.engine import Capabilities, Engine, Samples
from qmk.sdk.kit.programs import Case
from qmk.worker.runner import Runner


class Subject:
    """The engine under test, with what it declares."""

    def __init__(self, runner: Runner, method: str, shots: int) -> None:
        self.runner, self.method, self.shots = runner, method, shots
        self.can: Capabilities = runner.capabilities(method)

    @property
    def engine(self) -> Engine:
        return self.runner.engine

    def lacks(self, case: Case) -> str:
        """Why the declared capabilities exclude a case, or ""."""
        can = self.can
        if can.clifford and not case.clifford:
            return "Clifford programs only"
        have = {"logic"}
        have |= {"mid_circuit"} if can.mid_circuit else set()
        have |= {"reset"} if can.reset else set()
        have |= {"none": set[str](), "pauli": {"pauli"}, "full": {"pauli", "full"}}[can.feed_forward]
        have |= {"noise"} if "pauli" in can.noise else set()
        have |= {"kraus"} if "kraus" in can.noise else set()
        dice = can.feed_forward == "full" and can.mid_circuit and can.reset
        have |= {"losses"} if "loss" in can.noise or (dice and "pauli" in can.noise) else set()
        have |= {"leaks"} if dice and "kraus" in can.noise else set()
        missing = sorted(case.needs - have)
        return f"does not declare {', '.join(missing)}" if missing else ""

    def lower(self, case: Case) -> Program:
        can = self.can
        logic, tosses = not can.logic, "loss" in can.noise
        return lower(case.graph, can.gates, clifford=can.clifford, inline_logic=logic, tosses=tosses)

    def sample(self, program: Program, shots: int, seed: int) -> Samples:
        return self.engine.prepare(program, self.method).run(shots, seed)
