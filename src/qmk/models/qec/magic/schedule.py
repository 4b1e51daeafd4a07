"""A program over the floor plan with a limited supply of T states, in rounds of syndrome extraction."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qmk.base.errors import QmkError
from qmk.models.qec.magic.factories import FACTORIES, Factory
from qmk.models.qec.magic.supply import MAX_STATES, Plant, Supply
from qmk.models.qec.surgery.program import Inject, Program, Schedule, Span


@dataclass(frozen=True)
class Scheduled:
    """When everything happens. ``stalled_rounds``: rounds for which operations waited for T states, summed up;
    ``ideal_rounds``: the time of the program when states are always there."""

    spans: tuple[Span, ...]
    rounds: float
    ideal_rounds: float
    stalled_rounds: float
    states: int
    attempts: int
    factory_qubits: int

    @property
    def slowdown(self) -> float:
        return self.rounds / self.ideal_rounds


def plant(
    factory: Factory,
    count: int,
    d: int,
    input_error: float,
    buffer: int = MAX_STATES,
    clifford_error: float = 0.0,
) -> Plant:
    """``count`` factories of one kind at distance ``d``, in rounds."""
    return Plant(count, factory.rounds(d), factory.rejection(input_error, clifford_error), factory.outputs, buffer)


def schedule(
    program: Program,
    factory: Factory,
    count: int,
    d: int,
    *,
    input_error: float = 0.0,
    clifford_error: float = 0.0,
    reaction_rounds: float = 0.0,
    buffer: int = MAX_STATES,
    seed: int = 0,
) -> Scheduled:
    """Run the program's clock: a T state is handed over when a factory has one, and what needs it waits until then.
    ``clifford_error``: of a logical operation of the factory, which makes it reject more. Deterministic: the same
    arguments give the same times. Raises UNSUPPORTED for a factory of other states."""
    wanted = sum(isinstance(op, Inject) and op.state == "T" for op in program.ops)
    if wanted and factory.makes != "T":
        raise QmkError(
            "UNSUPPORTED",
            f"magic states: '{program.name}' takes T states, and '{factory.name}' makes {factory.makes}",
            field="factory",
            help=f"take one of {', '.join(dict.fromkeys(row.name for row in FACTORIES if row.makes == 'T'))}",
        )
    if not 0 <= reaction_rounds < math.inf:
        raise QmkError(
            "INVALID_PARAMS", f"magic states: a reaction of {reaction_rounds} rounds", field="reaction_rounds",
            help="give a number of rounds from 0",
        )  # fmt: skip
    supply = Supply(plant(factory, count, d, input_error, buffer, clifford_error), seed)
    made = Schedule(program, d, supply.take, reaction_rounds)
    ideal = Schedule(program, d, None, reaction_rounds)
    return Scheduled(
        tuple(made.spans),
        made.end,
        ideal.end,
        supply.waited,
        wanted,
        supply.attempts,
        count * factory.physical_qubits(d),
    )
