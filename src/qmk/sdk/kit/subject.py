"""The engine under test and what it declares."""

from __future__ import annotations

from qmk.base.errors import QmkError
from qmk.ir.lazy import lazy
from qmk.ir.lower import lower
from qmk.ir.program import Program
from qmk.ir.resolver import NoLowering, Resolver
from qmk.qvm.families import OPS
from qmk.qvm.op import Op
from qmk.sdk.engine import Capabilities, Engine, Samples
from qmk.sdk.kit.programs import Case
from qmk.worker.runner import Runner

GENERIC = 0.7
"""An angle at which no gate is a Clifford gate."""

EVOLVING = frozenset({"analog", "levels", "mixed", "open", "subsystems"})
"""Kinds of noise of evolutions."""


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
        conditional = can.feed_forward == "full" and can.mid_circuit and can.reset
        have |= {"losses"} if "loss" in can.noise or (conditional and "pauli" in can.noise) else set()
        have |= {"leaks"} if conditional and "kraus" in can.noise else set()
        have |= can.noise & EVOLVING
        missing = sorted(case.needs - have)
        evolutions = {node.op for node in case.graph.nodes if OPS[node.op].op_class == "evolution"}
        missing += sorted(evolutions - can.gates)
        if missing:
            return f"does not declare {', '.join(missing)}"
        return "" if self.is_complete else self._inexpressible(case)

    @lazy
    def expressible(self) -> frozenset[str]:
        """Short names of the gates that can be written in the declared ones; of Clifford gates with ``clifford``."""
        resolver = Resolver(self.can.gates, self.can.clifford)
        return frozenset(op.short for op in _gates(self.can.clifford) if _is_written(resolver, op))

    @property
    def is_complete(self) -> bool:
        """Whether every program can be written in the declared gates, so that a refused one is a failure."""
        return self.expressible == frozenset(op.short for op in _gates(self.can.clifford))

    def _inexpressible(self, case: Case) -> str:
        try:
            self.lower(case)
        except QmkError as refused:
            return f"cannot be written in the declared gates: {refused.message}"
        return ""

    def lower(self, case: Case) -> Program:
        can = self.can
        logic, loss_events = not can.logic, "loss" in can.noise
        return lower(case.graph, can.gates, clifford=can.clifford, inline_logic=logic, loss_events=loss_events)

    def sample(self, program: Program, shots: int, seed: int) -> Samples:
        return self.engine.prepare(program, self.method).run(shots, seed)


def _gates(clifford: bool) -> list[Op]:
    """The gates of fixed size, or the Clifford ones among them."""
    gates = [op for op in OPS.values() if op.family == "core" and op.op_class == "unitary"]
    fixed = [op for op in gates if op.short not in ("mod", "paulirot", "gphase")]
    return [op for op in fixed if op.flow is not None] if clifford else fixed


def _is_written(resolver: Resolver, op: Op) -> bool:
    try:
        resolver.pieces(op.name, {param.name: GENERIC for param in op.params}, op.vqs.low)
    except NoLowering:
        return False
    return True
