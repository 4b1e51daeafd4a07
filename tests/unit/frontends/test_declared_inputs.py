"""Which inputs an OpenQASM 3 program declares, and whether they are only angles."""

from __future__ import annotations

import pytest

from qmk.base.errors import QmkError
from qmk.request.program import inputs_of
from qmk.sdk.kit.builder import Builder

HEAD = 'OPENQASM 3.0; include "stdgates.inc"; '
FLOAT = HEAD + "input float a; "


def test_inputs_have_names_and_shapes_in_order() -> None:
    text = "const int n = 3; input array[float[64], n, 2] x; input int k; input angle[8] t; input float a; qubit q;"
    found = inputs_of(HEAD + text)
    assert found is not None
    assert list(found.shapes.items()) == [("x", (3, 2)), ("k", None), ("t", ()), ("a", ())]
    assert not found.only_angles


@pytest.mark.parametrize(
    "body",
    [
        "qubit q; rx(2 * a + 1) q;",
        "input float b; qubit q; rx((a - b) * pi / 3 - 2 * (b + 1)) q;",
        "qubit q; U(-a / 3, pi, 0) q; bit c = measure q;",
        "gate g(t) p { rx(t / 2) p; inv @ rz(t) p; } qubit q; g(a) q; ctrl(1) @ rx(1) q, q;",
        "qubit[3] q; for int i in [0:2] { rx(a * i) q[i]; }",
        "qubit q; bit c; c = measure q; if (c) { rx(a) q; } else rz(a) q;",
    ],
)
def test_inputs_in_angles_leave_the_program_as_it_is(body: str) -> None:
    found = inputs_of(FLOAT + body)
    assert found is not None
    assert found.only_angles


@pytest.mark.parametrize(
    "body",
    [
        "qubit q; if (a > 1) x q; rx(a) q;",
        "qubit q; rx(sin(a)) q;",
        "qubit q; rx(a * a) q;",
        "qubit q; rx(1 / a) q;",
        "gate g(t) p { rx(t * t) p; } qubit q; g(a) q;",
        "qubit q; rx(a % 2) q;",
        "qubit q; rx(a ** 2) q;",
        "float b = 2 * a; qubit q; rx(b) q;",
        "gate g(t) p { rx(floor(t)) p; } qubit q; g(a) q;",
        "gate g(t) p { for int i in [0:int(t)] x p; } qubit q; g(a) q;",
        "qubit q; pow(a) @ x q;",
        "input angle t; qubit q; rx(t) q;",
        "def f(float t, qubit p) { rx(t) p; } qubit q; f(a, q);",
        "qubit q; while (a > 3) { x q; }",
        "input int k; qubit q; switch (k) { case 1 { x q; } default { h q; } }",
    ],
)
def test_inputs_anywhere_else_may_change_the_program(body: str) -> None:
    found = inputs_of(FLOAT + body)
    assert found is not None
    assert not found.only_angles


def test_formats_that_list_no_inputs_and_graphs_that_have_none() -> None:
    assert inputs_of("H 0\nM 0\n", "stim") is None
    found = inputs_of(Builder(1).op("h", 0).graph())
    assert found is not None
    assert not found.shapes


@pytest.mark.parametrize(("body", "why"), [("input float[", "expected"), ("input array[float[64], n] x;", "n")])
def test_broken_declarations_are_findings(body: str, why: str) -> None:
    with pytest.raises(QmkError) as refused:
        inputs_of(HEAD + body)
    assert refused.value.kind.name == "INVALID_GRAPH"
    assert any(why in finding.message for finding in refused.value.findings)
