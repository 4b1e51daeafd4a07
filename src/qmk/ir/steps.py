"""Divides a program for the branching walk: steps between fences, and one final read-out."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from qmk.ir.program import Barrier, Cond, Fence, Gate, Instruction, Logic, LossEvent, Measure, Noise, Program, Reset


class Run(msgspec.Struct, frozen=True):
    """Gates between two other steps, under one condition."""

    gates: tuple[Gate, ...]
    cond: Cond | None


class Observe(msgspec.Struct, frozen=True):
    """A measurement, or a reset (``cbit`` -1): both project the qubit, a reset then flips a 1."""

    qubit: int
    cbit: int
    cond: Cond | None


Step = Run | Observe | Logic | Noise


class Steps(msgspec.Struct, frozen=True):
    """``segments[k]``: the steps between fence k and fence k + 1 (fence 0 is the start). ``final``: what follows the
    last step and only reads, in order: unconditional measurements of distinct qubits, and event logic."""

    segments: tuple[tuple[Step, ...], ...]
    final: tuple[Measure | Logic, ...]

    @property
    def branch_points(self) -> int:
        return sum(isinstance(step, Observe | Noise) for segment in self.segments for step in segment)

    def reversible(self, start: int, stop: int) -> bool:
        """Whether segments ``start`` to ``stop`` (exclusive) can be undone: gates with an inverse, which evolutions
        have not, and logic on known bits."""
        return all(_undone(step) for segment in self.segments[start:stop] for step in segment)


def _undone(step: Step) -> bool:
    return isinstance(step, Logic) or (isinstance(step, Run) and not any("." in gate.name for gate in step.gates))


def steps_of(program: Program) -> Steps:
    """Consecutive gates under one condition become one ``Run``. The k-th fence must be of epoch k, and there are no
    loss events: ``ir.loss`` replaces them by random bits."""
    last = final_start(program.instructions)
    segments: list[list[Step]] = [[]]
    pending: list[Gate] = []

    def flush() -> None:
        if pending:
            segments[-1].append(Run(tuple(pending), pending[0].cond))
            pending.clear()

    for item in program.instructions[:last]:
        match item:
            case Gate():
                if pending and pending[0].cond != item.cond:
                    flush()
                pending.append(item)
            case Fence():
                assert item.epoch == len(segments), f"fence {item.epoch} follows {len(segments) - 1} fences"
                flush()
                segments.append([])
            case Measure(qubit, cbit, cond):
                flush()
                segments[-1].append(Observe(qubit, cbit, cond))
            case Reset(qubit, cond):
                flush()
                segments[-1].append(Observe(qubit, -1, cond))
            case Logic() | Noise():
                flush()
                segments[-1].append(item)
            case Barrier():
                pass
            case LossEvent():
                raise AssertionError("a loss event among the steps")
    flush()
    final = tuple(item for item in program.instructions[last:] if isinstance(item, Measure | Logic))
    return Steps(tuple(tuple(segment) for segment in segments), final)


def final_start(instructions: Sequence[Instruction]) -> int:
    """The index at which the final read-out begins."""
    at, seen = len(instructions), set[int]()
    while at:
        item = instructions[at - 1]
        if isinstance(item, Measure) and item.cond is None and item.qubit not in seen:
            seen.add(item.qubit)
        elif isinstance(item, Fence) or not isinstance(item, Barrier | Logic):
            break
        at -= 1
    return at


def has_fences(program: Program) -> bool:
    return any(isinstance(item, Fence) for item in program.instructions)
