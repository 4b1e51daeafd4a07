"""Front-end ``blackbird``: what is read, what it pins, and a program for every rule."""

from __future__ import annotations

import math
from typing import Any

import pytest

import qmk
from qmk import frontends
from qmk.frontends.blackbird import BLACKBIRD_RULES, FRONTEND, optics
from qmk.qvm.graph import Graph
from qmk.qvm.verify import verify
from qmk.sdk.kit import frontend_kit

HEAD = "name test\nversion 1.0\ntarget gaussian (shots=50)\n\n"

PROGRAM = """name gbs
version 1.0
target fock (shots=20, cutoff_dim=4)

# two arrays, a number, a loop
float r = 0.3
float array angles = 0.1, 0.2, 0.3
complex array U[2, 2] =
    0.6, 0.8j
    0.8j, 0.6
for int i in 0:3
    Sgate(r * (i + 1), angles[i]) | i
Interferometer(U) | [0, 2]
BSgate(theta=pi/5, phi={a}) | [0, 1]
BSgate() | (1, 2)
LossChannel(0.9) | 1
MeasureFock() | [0, 1]
MeasureThreshold() | q[2]
"""


def read(text: str, **params: Any) -> Graph:
    return frontends.load(text.encode(), path="p.xbb", format="blackbird", params=params or None).graph


def nodes(text: str, **params: Any) -> list[tuple[str, dict[str, Any], tuple[str, ...]]]:
    """The ops of a program without its allocation and release."""
    return [(node.op.partition(".")[2], node.args, node.vqs) for node in read(text, **params).nodes[1:-1]]


def test_a_program_with_all_of_the_language() -> None:
    graph = read(PROGRAM, a=0.25)
    assert not verify(graph).findings
    assert FRONTEND.recognise(PROGRAM.encode()) == 95
    assert frontends.load(PROGRAM.encode(), params={"a": 0.25}).graph == graph
    found = nodes(PROGRAM, a=0.25)
    assert found[0] == ("squeeze", {"r": 0.3, "phi": 0.1}, ("q0",))
    assert found[2][1]["r"] == pytest.approx(0.9)
    assert found[3][1]["matrix"] == [[[0.6, 0.0], [0.0, 0.8]], [[0.0, 0.8], [0.6, 0.0]]]
    assert found[4][1] == {"theta": math.pi / 5, "phi": 0.25}
    assert found[5] == ("beam_splitter", {"theta": math.pi / 4, "phi": math.pi / 2}, ("q1", "q2"))  # its defaults
    assert found[7][1] == {"most": 3}  # cutoff_dim - 1
    assert graph.shots == 20
    assert [output.name for output in graph.outputs or ()] == ["q0", "q1", "q2"]
    result = qmk.run(PROGRAM, params={"a": 0.25}, seed=1)
    assert result.numbers().shape == (20, 3)


def test_its_parameters_are_inputs() -> None:
    from qmk.sdk.frontend import Source

    assert FRONTEND.inputs is not None
    assert FRONTEND.inputs(Source(PROGRAM.encode())).shapes == {"a": ()}


def test_counters_tell_the_photons_that_were_prepared() -> None:
    text = HEAD + "Fock(2) | 0\nFock(3) | 1\nBSgate() | [0, 1]\nMeasureFock() | [0, 1]\n"
    assert nodes(text)[-1][1] == {"most": 5}
    assert nodes(text, most=2)[-1][1] == {"most": 2}
    assert set(qmk.run(text, seed=1).numbers().sum(axis=1)) == {5}


def test_a_mode_measured_again_has_a_register_of_its_own() -> None:
    graph = read(HEAD + "Fock(1) | 0\nMeasureFock() | 0\nMeasureFock() | 0\n")
    assert [output.name for output in graph.outputs or ()] == ["q0", "q0_1"]
    assert qmk.run(graph, seed=1).numbers().tolist() == [[1, 0]] * 50


