"""Putting a model on a Stim circuit.

Layers are what stands between two TICKs. Errors of a gate come after it, those of ``before_measure`` before; a qubit
idles through a layer in which it has no op, between its first and its last one. A layer takes as long as its longest
op; relaxation strikes every qubit in use for that long. Errors of preparations and measurements are written for the Z
basis and turned for the others: a flip stays a flip. A joint measurement (MXX, MPP) is a gate and a read-out: the rule
of gates strikes before it, and its outcome is read wrongly as often as that of a single qubit. ``I_ERROR[round]`` marks
the data qubits at the beginning of a round: ``before_round`` strikes there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from qmk.base.errors import QmkError
from qmk.ir.names import names
from qmk.models.noise.apply import twirl
from qmk.models.noise.errors import SIMPLE, AnyError, Depolarize, Error, Pauli, Pauli2
from qmk.models.noise.model import GateRule, NoiseModel, Readout, Relaxation
from qmk.qvm.families import OPS, noise
from qmk.qvm.op import PauliChannel

if TYPE_CHECKING:
    import stim

ROUND = "round"
NAMES = {name: short for short, name in names("stim").items()}
"""Our name of each gate of Stim."""

Groups = list[tuple[int, ...]]


def on_stim(circuit: stim.Circuit, model: NoiseModel) -> stim.Circuit:
    """``circuit`` with the noise of ``model``; noise that it has already stays. Records, detectors and observables stay
    what they were; with ``erasure`` every herald adds a record and a detector of its own. Loops stay loops unless
    qubits that wait suffer, or are lost. Raises UNSUPPORTED for what Stim cannot express."""
    _refuse(model)
    waiting = bool(model.idle or model.idle_measure or model.relaxation)
    writer = _Writer(model, waiting)
    source = circuit.flattened() if waiting or model.erasure else circuit
    if waiting:
        writer.live(source)
    writer.take(source)
    writer.end_layer(False)
    return writer.made


def _refuse(model: NoiseModel) -> None:
    """Refuse what a Pauli frame simulator would have to bend."""
    errors = [error for rule in model.gates for error in rule.errors]
    errors += [*model.before_measure, *model.reset, *model.idle, *(model.idle_measure or ()), *model.before_round]
    for error in errors:
        if not isinstance(error, (Pauli, Depolarize, Pauli2)) and _pauli_chances(error) is None:
            raise _unsupported_error(f"the error {error.OP}", "give Pauli errors, or relaxation with 'twirl': true")
    if model.times or any(rule.operands for rule in model.gates):
        raise _unsupported_error("a rule for single operands", "give 'qubits' in place of 'operands', and 'durations'")
    if model.loss_rate:
        raise _unsupported_error("the loss of atoms", "give 'erasure', which is noticed and replaced, if that is meant")
    if any(not rule.twirl for rule in model.relaxation):
        raise _unsupported_error("exact relaxation", "take its Pauli twirl: twirled=T1:T2, or 'twirl': true")
    if any(rule.p01 != rule.p10 for rule in model.readout):
        raise _unsupported_error("a readout with p01 other than p10", "give their mean for both, if that is meant")


def _unsupported_error(what: str, help: str) -> QmkError:
    return QmkError("UNSUPPORTED", f"{what} on a Stim circuit, which knows Pauli errors only", help=help)


def seconds_of(model: NoiseModel, gate: stim.GateData, arity: int) -> float:
    """How long an op on ``arity`` qubits takes."""
    times = model.durations
    if NAMES.get(gate.name) in times:
        return times[NAMES[gate.name]]
    parts = [kind for kind, is_so in (("measure", gate.produces_measurements), ("reset", gate.is_reset)) if is_so]
    return sum(times.get(kind, 0.0) for kind in parts or ["1q" if arity == 1 else "2q"])


def append_qubits(circuit: stim.Circuit, name: str, qubits: Iterable[int], args: Sequence[float] = ()) -> None:
    """Append an instruction on qubits as text, which Stim reads fifty times as fast as it converts a list of them."""
    inside = f"({', '.join(repr(float(arg)) for arg in args)})" if args else ""
    circuit.append_from_stim_program_text(f"{name}{inside} {' '.join(map(str, qubits))}")


class _Writer:
    def __init__(self, model: NoiseModel, waiting: bool) -> None:
        import stim

        self.stim = stim
        self.model = model
        self.waiting = waiting
        self.made = stim.Circuit()
        self.span: dict[int, tuple[int, int]] = {}
        self.layer = 0
        self.busy: set[int] = set()
        self.measuring = False
        self.seconds = 0.0
        self.records: list[int] = []
        self.count = 0

    def live(self, circuit: stim.Circuit) -> None:
        """First and last layer of every qubit."""
        layer, used = 0, False
        for row in circuit:
            assert not isinstance(row, self.stim.CircuitRepeatBlock), "the circuit was flattened"
            if row.name == "TICK":
                layer, used = layer + used, False
            elif self._acts(row.name):
                for qubit in {qubit for group in self._groups_hit(row) for qubit in group}:
                    used = True
                    self.span[qubit] = (self.span.get(qubit, (layer, layer))[0], layer)

    def _acts(self, name: str) -> bool:
        """Whether it is an op on qubits: heralded errors and MPAD only write records."""
        data = self.stim.gate_data(name)
        if name == "MPAD" or name.startswith("HERALDED_"):
            return False
        return (data.is_unitary or data.is_reset or data.produces_measurements) and not (
            data.is_noisy_gate and not data.produces_measurements
        )

    def _groups_hit(self, row: stim.CircuitInstruction) -> Groups:
        """The qubits of each application. A gate on one qubit and a record is bookkeeping of Pauli corrections: it is
        free, takes no time, and the qubit waits meanwhile."""
        width = 2 if self.stim.gate_data(row.name).is_two_qubit_gate else 1
        return [group for group in map(_qubits, row.target_groups()) if len(group) >= width]

    def take(self, circuit: stim.Circuit) -> None:
        for row in circuit:
            if isinstance(row, self.stim.CircuitRepeatBlock):
                outer, self.made = self.made, self.stim.Circuit()
                self.take(row.body_copy())
                body, self.made = self.made, outer
                self.made.append(self.stim.CircuitRepeatBlock(row.repeat_count, body, tag=row.tag))
            elif row.name == "TICK":
                self.end_layer(True)
            elif row.name == "I_ERROR" and row.tag == ROUND:
                groups: Groups = [(target.value,) for target in row.targets_copy()]
                self._errors(self.model.before_round, groups)
            elif self._acts(row.name):
                self._op(row)
            else:
                self._append(row)

    def _append(self, row: stim.CircuitInstruction) -> None:
        """An annotation or noise of the source; with erasures its records have moved."""
        if self.model.erasure and any(target.is_measurement_record_target for target in row.targets_copy()):
            targets = [self._move(target) for target in row.targets_copy()]
            row = self.stim.CircuitInstruction(row.name, targets, row.gate_args_copy(), tag=row.tag)
        self.made.append(row)
        self._count(row.num_measurements)

    def _move(self, target: stim.GateTarget) -> stim.GateTarget:
        if not target.is_measurement_record_target:
            return target
        return self.stim.target_rec(self.records[len(self.records) + target.value] - self.count)

    def _count(self, measurements: int) -> None:
        if self.model.erasure:
            self.records += range(self.count, self.count + measurements)
            self.count += measurements

    def _op(self, row: stim.CircuitInstruction) -> None:
        data = self.stim.gate_data(row.name)
        groups = self._groups_hit(row)
        basis = row.name[-1] if row.name[-1] in "XY" else "Z"
        if self.waiting:
            self.busy.update(qubit for group in groups for qubit in group)
            self.measuring |= data.produces_measurements or data.is_reset
            self.seconds = max([self.seconds, *(seconds_of(self.model, data, len(group)) for group in groups)])
        if data.is_unitary:
            self._append(row)
            self._gate(row.name, groups)
            return
        if data.produces_measurements:
            joint = [group for group in groups if len(group) > 1 or row.name in ("MPP", "MXX", "MYY", "MZZ")]
            if joint:
                self._gate(row.name, joint)
            else:
                self._errors(self.model.before_measure, groups, basis)
            self._measure(row, groups, bool(joint))
        else:
            self._append(row)
        if data.is_reset:
            self._errors(self.model.reset, groups, basis)

    def _measure(self, row: stim.CircuitInstruction, groups: Groups, joint: bool) -> None:
        """The measurement with the chance of a wrong reading, in runs of qubits with the same."""
        targets = row.target_groups()
        start = 0
        chances = [self._wrong(group, joint) for group in groups]
        for index in range(1, len(groups) + 1):
            if index == len(groups) or chances[index] != chances[start]:
                p = chances[start]
                given = row.gate_args_copy()
                if given:
                    p = p * (1 - given[0]) + given[0] * (1 - p)
                run = [target for group in targets[start:index] for target in _join(row.name, group)]
                self._append(self.stim.CircuitInstruction(row.name, run, [p] if p else [], tag=row.tag))
                start = index

    def _wrong(self, group: tuple[int, ...], joint: bool) -> float:
        rule = next((r for r in self.model.readout if _fits(r, group)), None)
        p = rule.p01 if rule else 0.0
        if joint:
            for error in self.model.before_measure:
                flip = _flip(error)
                p = p * (1 - flip) + flip * (1 - p)
        return p

    def _gate(self, name: str, groups: Groups) -> None:
        by_rule: dict[int, Groups] = {}
        for group in groups:
            for number, rule in enumerate(self.model.gates):
                if _names(rule, name) and rule.arity in (0, len(group)) and _fits(rule, group):
                    by_rule.setdefault(number, []).append(group)
                    break
        for number, struck in by_rule.items():
            self._errors(self.model.gates[number].errors, struck)
        lost = [qubit for group in groups for qubit in group]
        if lost and self.model.erasure and not self.stim.gate_data(name).produces_measurements:
            self.made.append("HERALDED_ERASE", lost, self.model.erasure)
            self.count += len(lost)
            for index in range(len(lost)):
                self.made.append("DETECTOR", [self.stim.target_rec(index - len(lost))], tag="erasure")

    def end_layer(self, more: bool) -> None:
        if self.waiting and self.busy:
            alive = [qubit for qubit, (first, last) in self.span.items() if first <= self.layer <= last]
            idle: Groups = [(qubit,) for qubit in sorted(alive) if qubit not in self.busy]
            special = self.model.idle_measure is not None and self.measuring
            self._errors((self.model.idle_measure or ()) if special else self.model.idle, idle)
            if self.seconds > 0:
                self._relax(sorted(alive))
            self.layer += 1
            self.busy, self.measuring, self.seconds = set(), False, 0.0
        if more:
            self.made.append("TICK", [])

    def _relax(self, qubits: list[int]) -> None:
        by_rule: dict[int, Groups] = {}
        for qubit in qubits:
            for number, rule in enumerate(self.model.relaxation):
                if _fits(rule, (qubit,)):
                    by_rule.setdefault(number, []).append((qubit,))
                    break
        for number, struck in by_rule.items():
            self._errors((twirl(self.model.relaxation[number], self.seconds),), struck)

    def _errors(self, errors: Iterable[AnyError | Error], groups: Groups, basis: str = "Z") -> None:
        for error in errors:
            if not groups or not any(error.args().values()):
                continue
            for name, args, targets in _instructions(error, groups, basis):
                if targets:
                    append_qubits(self.made, name, targets, args)


def _instructions(
    error: AnyError | Error, groups: Groups, basis: str
) -> Iterable[tuple[str, Sequence[float], list[int]]]:
    """An error on two qubits on both of a gate; one that must have two says nothing of other gates."""
    each = [qubit for group in groups for qubit in group]
    pairs = [qubit for group in groups if len(group) == 2 for qubit in group]
    if isinstance(error, Pauli2):
        yield "PAULI_CHANNEL_2", [error.chances.get(pair, 0.0) for pair in noise.PAIRS], pairs
    elif isinstance(error, Depolarize):
        yield "DEPOLARIZE2", [error.p], pairs if error.pair else []
        alone = [qubit for group in groups if len(group) != 2 for qubit in group]
        yield "DEPOLARIZE1", [error.p], alone if error.pair else each
    else:
        chances = (error.px, error.py, error.pz) if isinstance(error, Pauli) else _pauli_chances(error)
        assert chances is not None, "the others were refused"
        x, y, z = chances
        x, y, z = {"Z": (x, y, z), "X": (z, y, x), "Y": (x, z, y)}[basis]
        if not y and not (x and z):
            yield ("X_ERROR", [x], each) if x else ("Z_ERROR", [z], each)
        elif not x and not z and not isinstance(error, Pauli):
            yield "Y_ERROR", [y], each
        else:
            yield "PAULI_CHANNEL_1", [x, y, z], each


def _pauli_chances(error: AnyError | Error) -> tuple[float, ...] | None:
    """The probabilities of X, Y and Z of an error that is made from its declaration; None for no Pauli channel."""
    op = OPS[error.OP]
    if op.short not in SIMPLE or op.channel is None:
        return None
    channel = op.channel(error.args(), 1)
    return channel.chances[1:] if isinstance(channel, PauliChannel) else None


def _flip(error: AnyError) -> float:
    """The chance that an error before a measurement turns its outcome."""
    return (
        error.px + error.py if isinstance(error, Pauli) else 2 * error.p / 3 if isinstance(error, Depolarize) else 0.0
    )


def _qubits(group: Sequence[stim.GateTarget]) -> tuple[int, ...]:
    return tuple(target.value for target in group if target.qubit_value is not None)


def _join(name: str, group: Sequence[stim.GateTarget]) -> list[stim.GateTarget]:
    """The targets of one measurement as Stim writes them: a product has combiners between."""
    if name != "MPP":
        return list(group)
    import stim

    joined: list[stim.GateTarget] = []
    for index, target in enumerate(group):
        joined += [target] if index == 0 else [stim.target_combiner(), target]
    return joined


def _names(rule: GateRule, name: str) -> bool:
    ours = NAMES.get(name)
    return not rule.gates or (ours is not None and (ours in rule.gates or f"core.{ours}" in rule.gates))


def _fits(rule: GateRule | Readout | Relaxation, group: tuple[int, ...]) -> bool:
    """Qubits of a rule are Stim's numbers, as text, with or without a ``q`` before."""
    return not rule.qubits or all(str(qubit) in rule.qubits or f"q{qubit}" in rule.qubits for qubit in group)
