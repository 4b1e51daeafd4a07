"""Programs back to graphs: whatever lowering gives comes back with the same distribution, conditions and logic too."""

from __future__ import annotations

import math
import random

import pytest

from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.program import (
    Cond,
    Gate,
    KrausNoise,
    Logic,
    Measure,
    Misread,
    PauliNoise,
    PauliNoise2,
    Program,
    Register,
    Reset,
)
from qmk.ir.raising import graph_of
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.verify import verify
from qmk.sdk.kit.random_programs import random_cases


def same(program: Program) -> bool:
    graph = graph_of(program)
    report = verify(graph)
    assert report.ok, report.findings
    before, after = (dict(exact_distribution(p)) for p in (program, lower(graph, ALL_GATES)))
    return all(abs(before.get(key, 0) - after.get(key, 0)) < 1e-12 for key in {*before, *after})


@pytest.mark.parametrize("case", random_cases(6), ids=lambda case: case.name)
def test_there_and_back(case):
    assert same(lower(case.graph, ALL_GATES))


def cond(dice: random.Random, cbits: int, depth: int) -> Cond:
    kind = dice.choice(("bit", "bit", "not", "and", "or", "xor")) if depth else "bit"
    if kind == "bit":
        return ("bit", dice.randrange(cbits))
    count = 1 if kind == "not" else dice.choice((2, 3, 8))
    return (kind, *(cond(dice, cbits, depth - 1) for _ in range(count)))


def test_conditions_of_any_form():
    """Also such as read a bit before it is written, and again afterwards."""
    for seed in range(60):
        dice = random.Random(seed)
        items: list[Gate | Measure | Reset | Logic] = [Gate("h", (q,)) for q in range(3)]
        written = 0
        wanted = [cond(dice, 4, 3) for _ in range(3)]
        for _ in range(10):
            kind = dice.choice(("gate", "gate", "measure", "reset"))
            when = dice.choice(wanted)
            if kind == "gate":
                items.append(Gate(dice.choice(("x", "h", "t")), (dice.randrange(3),), (), when))
            elif kind == "reset":
                items.append(Reset(dice.randrange(3), when))
            elif written < 4:
                items.append(Measure(dice.randrange(3), written, dice.choice((None, when))))
                written += 1
        items += [Measure(q, 4 + q) for q in range(3)]
        assert same(Program(3, 7, tuple(items), (Register("c", tuple(range(7))),), {})), f"seed {seed}"


def test_a_truth_table_of_more_inputs_than_a_node_takes():
    dice = random.Random(5)
    items = [Gate("h", (q,)) for q in range(8)] + [Measure(q, q) for q in range(8)]
    table = dice.getrandbits(1 << 8)
    program = Program(8, 9, (*items, Logic(table, tuple(range(8)), 8)), (Register("c", tuple(range(9))),), {})
    assert same(program)


def test_error_channels():
    """Pauli errors become ops again; those of general channels, matrices."""
    half = math.sqrt(0.5)
    damped = (((1, 0), (0, half)), ((0, half), (0, 0)))
    errors = tuple(0.01 * k for k in range(15))
    items = (
        Gate("h", (0,)),
        PauliNoise(0, 0.1, 0.0, 0.2),
        Gate("cnot", (0, 1)),
        PauliNoise2((1, 0), errors[:6] + (0.0,) * 9),
        KrausNoise((1,), damped),
        Measure(0, 0),
        Measure(1, 1),
    )
    assert same(Program(2, 2, items, (Register("c", (0, 1)),), {}))


def test_a_reading_that_errs_is_refused():
    with pytest.raises(QmkError, match="reading"):
        graph_of(Program(1, 2, (Measure(0, 0),), (Register("c", (1,)),), {}, post=(Misread(0, 1, 0.1, 0.2),)))
