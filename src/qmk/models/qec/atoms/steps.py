"""A memory circuit of a code on neutral atoms, step by step, with the atoms that may be lost on the way.

Ancillas are measured together with whether they are there, and fresh atoms take their places for the next round. Data
atoms are looked for when they are read out at the end (``check`` "end"), or after every round as well, where a lost one
is replaced by a fresh atom in |0> (``check`` "round"). The look itself neither errs nor disturbs.

Atoms may be lost in gates, resets and before measurements, for each layer (between two TICKs) in which they wait, and
by a rate for the time of each layer at whose end they are held: as long as its longest op, by ``durations``. Leakage
with one chance for both levels is loss; with two it depends on the state, which the tableau does not know.

A ``Life`` is one atom from when it is put to its site until it is looked for: what a flag of loss speaks of.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec
import stim

from qmk.base.errors import QmkError
from qmk.models.noise import Leak, Loss, NoiseModel, on_stim
from qmk.models.noise.on_stim import NAMES, seconds_of
from qmk.models.qec import circuits
from qmk.models.qec.code import Code

MAX_ATOMS = 20_000
"""Largest number of atoms times rounds in one memory: each takes a flag and several errors of its own."""

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
    events: list[Event] = field(default_factory=list[Event])
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
    """``circuits.memory`` with the detectors of ``basis``, and ``model`` on it. Raises INVALID_PARAMS, UNSUPPORTED for
    losses that ``without_losses`` refuses, RESOURCE_EXHAUSTED beyond ``MAX_ATOMS``."""
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
    """What is left of ``model`` if no atom is lost. Raises UNSUPPORTED for losses of rounds, ``erasure``, leakage that
    depends on the state, and a rate without the times that it is of."""
    if model.erasure or any(_loss_chance(error) is not None for error in model.before_round):
        raise _unsupported_error(model, "erasures and losses of rounds", "loss=P strikes the atoms of gates")
    if model.loss_rate and not any(model.durations.values()):
        text = 'give \'durations\' in a file of the model, such as {"2q": 3e-7, "measure": 5e-4}'
        raise _unsupported_error(model, "a loss rate without durations, so that nothing takes time", text)
    rules = (error for rule in model.gates for error in rule.errors)
    alone = (*model.before_measure, *model.reset, *model.idle, *(model.idle_measure or ()))
    if any(isinstance(error, Leak) and error.p0 != error.p1 for error in (*rules, *alone)):
        raise _unsupported_error(
            model, "leakage that depends on the state", "leak=P:P is loss, which is followed; their mean, say"
        )

    def drop_losses(errors: Iterable[object]) -> tuple[object, ...]:
        return tuple(error for error in errors if _loss_chance(error) is None)

    gates = tuple(msgspec.structs.replace(rule, errors=drop_losses(rule.errors)) for rule in model.gates)
    names = ("before_measure", "reset", "idle")
    changes: dict[str, object] = {name: drop_losses(getattr(model, name)) for name in names}
    if model.idle_measure is not None:
        changes["idle_measure"] = drop_losses(model.idle_measure)
    return msgspec.structs.replace(model, gates=gates, loss_rate=0.0, **changes)


def _loss_chance(error: object) -> float | None:
    """The chance that an error loses an atom, None for one that loses none."""
    match error:
        case Loss(p=p) | Leak(p0=p):
            return p
        case _:
            return None


def _unsupported_error(model: NoiseModel, what: str, help: str) -> QmkError:
    return QmkError("UNSUPPORTED", f"noise model {model.label}: {what}, in a memory of a code", help=help)


class _Writer:
    def __init__(self, model: NoiseModel, check: Check, data: tuple[int, ...]) -> None:
        self.model = model
        self.check = check
        self.data = data
        self.steps: list[Step] = []
        self.now: dict[int, Life] = {}
        self.done: list[Life] = []
        self.busy: set[int] = set()
        self.measuring, self.seconds = False, 0.0
        """Whether the layer so far measures, and how long it takes in seconds."""

    def take(self, circuit: stim.Circuit) -> Steps:
        for row in circuit:
            assert not isinstance(row, stim.CircuitRepeatBlock), "the circuit was flattened"
            name, groups = row.name, [tuple(t.value for t in group) for group in row.target_groups()]
            gate = stim.gate_data(name)
            if name in ("DETECTOR", "OBSERVABLE_INCLUDE"):
                self.steps.append(Step("note", note=row))
                continue
            if name == "TICK":
                self._wait()
                continue
            if gate.is_unitary or gate.is_reset or (gate.produces_measurements and not name.startswith("HERALDED_")):
                self.busy.update(qubit for group in groups for qubit in group)
                self.measuring |= gate.is_reset or gate.produces_measurements
                self.seconds = max([self.seconds, *(seconds_of(self.model, gate, len(group)) for group in groups)])
            if gate.is_reset:
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

    def _wait(self) -> None:
        """The end of a layer: who is held was held for all of it, or from its reset on."""
        model = self.model
        special = model.idle_measure is not None and self.measuring
        for qubit in sorted(self.now) if self.busy else ():
            if qubit not in self.busy:
                self._lose((model.idle_measure or ()) if special else model.idle, (qubit,))
            if model.loss_rate:
                self._lose((Loss(-math.expm1(-model.loss_rate * self.seconds)),), (qubit,))
        self.busy, self.measuring, self.seconds = set(), False, 0.0

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
            if not (p := _loss_chance(error)):
                continue
            together = isinstance(error, Loss) and error.together
            for struck in [group] if together else [(qubit,) for qubit in group]:
                for qubit in struck:
                    self.now[qubit].events.append(Event(len(self.steps), "loss", p))
                self.steps.append(Step("loss", qubits=struck, args=(p,)))
