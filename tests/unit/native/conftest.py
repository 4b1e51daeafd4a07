"""What tests of the native readers compare by: programs op for op."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace

from qmk.exact.simulator import exact_distribution
from qmk.ir import lower
from qmk.ir.program import Barrier, Gate, Measure, Program, Register

TURN = 6.283185307179586


@pytest.fixture
def everything_kept(monkeypatch):
    """``ir.lower`` keeps what no classical bit can notice, and the order of measurements."""
    monkeypatch.setattr(lower, "observable", lambda instructions: instructions)


def same(mine: Program, theirs: Program) -> bool:
    """Whether two programs are op for op the same, or else mean the same."""
    return same_ops(mine, theirs) or (mine.registers == theirs.registers and same_distribution(mine, theirs))


def same_distribution(mine: Program, theirs: Program) -> bool:
    """Whether two small programs give the same distribution from random product states, all qubits read at the end."""
    if mine.n_qubits > 10 or mine.n_qubits != theirs.n_qubits:
        return False
    first, second = (exact_distribution(dressed(program)) for program in (mine, theirs))
    return all(abs(first.get(key, 0.0) - second.get(key, 0.0)) < 1e-9 for key in {*first, *second})


def dressed(program: Program) -> Program:
    """``program`` between random gates on all qubits, and a measurement of them."""
    dice, n, cbits = Random(1), program.n_qubits, program.n_cbits
    turns = [Gate("u", (k % n,), (dice.uniform(0, 3), dice.uniform(0, 6), dice.uniform(0, 6))) for k in range(2 * n)]
    last = [Measure(q, cbits + q) for q in range(n)]
    return replace(
        program,
        n_cbits=cbits + n,
        instructions=(*turns[:n], *program.instructions, *turns[n:], *last),
        registers=(*program.registers, Register("all", tuple(range(cbits, cbits + n)))),
    )


def same_ops(mine: Program, theirs: Program) -> bool:
    """Whether two programs are op for op the same, angles up to rounding and whole turns, phases of 0 left out."""
    if (mine.n_qubits, mine.n_cbits, mine.registers) != (theirs.n_qubits, theirs.n_cbits, theirs.registers):
        return False
    first, second = ([i for i in p.instructions if not nothing(i)] for p in (mine, theirs))
    return len(first) == len(second) and all(a == b or alike(a, b) for a, b in zip(first, second, strict=True))


def nothing(item) -> bool:
    phase = isinstance(item, Gate) and item.name in ("p", "cp") and abs(item.params[0]) < 1e-12
    return phase or isinstance(item, Barrier)


def alike(a, b) -> bool:
    if not (isinstance(a, Gate) and isinstance(b, Gate) and (a.name, a.qubits, a.cond) == (b.name, b.qubits, b.cond)):
        return False
    return all(abs((x - y + 3) % TURN - 3) < 1e-9 for x, y in zip(a.params, b.params, strict=True))
