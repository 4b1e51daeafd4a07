"""What tests of the native readers compare by: programs op for op."""

from __future__ import annotations

import pytest

from qmk.sdk import lower
from qmk.sdk.program import Barrier, Gate, Program

TURN = 6.283185307179586


@pytest.fixture
def everything_kept(monkeypatch):
    """``sdk.lower`` keeps what no classical bit can notice, and the order of measurements."""
    monkeypatch.setattr(lower, "observable", lambda instructions: instructions)


def same(mine: Program, theirs: Program) -> bool:
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
