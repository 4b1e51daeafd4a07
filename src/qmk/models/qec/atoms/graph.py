"""The graph of a memory on atoms: what an engine runs, lost atoms and all."""

from __future__ import annotations

from qmk.models.qec.atoms.steps import Step, Steps
from qmk.qvm.families.noise import PAIRS
from qmk.qvm.graph import Graph, Guard, Node

FLIPPED, RECORD, GONE = WORDS = "flipped", "m", "gone"
"""The first letters of the names of events."""

GATES = {"CX": "core.cnot", "CZ": "core.cz", "H": "core.h"}


def graph_of(memory: Steps) -> Graph:
    """Qubit k is ``q<k>``. Each data qubit begins in |0> or |1>, by the toss of a coin that event ``flipped<k>``
    tells (a memory of X: in |+> or |->).
    Events ``m0``, ``m1``, ... are Stim's records; ``gone0``, ``gone1``, ... are 1 where the atom of that life
    (``memory.lives``) is lost. Of a lost atom the bit is 0."""
    return _Writer(memory).build()


class _Writer:
    def __init__(self, memory: Steps) -> None:
        self.memory = memory
        self.names = {qubit: f"q{qubit}" for qubit in memory.qubits}
        self.nodes = [Node("alloc", "core.alloc", vqs=tuple(self.names.values()))]
        self.records = self.looks = 0

    def build(self) -> Graph:
        for step in self.memory.steps:
            if step.kind != "note":
                self._step(step)
        events = tuple(event for node in self.nodes for event in node.produces)
        return Graph(
            nodes=tuple(self.nodes),
            vqs=tuple(self.names.values()),
            events=events,
            caps=("CAP_ALLOC",),
            outputs=(),
        )

    def _step(self, step: Step) -> None:
        vqs = tuple(self.names[qubit] for qubit in step.qubits)
        if step.kind == "load":
            self._add("atoms.reload", vqs)
            for qubit in step.qubits:
                if qubit in self.memory.data:
                    self._add("noise.pauli", (self.names[qubit],), {"px": 0.5})
                    self._add("core.mz", (self.names[qubit],), produces=(f"{FLIPPED}{qubit}",))
        elif step.kind == "gate":
            self._add(GATES[step.name], vqs)
        elif step.kind == "loss":
            self._add("noise.loss", vqs, {"p": step.args[0]})
        elif step.kind == "noise":
            op, args = _channel(step.name, step.args)
            self._add(op, vqs, args)
        elif step.kind == "read":
            self._add("atoms.mz", vqs, produces=(f"{RECORD}{self.records}", f"{GONE}{self.looks}"))
            self.records += 1
            self.looks += 1
        else:
            gone = f"{GONE}{self.looks}"
            self._add("atoms.check", vqs, produces=(gone,))
            self._add("atoms.reload", vqs, guard=Guard(event=gone, value=1))
            self.looks += 1

    def _add(
        self,
        op: str,
        vqs: tuple[str, ...],
        args: dict[str, float] | None = None,
        produces: tuple[str, ...] = (),
        guard: Guard | None = None,
    ) -> None:
        self.nodes.append(Node(f"n{len(self.nodes)}", op, args or {}, vqs, produces=produces, guard=guard))


def _channel(name: str, args: tuple[float, ...]) -> tuple[str, dict[str, float]]:
    """Our op of a noise instruction of Stim."""
    if name in ("DEPOLARIZE1", "DEPOLARIZE2"):
        return "noise.depolarize", {"p": args[0]}
    if name == "PAULI_CHANNEL_2":
        return "noise.pauli2", {f"p{pair.lower()}": p for pair, p in zip(PAIRS, args, strict=True) if p}
    if name == "PAULI_CHANNEL_1":
        return "noise.pauli", dict(zip(("px", "py", "pz"), args, strict=True))
    return "noise.pauli", {f"p{name[0].lower()}": args[0]}
