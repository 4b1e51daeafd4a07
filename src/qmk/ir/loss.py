"""Lost atoms in programs: a flag for each atom that may be lost, set by random bits, and conditions that read it.

``Losses`` makes the flags while a graph is lowered. A gate on several atoms happens where none of them is lost; a gate
on one atom needs no condition, since nothing shows the state of a lost atom any more (``qvm.families.atoms``). A
measurement reads what is there and is masked by the flag afterwards. ``expand_loss_events`` writes the random choices
out for engines that have no ``LossEvent``: an X on a qubit beside the others, with the probability of the loss, that is
measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from qmk.ir import conditions as c
from qmk.ir.misread import RandomBits
from qmk.ir.program import (
    Barrier,
    Cond,
    Instruction,
    KrausNoise,
    Logic,
    LossEvent,
    Measure,
    Misread,
    Noise,
    NoisyEvolution,
    Program,
    Reset,
    Unsupported,
)
from qmk.qvm.op import Matrix

COPY = 0b10
OR = 0b1110
KEPT = 0b0010
"""Bit a + 2 b: a where b is 0, else 0"""


class Losses:
    """The flags of one program. ``out`` is where instructions go; ``new_cbit`` and ``new_qubit`` give numbers that are
    not in use."""

    def __init__(
        self, out: list[Instruction | Misread], new_cbit: Callable[[], int], new_qubit: Callable[[], int]
    ) -> None:
        self.masked = True
        """Measurements read what is there, and are masked; else they wait for the atom as gates do."""
        self.flags: dict[int, int] = {}
        """Cbit that is 1 where an atom is lost, by its qubit; no entry: it is there"""
        self.shown: dict[int, int] = {}
        """Of a cbit that is printed as L where another is 1, that other."""
        self.used = False
        self._out = out
        self._new_cbit, self._new_qubit = new_cbit, new_qubit
        self._die: int | None = None

    def strike(self, qubits: Sequence[int], p: float) -> None:
        """Loses these atoms together with probability ``p``."""
        self.used = True
        self._out.append(LossEvent(tuple([self._flag(qubit) for qubit in qubits]), p))

    def all_flagged(self, qubits: Sequence[int]) -> tuple[int, ...]:
        """The flags of ``qubits``, for what may lose them."""
        self.used = self.used or bool(qubits)
        return tuple(self._flag(qubit) for qubit in qubits)

    def _flag(self, qubit: int) -> int:
        if qubit not in self.flags:
            self.flags[qubit] = self._new_cbit()
        return self.flags[qubit]

    def leak(self, qubit: int, p0: float, p1: float) -> None:
        """Loses an atom with a probability that depends on its state: by a channel on it and another qubit, which is
        then measured."""
        if p0 == p1:
            self.strike((qubit,), p0)
            return
        self.used = True
        if self._die is None:
            self._die = self._new_qubit()
        else:
            self._out.append(Reset(self._die))
        left = self._new_cbit()
        self._out += [KrausNoise((qubit, self._die), leaking(p0, p1)), Measure(self._die, left)]
        before = self.flags.get(qubit)
        self.flags[qubit] = left
        if before is not None:
            self.flags[qubit] = self._new_cbit()
            self._out.append(Logic(OR, (before, left), self.flags[qubit]))

    def all_there(self, qubits: Sequence[int], cond: Cond | None) -> Cond | None:
        """The condition ``cond`` and that none of ``qubits`` is lost."""
        flags = [self.flags[qubit] for qubit in qubits if qubit in self.flags]
        if not flags:
            return cond
        found = c.conj([cond if cond else True, *(c.negate(c.bit(flag)) for flag in flags)])
        assert not isinstance(found, bool)
        return found

    def any_flagged(self, qubits: Sequence[int]) -> bool:
        return not self.flags.keys().isdisjoint(qubits)

    def raw(self, qubit: int, cbit: int, lost_as: int = 0) -> int:
        """Where a measurement of ``qubit`` is to be written that ``mask`` then makes ``cbit`` of."""
        return self._new_cbit() if qubit in self.flags and (self.masked or lost_as) else cbit

    def measuring(self, qubit: int, cond: Cond | None) -> Cond | None:
        """When a measurement of ``qubit`` is made."""
        return cond if self.masked else self.all_there((qubit,), cond)

    def mask(self, qubit: int, raw: int, cbit: int, cond: Cond | None, lost_as: int = 0) -> None:
        """``cbit`` is ``raw``, or ``lost_as`` where the atom is lost."""
        if raw != cbit:
            self._out.append(Logic(OR if lost_as else KEPT, (raw, self.flags[qubit]), cbit, cond))

    def check(self, qubit: int, cbit: int, cond: Cond | None) -> None:
        """``cbit`` is 1 where the atom is lost."""
        if qubit in self.flags:
            self._out.append(Logic(COPY, (self.flags[qubit],), cbit, cond))

    def show(self, bit: int, lost: int, qubit: int) -> None:
        """``bit`` is printed as L where ``lost`` is 1."""
        if qubit in self.flags:
            self.shown[bit] = lost

    def reload(self, qubit: int, cond: Cond | None) -> None:
        """Reloads the atom if ``cond`` holds."""
        self._out.append(Reset(qubit, cond))
        before = self.flags.pop(qubit, None)
        if before is not None and cond is not None:
            kept = c.negate(cond)
            assert not isinstance(kept, bool)
            self.flags[qubit] = self._new_cbit()
            self._out.append(Logic(COPY, (before,), self.flags[qubit], kept))


def leaking(p0: float, p1: float) -> tuple[Matrix, ...]:
    """Kraus operators on the atom and a qubit in |0> that is |1> where the atom left |0> or |1>."""
    stays0, stays1, leaves0, leaves1 = (math.sqrt(p) for p in (1 - p0, 1 - p1, p0, p1))
    zero = (0.0, 0.0, 0.0, 0.0)
    stay: Matrix = ((stays0, 0, 0, 0), (0, stays0, 0, 0), (0, 0, stays1, 0), (0, 0, 0, stays1))
    leave0: Matrix = ((0, leaves0, 0, 0), (leaves0, 0, 0, 0), zero, zero)
    leave1: Matrix = (zero, zero, (0, 0, 0, leaves1), (0, 0, leaves1, 0))
    return (stay, leave0, leave1)


def defer_logic(instructions: Sequence[Instruction]) -> tuple[list[Instruction], list[Logic | Misread]]:
    """Takes out the logic that no other instruction needs. Gives the rest, and that logic, to be computed at the
    end."""
    needed: set[int] = set()
    struck: set[int] = set()
    kept: list[Instruction] = []
    post: list[Logic | Misread] = []
    for item in reversed(instructions):
        if isinstance(item, LossEvent):
            struck.update(item.cbits)
        elif isinstance(item, NoisyEvolution):
            struck.update(item.lost)
        elif isinstance(item, Logic):
            reads = {*item.inputs, *(c.cbits(item.cond) if item.cond else ())}
            if item.cbit not in needed and struck.isdisjoint(reads):
                post.append(item)
                continue
            needed |= reads
        elif not isinstance(item, Barrier | Noise) and item.cond is not None:
            needed.update(c.cbits(item.cond))
        kept.append(item)
    return kept[::-1], post[::-1]


class Expanded(NamedTuple):
    """The program without loss events. ``n_qubits`` and ``n_cbits`` count those of the random bits too."""

    instructions: list[Instruction]
    post: tuple[Logic | Misread, ...]
    n_qubits: int
    n_cbits: int


def expand_loss_events(
    instructions: Sequence[Instruction],
    post: Sequence[Logic | Misread],
    n_qubits: int,
    n_cbits: int,
) -> Expanded:
    """Replaces each ``LossEvent`` by random bits. A flag that is set again gets another cbit, which later readers
    read."""
    now: dict[int, int] = {}
    written: set[int] = set()
    random_bits = RandomBits(n_qubits, n_cbits)
    out: list[Instruction] = []
    for item in instructions:
        if not isinstance(item, LossEvent):
            out.append(_rename(item, now))
            if isinstance(item, Measure | Logic):
                written.add(item.cbit)
            continue
        out.extend(random_bits.draw(item.p))
        fell = random_bits.n_cbits - 1
        for cbit in item.cbits:
            before = now.get(cbit, cbit)
            now[cbit] = fell
            if before != cbit or cbit in written:
                out.append(Logic(OR, (before, fell), random_bits.n_cbits))
                now[cbit] = random_bits.n_cbits
                random_bits.n_cbits += 1
    finals = tuple(_rename(item, now) for item in post)
    return Expanded(out, finals, random_bits.qubit + random_bits.used, random_bits.n_cbits)


def refuse_loss_events(program: Program, engine: str) -> None:
    """Raises ``Unsupported`` for engines that have no loss events."""
    if any(isinstance(item, LossEvent) for item in program.instructions):
        raise Unsupported(f"a loss event: {engine} runs programs without LossEvent only")


Reading = TypeVar("Reading", bound="Instruction | Misread")


def _rename(item: Reading, now: Mapping[int, int]) -> Reading:
    """Lets ``item`` read other cbits, as ``now`` says."""
    if not now or isinstance(item, Barrier | Noise | LossEvent):
        return item
    changes: dict[str, Any] = {}
    if item.cond is not None and not now.keys().isdisjoint(c.cbits(item.cond)):
        changes["cond"] = c.substitute(item.cond, {cbit: c.bit(other) for cbit, other in now.items()})
    if isinstance(item, Logic) and not now.keys().isdisjoint(item.inputs):
        changes["inputs"] = tuple(now.get(cbit, cbit) for cbit in item.inputs)
    return replace(item, **changes) if changes else item
