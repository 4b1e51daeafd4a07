"""A memory circuit of a code on neutral atoms, step by step, with the atoms that may be lost on the way.

Ancillas are measured together with whether they are there, and fresh atoms take their places for the next round. Data
atoms are looked for when they are read out at the end (``check`` "end"), or after every round as well, where a lost one
is replaced by a fresh atom in |0> (``check`` "round"). The look itself neither errs nor disturbs.

A ``Life`` is one atom from when it is put to its site until it is looked for: what a flag of loss speaks of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec
import stim

from qmk.base.errors import QmkError
from qmk.models.noise import Loss, NoiseModel, on_stim
from qmk.models.noise.on_stim import NAMES
from qmk.models.qec import circuits
from qmk.models.qec.code import Code

MAX_ATOMS = 20_000
"""times rounds, of one memory: each takes a flag and several errors of its own"""

Check = Literal["end", "round"]

Kind = Literal["load", "gate", "noise", "loss", "read", "check", "note"]


class Step(NamedTuple):
    """``load``: fresh atoms in |0>. ``gate``, ``noise``: Stim's instruction ``name`` on one group of ``qubits``.
    ``loss``: these atoms are lost together with probability ``args[0]``. ``read``: one atom measured in Z, and whether
    it is there. ``check``: one atom is looked for and replaced where it is gone. ``note``: Stim's ``note``."""

    kind: Kind
    name: str = ""
    qubits: tuple[int, ...] = ()
    args: tuple[float, ...] = ()
    note: stim.CircuitInstruction | None = None


class Event(NamedTuple):
    """What befalls an atom at a step: ``loss`` with probability ``p``, or a gate that asks for its value in ``Z`` or
    ``X``, or ``H`` that swaps the two."""

    step: int
    kind: Literal["loss", "Z", "X", "H"]
    p: float = 0.0


@dataclass
class Life:
    """``end`` is the step that looks for the atom; ``replaced`` says that it goes on with a fresh one from there."""

    qubit: int
    events: list[Event] = field(default_factory=list)
    end: int = -1
    replaced: bool = False


@dataclass(frozen=True)
class Steps:
    """``lives`` in the order in which the atoms are looked for: that of steps ``read`` and ``check``. ``data``: the
    qubits that hold the code; ``pauli``: the same circuit in Stim, without losses."""

    steps: tuple[Step, ...]
    lives: tuple[Life, ...]
    qubits: tuple[int, ...]
    data: tuple[int, ...]
    pauli: stim.Circuit


def memory(code: Code, rounds: int, basis: str, model: NoiseModel, check: Check) -> Steps:
    """``circuits.memory`` with the detectors of ``basis``, and ``model`` on it. Losses of ``model`` may follow gates
    and resets and come before measurements. Raises INVALID_PARAMS, UNSUPPORTED for losses by time and leakage,
    RESOURCE_EXHAUSTED beyond ``MAX_ATOMS``."""
    if check not in ("end", "round"):
        raise QmkError("INVALID_PARAMS", f"check: there is no '{check}'", field="check", help="end or round")
    if code.family not in ("repetition", "surface"):
        raise QmkError(
            "UNSUPPORTED",
            f"a memory of {code.spec} on atoms that are lost",
            help="repetition(d=...) or surface(d=...), whose single errors fall into pairs of detectors",
        )
    if (atoms := code.physical_qubits * rounds) > MAX_ATOMS:
        raise QmkError(
            "RESOURCE_EXHAUSTED",
            f"{code.physical_qubits} atoms in {rounds} rounds are {atoms} in all, more than {MAX_ATOMS}",
            help="a smaller distance, or fewer rounds",
        )
    clean = circuits.memory(code, rounds, basis, both=False)
    pauli = on_stim(clean, without_losses(model)).flattened()
    return _Writer(model, check, tuple(range(code.n))).take(pauli)


def without_losses(model: NoiseModel) -> NoiseModel:
    """What is left of ``model`` if no atom is lost. Raises UNSUPPORTED for losses that no gate brings about."""
    waiting = (*model.idle, *(model.idle_measure or ()), *model.before_round)
    if model.loss_rate or model.erasure or any(isinstance(error, Loss) for error in waiting):
        raise QmkError(
            "UNSUPPORTED",
            f"noise model {model.label}: atoms lost while they wait, in a memory of a code",
            help="losses of gates, resets and before measurements: loss=P, loss=P1:P2, before_measure",
        )

    def kept(errors: Iterable[object]) -> tuple[object, ...]:
        return tuple(error for error in errors if not isinstance(error, Loss))

    gates = tuple(msgspec.structs.replace(rule, errors=kept(rule.errors)) for rule in model.gates)
    changes = {"gates": gates, "before_measure": kept(model.before_measure), "reset": kept(model.reset)}
    return msgspec.structs.replace(model, **changes)


