"""Well-formed statements with random expressions of every type: a graph or findings, never anything else."""

from __future__ import annotations

import random
import re

import pytest

from qmk.base.errors import Finding, QmkError
from qmk.frontends import load
from qmk.qvm.verify import verify

HEAD = (
    'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; c = measure q; int a = 2; array[int, 2] m = {1, 2};'
    " gate g(t) x, y { cx x, y; } def f(qubit q, int n) -> bit { return measure q; }\n"
)
STATEMENTS = """
x q[{}];                          rx({}) q[0];                    if ({}) x q[0];            c[{}] = measure q[{}];
for int i in [{}:{}] {{ x q[0]; }}  int v = {};                     a = {};                    c = {};
bit[2] d = {};                    let e = {};                     g({}) q[0], q[1];          f(q[0], {});
float z = {};                     m[{}] = {};                     pow({}) @ x q[0];          ctrl({}) @ x q[0], q[1];
switch ({}) {{ case {} {{ x q[0]; }} }}  uint[{}] w = {};           {};                        angle[4] an = {};
c ^= {};                          a <<= {};                       a += {};                   output int o; o = {};
const bit[4] k = {};              reset q[{}];                    barrier {};                complex z = {};
"""
TEMPLATES = [part for part in re.split(r"\s{2,}|\n", STATEMENTS) if part]
ATOMS = """
a|c|c[0]|q|q[0]|m|m[0]|1|0|-1|3.5|7|"01"|true|pi|2im|100ns|f(q[0], 1)|measure q|sin(a)|popcount(c)|int(c)|uint[2](c)
|bool(c[0])|float(a)|angle[4](pi)|bit[2](a)|sizeof(m)|{1, 2}|c[0:1]|q[{0, 1}]|int[4](c)|m[0:1]|rotl(c, 1)
""".replace("\n", "").split("|")
OPERATORS = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "==", "!=", "<", "<=", "&&", "||", "++", "**"]
CASTS = ("int", "float", "bool", "bit[2]", "uint[3]", "angle", "complex", "int[8]", "-", "!", "~")


def expression(dice, depth=0):
    chance = dice.random()
    if depth > 2 or chance < 0.5:
        return dice.choice(ATOMS)
    if chance < 0.85:
        return f"{expression(dice, depth + 1)} {dice.choice(OPERATORS)} {expression(dice, depth + 1)}"
    return f"{dice.choice(CASTS)}({expression(dice, depth + 1)})"


def statement(dice):
    template = dice.choice(TEMPLATES)
    return template.format(*(expression(dice) for _ in range(3)))


@pytest.mark.parametrize("seed", range(400))
def test_statements_of_random_expressions(seed):
    dice = random.Random(seed)
    text = HEAD + "\n".join(statement(dice) for _ in range(dice.randint(1, 4)))
    refused: list[Finding] = []
    try:
        graph = load(text.encode(), format="qasm3").graph
    except QmkError as error:
        refused = error.findings
    else:
        refused = list(verify(graph).errors)
        assert not refused
    assert all(f.rule.startswith("QASM3-") and f.line >= 1 and f.column >= 1 and f.message for f in refused)
