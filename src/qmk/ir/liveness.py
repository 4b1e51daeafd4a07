"""Finds the part of a program that can affect a classical bit."""

from __future__ import annotations

from qmk.ir import conditions as c
from qmk.ir.program import Barrier, Detect, Gate, Instruction, LossEvent, Measure, Noise, NoisyEvolution, Reset


def observable(instructions: list[Instruction]) -> list[Instruction]:
    """Removes what cannot affect a classical bit, and puts final measurements last.

    A gate or reset of which no qubit is looked at later is dropped; an unconditional reset ends a qubit's past. A
    measurement moves to the end when nothing later touches its qubit or reads its bit, so that engines see how much of
    the program is one final read-out.
    """
    instructions = without_idle_resets(instructions)
    live: set[int] = set()
    touched: set[int] = set()
    read: set[int] = set()
    kept: list[Instruction] = []
    last: list[Instruction] = []
    for item in reversed(instructions):
        if isinstance(item, LossEvent | Barrier):
            kept.append(item)
            continue
        if not isinstance(item, Noise) and item.cond is not None:
            read.update(c.cbits(item.cond))
        if isinstance(item, Detect):
            live.update(item.qubits)
            touched.update(item.qubits)
        elif isinstance(item, Gate | Noise):
            loses = isinstance(item, NoisyEvolution) and item.lost  # that is noticed without a look at the qubit
            if live.isdisjoint(item.qubits) and not loses:
                continue
            live.update(item.qubits)
            touched.update(item.qubits)
        elif isinstance(item, Measure):
            final = item.cond is None and item.qubit not in touched and item.cbit not in read
            live.add(item.qubit)
            touched.add(item.qubit)
            if final:
                last.append(item)
                continue
        elif isinstance(item, Reset):
            if item.qubit not in live:
                continue
            touched.add(item.qubit)
            if item.cond is None:
                live.discard(item.qubit)
        else:
            read.update(item.inputs)
        kept.append(item)
    return [*reversed(kept), *reversed(last)]


def without_idle_resets(instructions: list[Instruction]) -> list[Instruction]:
    """Removes resets of qubits that nothing has touched: they are in |0> already."""
    used: set[int] = set()
    kept: list[Instruction] = []
    for item in instructions:
        if isinstance(item, Reset):
            if item.qubit not in used:
                continue
        elif isinstance(item, Measure):
            used.add(item.qubit)
        elif not isinstance(item, LossEvent) and isinstance(item, Gate | Noise):
            used.update(item.qubits)
        kept.append(item)
    return kept
