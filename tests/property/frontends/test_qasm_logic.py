"""Random classical feed-forward against a plain interpreter: every assignment of the measured bits is tried."""

from __future__ import annotations

import random

import pytest

from qmk.exact.simulator import exact_distribution
from qmk.frontends import emit, load
from qmk.ir.lower import lower

NATIVE = frozenset({"h", "x", "cnot"})
BITS = 3
HEAD = (
    f'OPENQASM 3.0; include "stdgates.inc"; qubit[{BITS}] q; bit[{BITS}] c; bit[2] r; uint[3] n = 0;'
    " h q; c = measure q;\n"
)


class Program:
    """Random statements as OpenQASM text and as a Python function of the measured bits, grown together."""

    def __init__(self, seed):
        self.dice = random.Random(seed)

    def condition(self, depth=0):
        kind = self.dice.randrange(9 if depth < 3 else 5)
        k, v = self.dice.randrange(BITS), self.dice.randrange(8)
        match kind:
            case 0:
                return f"c[{k}]", lambda s: s["c"] >> k & 1
            case 1:
                j = k % 2
                return f"!r[{j}]", lambda s: 1 - (s["r"] >> j & 1)
            case 2:
                op = self.dice.choice(["==", "!=", "<", "<=", ">", ">="])
                return f"c {op} {v}", lambda s: int(eval_compare(op, s["c"], v))
            case 3:
                op = self.dice.choice(["==", "<", ">="])
                return f"n {op} {v}", lambda s: int(eval_compare(op, s["n"], v))
            case 4:
                return f"c[{k}] ^ r[0]", lambda s: s["c"] >> k & 1 ^ s["r"] & 1
            case 5 | 6:
                (a, f), (b, g) = self.condition(depth + 1), self.condition(depth + 1)
                return f"({a}) && ({b})", lambda s: f(s) and g(s)
            case _:
                (a, f), (b, g) = self.condition(depth + 1), self.condition(depth + 1)
                return f"({a}) || ({b})", lambda s: f(s) or g(s)

    def statement(self, depth=0, loop=False):
        kind = self.dice.randrange(8 if depth < 3 else 4)
        k = self.dice.randrange(2)
        if kind == 0:
            text, f = self.condition(2)
            return f"r[{k}] = bool({text});", lambda s: put(s, k, f(s))
        if kind == 1:
            v = self.dice.randrange(1, 8)
            return f"n += {v};", lambda s: s.update(n=(s["n"] + v) % 8)
        if kind == 2:
            return "n = uint[3](c) - n;", lambda s: s.update(n=(s["c"] - s["n"]) % 8)
        if kind == 3:
            if loop:
                word = self.dice.choice(["break", "continue"])
                return f"{word};", lambda s: jump(word)
            return "r = ~r;", lambda s: s.update(r=3 - s["r"])
        if kind in (4, 5, 6):
            text, f = self.condition()
            (a, then), (b, other) = self.block(depth + 1, loop), self.block(depth + 1, loop)
            return f"if ({text}) {{ {a} }} else {{ {b} }}", lambda s: then(s) if f(s) else other(s)
        turns = self.dice.randint(1, 3)
        a, body = self.block(depth + 1, True)

        def run(s):
            for _ in range(turns):
                try:
                    body(s)
                except StopIteration as stop:
                    if stop.args[0] == "break":
                        return

        return f"for int i in [1:{turns}] {{ {a} }}", run

    def block(self, depth=0, loop=False, size=None):
        parts = [self.statement(depth, loop) for _ in range(size or self.dice.randint(1, 3))]

        def run(s):
            for _, f in parts:
                f(s)

        return " ".join(text for text, _ in parts), run


def jump(word):
    raise StopIteration(word)


def put(s, k, value):
    s["r"] = s["r"] & ~(1 << k) | (1 if value else 0) << k


def eval_compare(op, a, b):
    return {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op]


@pytest.mark.parametrize("seed", range(120))
def test_feed_forward_equals_plain_execution(seed):
    program = Program(seed)
    text, run = program.block(size=5)
    graph = load((HEAD + text).encode(), format="qasm3").graph
    want = {}
    for c in range(1 << BITS):
        state = {"c": c, "r": 0, "n": 0}
        run(state)
        want[f"{state['r']:02b} {c:03b}"] = 1 / (1 << BITS)
    got = exact_distribution(lower(graph, NATIVE))
    assert got == pytest.approx(want), text
    again = load(emit(graph, "qasm3"), format="qasm3").graph
    assert exact_distribution(lower(again, NATIVE)) == pytest.approx(want), text