class _Writer:
    def __init__(self, model: NoiseModel, check: Check, data: tuple[int, ...]) -> None:
        self.model = model
        self.check = check
        self.data = data
        self.steps: list[Step] = []
        self.now: dict[int, Life] = {}
        self.done: list[Life] = []

    def take(self, circuit: stim.Circuit) -> Steps:
        for row in circuit:
            assert not isinstance(row, stim.CircuitRepeatBlock), "the circuit was flattened"
            name, groups = row.name, [tuple(t.value for t in group) for group in row.target_groups()]
            gate = stim.gate_data(name)
            if name in ("DETECTOR", "OBSERVABLE_INCLUDE"):
                self.steps.append(Step("note", note=row))
            elif gate.is_reset:
                afresh = not set(self.data).intersection(qubit for (qubit,) in groups)
                if afresh and self.done and self.check == "round":
                    self._look()
                self._load([qubit for (qubit,) in groups], name)
            elif gate.produces_measurements:
                for (qubit,) in groups:
                    self._read(qubit, name, row.gate_args_copy())
            elif gate.is_unitary:
                for group in groups:
                    self._gate(name, group)
            elif gate.is_noisy_gate:
                for group in groups:
                    self.steps.append(Step("noise", name, group, tuple(row.gate_args_copy())))
        used = tuple(sorted({life.qubit for life in self.done}))
        return Steps(tuple(self.steps), tuple(self.done), used, self.data, circuit)

    def _load(self, qubits: list[int], name: str) -> None:
        self.steps.append(Step("load", qubits=tuple(qubits)))
        for qubit in qubits:
            self.now[qubit] = Life(qubit)
            if name == "RX":
                self._turn(qubit)
            self._lose(self.model.reset, (qubit,))

    def _look(self) -> None:
        for qubit in self.data:
            self._end(qubit, Step("check", qubits=(qubit,)), replaced=True)
            self.now[qubit] = Life(qubit)

    def _read(self, qubit: int, name: str, wrong: list[float]) -> None:
        self._lose(self.model.before_measure, (qubit,))
        if name == "MX":
            self._turn(qubit)
        if wrong:
            self.steps.append(Step("noise", "X_ERROR", (qubit,), tuple(wrong)))
        self.now[qubit].events.append(Event(len(self.steps), "Z"))
        self._end(qubit, Step("read", qubits=(qubit,)))

    def _end(self, qubit: int, step: Step, replaced: bool = False) -> None:
        life = self.now.pop(qubit)
        life.end, life.replaced = len(self.steps), replaced
        self.steps.append(step)
        self.done.append(life)

    def _turn(self, qubit: int) -> None:
        """A change of basis that belongs to a preparation or a measurement: it has no errors of its own."""
        self.now[qubit].events.append(Event(len(self.steps), "H"))
        self.steps.append(Step("gate", "H", (qubit,)))

    def _gate(self, name: str, group: tuple[int, ...]) -> None:
        roles: Mapping[str, tuple[Literal["Z", "X", "H"], ...]] = {"CX": ("Z", "X"), "CZ": ("Z", "Z"), "H": ("H",)}
        for qubit, role in zip(group, roles[name], strict=True):
            self.now[qubit].events.append(Event(len(self.steps), role))
        self.steps.append(Step("gate", name, group))
        short = NAMES[name]
        for rule in self.model.gates:
            named = not rule.gates or short in rule.gates or f"core.{short}" in rule.gates
            where = not rule.qubits or all(str(q) in rule.qubits or f"q{q}" in rule.qubits for q in group)
            if named and where and rule.arity in (0, len(group)):
                self._lose(rule.errors, group)
                return

    def _lose(self, errors: Iterable[object], group: tuple[int, ...]) -> None:
        for error in errors:
            if isinstance(error, Loss) and error.p:
                for struck in [group] if error.together else [(qubit,) for qubit in group]:
                    for qubit in struck:
                        self.now[qubit].events.append(Event(len(self.steps), "loss", error.p))
                    self.steps.append(Step("loss", qubits=struck, args=(error.p,)))