@pytest.mark.parametrize("name", sorted(set(optics.OPERATIONS)))
def test_every_operation_is_read(name: str) -> None:
    made = optics.OPERATIONS[name]
    values = [0.5 if name != "Fock" else 1] * len(made.defaults)
    modes = list(range(made.modes))
    graph = read(f"{HEAD}{name}({', '.join(map(str, values))}) | {modes}\n")
    assert not verify(graph).errors


def test_what_undoes_an_operation() -> None:
    for name in ("Dgate", "Sgate", "S2gate", "BSgate", "MZgate", "Pgate", "CXgate", "CZgate", "sMZgate", "Kgate"):
        made = optics.OPERATIONS[name]
        writer = optics.Writer(2)
        given = [0.4] * len(made.defaults)
        for undo in (False, True):
            writer.operation(name, given, range(made.modes), undo)
        program = qmk.Program.from_graph(writer.graph())
        assert abs(float(qmk.expectation(program, "NI")) + float(qmk.expectation(program, "IN"))) < 1e-9


BREAKING = [
    ("BLACKBIRD-01", "this is nothing\n", 5),
    ("BLACKBIRD-01", "    Sgate(1) | 0\n", 5),
    ("BLACKBIRD-01", "for int i in 0:2:0\n    Vac | i\n", 5),
    ("BLACKBIRD-01", "for int i in 0:2\n    for int j in 0:2\n    Vac | i\n", 6),
    ("BLACKBIRD-02", "Sgate(unknown) | 0\n", 5),
    ("BLACKBIRD-02", "float array A =\n    1, 2\n    3\n", 5),
    ("BLACKBIRD-02", "complex array A =\n    1jj, 2\n", 5),
    ("BLACKBIRD-03", "Nogate() | 0\n", 5),
    ("BLACKBIRD-04", "BSgate() | 0\n", 5),
    ("BLACKBIRD-04", "BSgate() | [0, 0]\n", 5),
    ("BLACKBIRD-04", "Sgate() | 0\n", 5),
    ("BLACKBIRD-04", "Sgate(1, 2, 3) | 0\n", 5),
    ("BLACKBIRD-04", "Fock(0.5) | 0\n", 5),
    ("BLACKBIRD-04", "Interferometer(A) | [0, 1]\n", 5),
    ("BLACKBIRD-05", "GKP() | 0\n", 5),
    ("BLACKBIRD-05", "MeasureX(select=0.3) | 0\n", 5),
    ("BLACKBIRD-05", "Dgate(q0) | 1\n", 5),
    ("BLACKBIRD-05", "type tdm (temporal_modes=2)\n", 5),
    ("BLACKBIRD-05", "complex z = 1+2j\n", 5),
    ("BLACKBIRD-06", "Sgate({r}) | 0\n", 5),
    ("BLACKBIRD-07", "for int i in 0:100000000\n    Vac | 0\n", 5),
]


@pytest.mark.parametrize(("rule", "text", "line"), BREAKING)
def test_every_rule_is_broken_by_a_program(rule: str, text: str, line: int) -> None:
    with pytest.raises(qmk.QmkError) as caught:
        read(HEAD + text)
    (finding,) = caught.value.findings
    assert finding.rule == rule
    assert finding.help
    assert finding.line == line


def test_all_rules_are_covered() -> None:
    assert {rule for rule, *_ in BREAKING} == set(BLACKBIRD_RULES)


HALVED = HEAD + "Fock(1) | 0\nBSgate() | [0, 1]\nMeasureThreshold() | [0, 1]\n"
SAMPLES = frontend_kit.Samples(
    valid={"one photon": (HALVED.encode(), None)},
    invalid={f"{rule} {k}": ((HEAD + text).encode(), line) for k, (rule, text, line) in enumerate(BREAKING)},
    foreign=[b"OPENQASM 3;", b'{"version": "1.0"}', b"H 0\nM 0\n"],
)


@pytest.mark.parametrize("check", frontend_kit.checks(FRONTEND, SAMPLES), ids=lambda check: check.name)
def test_the_conformance_kit(check: Any) -> None:
    if not check.skipped:
        assert check.run() == ""
