"""Front-end ``yao-json``: against matrices computed from the documents as Yao defines them, round trips, refusals."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import numpy as np
import pytest

import qmk
from qmk import frontends
from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.frontends.yao_json import FRONTEND, YAO_RULES
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.sdk.kit import frontend_kit
from tests.unit.frontends.yao_blocks import (
    Matrix,
    a_block,
    a_program,
    a_unitary,
    distribution,
    document,
    embed,
    gate,
    mat,
    put,
    with_parameter,
)


def state_in_yaos_order(text: str, n: int) -> Matrix:
    return qmk.state(text).reshape((2,) * n).transpose(*range(n - 1, -1, -1)).ravel()


def check(seed: int) -> None:
    """The state of a random block is that of its matrix, the global phase too, and stays so when written and read."""
    rng = random.Random(seed)
    n = rng.randint(1, 3)
    block = {"block": "chain", "blocks": [a_block(n, rng, 2) for _ in range(4)]}
    wanted = mat(block, n)[:, 0]
    text = document(block, n)
    graph = frontends.load(text.encode()).graph
    for each in (text, FRONTEND.emit(graph).decode()):
        found = state_in_yaos_order(each, n)
        assert np.allclose(found, wanted) or abs(np.vdot(found, wanted)) == pytest.approx(1, abs=1e-8)
    control = {"block": "control", "controls": [n + 1], "at": list(range(1, n + 1)), "of": block}
    inside = {"block": "chain", "blocks": [put([n + 1], gate("H")), control]}
    found = state_in_yaos_order(document(inside, n + 1), n + 1)
    assert abs(np.vdot(found, mat(inside, n + 1)[:, 0])) == pytest.approx(1, abs=1e-8), "a phase inside is seen"


def test_blocks_are_their_matrices() -> None:
    for seed in range(12):
        check(seed)


def check_program(seed: int) -> None:
    """The exact distribution of a random program with measurements is that of its blocks, and stays when written."""
    rng = random.Random(seed)
    n = rng.randint(1, 3)
    block, registers = a_program(n, rng)
    wanted = distribution(block, n, registers)
    declared = {"parameters": ["t"], **({} if registers is None else {"registers": registers})}
    graph = frontends.load(document(with_parameter(block, rng), n, **declared).encode(), params={"t": 0.3}).graph
    for each in (graph, frontends.load(FRONTEND.emit(graph)).graph):
        found = exact_distribution(lower(each, ALL_GATES))
        assert all(abs(found.get(key, 0.0) - wanted.get(key, 0.0)) < 1e-9 for key in {*found, *wanted}), seed


def test_programs_with_measurements_have_the_distribution_of_their_blocks() -> None:
    for seed in range(12):
        check_program(seed)


def test_every_gate_of_ours_goes_there_and_back() -> None:
    from qmk.qvm.families.gates import FIXED_SIZE

    rng = random.Random(3)
    circuit = qmk.Circuit(4)
    for op in FIXED_SIZE.values():
        qubits = rng.sample(range(4), op.vqs.low)
        circuit.apply(op.short, *[rng.uniform(-3, 3) for _ in op.params], *qubits)
    circuit.x(3, ctrl=[0, 1], ctrl_state="01").rx(0.3, 0, power=0.5).paulirot("XIZY", 0.4, 0, 1, 2, 3).p(0.2, 1)
    back = qmk.Circuit.from_text(circuit.to("yao-json"))
    assert abs(np.vdot(qmk.state(back), qmk.state(circuit))) == pytest.approx(1)


def test_measurements_and_registers_stay() -> None:
    circuit = qmk.Circuit(3, {"a": 2, "b": 1}).x(0).h(1).cx(1, 2).measure(0, "a[1]").reset(0).measure(1, "b", basis="X")
    circuit.measure(2, "a[0]")
    back = qmk.Circuit.from_text(circuit.to("yao-json"))
    assert qmk.run(back, shots=300, seed=5).counts.keys() == qmk.run(circuit, shots=300, seed=5).counts.keys()
    assert [(group.name, group.descending) for group in qmk.run(back, shots=1).counts.groups] == [
        ("b", True),
        ("a", True),
    ]
    text = circuit.to("yao-json")
    assert qmk.Circuit.from_text(text).to("yao-json").partition('"block"')[2] == text.partition('"block"')[2]


def test_a_measurement_is_a_register_of_its_own() -> None:
    blocks = [put([2], gate("X")), {"block": "measure", "at": [2, 3], "reset": 2}, {"block": "measure", "name": "all"}]
    result = qmk.run(document({"block": "chain", "blocks": blocks}, 3), shots=4, seed=1)
    assert result.counts == {"100 01": 4}, "position 1 is printed rightmost, the reset left 2 in positions 2 and 3"
    assert [group.name for group in result.counts.groups] == ["all", "m1"]


def test_parameters_are_given_by_name() -> None:
    block = {"block": "chain", "blocks": [{"block": "rot", "angle": "theta/2 + pi/4", "of": gate("Y")}]}
    text = document(block, 1, parameters=["theta"])
    assert qmk.expectation(text, "Z", params={"theta": 0.5}).value == pytest.approx(math.cos(0.25 + math.pi / 4))
    assert list(FRONTEND.inputs(frontends.Source(text.encode())).shapes) == ["theta"]
    curve = qmk.sweep(text, {"theta": [0.1, 0.2]}, "Z").values
    assert curve[:, 0] == pytest.approx([math.cos(0.05 + math.pi / 4), math.cos(0.1 + math.pi / 4)])


def instructions(*rows: dict[str, Any], n: int = 2) -> str:
    return json.dumps({"version": "1.0", "nqubits": n, "instructions": list(rows)})


def test_the_instructions_that_yao_writes_are_read() -> None:
    rng = random.Random(1)
    unitary = a_unitary(2, rng)
    columns = [x for k in range(4) for j in range(4) for x in unitary[j][k]]
    text = instructions(
        {"name": "h", "qubits": [0]},
        {"name": "rx", "qubits": [1], "params": [0.3]},
        {"name": "x", "qubits": [1], "ctrl": [0], "ctrl_state": [0]},
        {"name": "unitary", "qubits": [1, 0], "params": columns},
        {"name": "gphase", "qubits": [0], "params": [0.2]},
        {"name": "u3", "qubits": [0], "params": [0.4, 0.5, 0.6]},
        {"name": "fsim", "qubits": [0, 1], "params": [0.7, 0.8]},
    )
    u3 = qmk.Circuit(1).u(0.4, 0.5, 0.6, 0)
    turned = np.array([qmk.state(u3), qmk.state(qmk.Circuit(1).x(0).add(u3))]).T
    fsim = np.diag([1, math.cos(0.7), math.cos(0.7), np.exp(-0.8j)]).astype(complex)
    fsim[1, 2] = fsim[2, 1] = -1j * math.sin(0.7)
    steps = [
        mat(put([1], gate("H")), 2), mat(put([2], {"block": "rot", "angle": 0.3, "of": gate("X")}), 2),
        mat({"block": "control", "controls": [1], "config": [0], "at": [2], "of": gate("X")}, 2),
        mat(put([2, 1], {"block": "matblock", "matrix": unitary}), 2), embed(turned, [1], 2), fsim,
    ]  # fmt: skip
    wanted = np.eye(4)[:, 0]
    for step in steps:
        wanted = step @ wanted
    assert abs(np.vdot(state_in_yaos_order(text, 2), wanted)) == pytest.approx(1)
    read = instructions({"name": "x", "qubits": [0]}, {"name": "measure", "qubits": [0, 1]})
    assert qmk.run(read, shots=3).counts == {"01": 3}


def test_plain_gates_are_what_the_walk_makes_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The short way for most parts of a chain gives the graph, or the refusal, of the long one."""
    x, turn = gate("X"), {"block": "rot", "angle": 0.3, "of": gate("Z")}
    parts = [put([2], of) for of in (x, gate("I2"), gate("Tdag"), turn)]
    parts += [
        {"block": "control", "controls": controls, "at": [1], "of": of}
        for controls in ([2], [3, 2], [4, 3, 2], [2, 2], [1])
        for of in (x, turn, gate("Z"), gate("S"))
    ]
    for field, value in (("at", 1), ("at", [0]), ("at", [True]), ("at", [5]), ("at", "1"), ("of", None), ("block", [])):
        parts += [{**part, field: value} for part in parts[:6]]
    parts += [put([1], {**turn, "angle": angle}) for angle in (1, True, math.inf, 1e301, "pi/2", None)]
    parts += [put([1], {**turn, "of": gate(name)}) for name in ("H", "Y", "Q")]
    parts += [{**put([1], x), "config": [1]}, {**parts[4], "config": [0]}, {**put([1], {**x, "extra": 1})}]

    def outcomes() -> list[str]:
        found: list[str] = []
        for part in parts:
            text = document({"block": "chain", "blocks": [put([1], gate("H")), part]}, 4)
            try:
                found.append(repr(frontends.load(text.encode(), format="yao-json").graph))
            except QmkError as error:
                found.append(str(error.findings))
        return found

    short = outcomes()
    monkeypatch.setattr("qmk.frontends.yao_json.reader.plain_gate", lambda part, n: None)
    assert short == outcomes()
    assert 20 < sum(each.startswith("Graph") for each in short) < len(parts) - 20


MEASURE = {"block": "measure", "at": [1]}
WRONG: list[tuple[str, str, str]] = [
    ("{", "YAO-01", "not a document"),
    (document(gate("X"), 1, extra=1), "YAO-01", "extra"),
    (document(gate("X"), 1).replace('"version": 1', '"version": 2'), "YAO-01", "version 2"),
    (document({"block": "put", "at": [1]}, 1), "YAO-01", "no 'of'"),
    (document({"block": "shift", "angle": 1, "angel": 2}, 1), "YAO-01", "'angel'"),
    (document({"block": "chain", "blocks": [3]}, 1), "YAO-01", r"block.blocks\[0\]: 3 is not a block"),
    (document({"block": "matblock", "matrix": 3}, 1), "YAO-01", "not rows"),
    (document({"block": "scale", "factor": 1, "of": gate("X")}, 1), "YAO-01", "factor"),
    (document({"block": "measure", "reset": "0"}, 1), "YAO-01", "reset"),
    (document({"block": "add"}, 1), "YAO-02", "'add' is not a block"),
    (instructions({"name": "cx", "qubits": [0, 1]}), "YAO-02", r"instructions\[0\]: 'cx' with 0 numbers"),
    (instructions({"name": "x", "qubits": [2]}), "YAO-03", "different positions"),
    (instructions({"name": "x", "qubit": [2]}), "YAO-01", "qubit"),
    (document(gate("P0"), 1), "YAO-02", "'P0' is not a gate"),
    (document(put([2], gate("X")), 1), "YAO-03", "different positions from 1 to 1"),
    (document(put([1, 1], gate("SWAP")), 2), "YAO-03", "different positions"),
    (document(gate("SWAP"), 1), "YAO-03", "a block of 2 qubits on 1"),
    (
        document({"block": "control", "controls": [1], "at": [1], "of": gate("X")}, 2),
        "YAO-03",
        "a control and a target",
    ),
    (document({"block": "kron", "blocks": [put([1], gate("X")), put([1], gate("Y"))]}, 2), "YAO-03", "share"),
    (document({"block": "shift", "angle": "thta"}, 1, parameters=[]), "YAO-04", "thta"),
    (document({"block": "shift", "angle": None}, 1), "YAO-04", "None is not an angle"),
    (document({"block": "matblock", "matrix": [[[1, 0], [1, 0]], [[0, 0], [1, 0]]]}, 1), "YAO-05", "not unitary"),
    (document({"block": "rot", "angle": 1, "of": gate("S")}, 1), "YAO-05", "its own inverse"),
    (document({"block": "scale", "factor": [2, 0], "of": gate("X")}, 1), "YAO-05", "is 2, not 1"),
    (document({"block": "dagger", "of": MEASURE}, 1), "YAO-05", "a measurement in a gate"),
    (document(gate("X"), 1, parameters=["theta"]), "YAO-06", "'theta' has no value"),
    (document({**MEASURE, "bits": [["c", 0]]}, 1), "YAO-07", "not a bit that is free"),
    (document({**MEASURE, "bits": []}, 1, registers=[]), "YAO-07", "not a list of 1 bits"),
    (document(MEASURE, 1, registers=[{"name": "c", "size": 1}]), "YAO-07", "names no bits"),
    (document(gate("X"), 10**9), "YAO-08", "n is 1000000000"),
]


@pytest.mark.parametrize(("text", "rule", "what"), WRONG)
def test_what_is_wrong_is_found(text: str, rule: str, what: str) -> None:
    with pytest.raises(QmkError, match=what) as caught:
        frontends.load(text.encode(), format="yao-json")
    assert [finding.rule for finding in caught.value.findings] == [rule]


def test_deep_nesting_is_refused() -> None:
    text = '{"block": "cache", "of": ' * 5000 + json.dumps(gate("X")) + "}" * 5000
    whole = document(gate("X"), 1).replace(json.dumps(gate("X")), text)
    with pytest.raises(QmkError) as caught:
        frontends.load(whole.encode(), format="yao-json")
    assert caught.value.findings[0].rule in ("YAO-01", "YAO-08")


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda c: c.measure(0, "c").x(1, ctrl=None) and _conditioned(c), "depends on a measurement"),
        (lambda c: c.depolarize(0.1, 0), "no block of Yao"),
        (lambda c: c.measure_pauli("XX", 0, 1), "no block of Yao"),
        (lambda c: c.measure(0, "a").assign("b", c.bits[0]), "in two places"),
    ],
)
def test_what_yao_has_no_form_for_is_refused(make: Any, what: str) -> None:
    circuit = qmk.Circuit(2)
    make(circuit)
    with pytest.raises(QmkError, match=what) as caught:
        circuit.to("yao-json")
    assert {finding.rule for finding in caught.value.findings} == {"YAO-09"}


def _conditioned(circuit: qmk.Circuit) -> None:
    with circuit.if_("c"):
        circuit.x(1)


def test_every_rule_has_a_program() -> None:
    assert {rule for _, rule, _ in WRONG} | {"YAO-09"} == set(YAO_RULES)


SAMPLES = frontend_kit.Samples(
    valid={
        "bell": (document({"block": "chain", "blocks": [
            put([1], gate("H")), {"block": "control", "controls": [1], "at": [2], "of": gate("X")},
            {"block": "measure"}]}, 2).encode(), None),
    },
    invalid={"unknown": (document({"block": "add"}, 1).encode(), 0)},
    foreign=[b"OPENQASM 3;\nqubit q;\n", b'{"version": "1.0"}'],
)  # fmt: skip


@pytest.mark.parametrize("one", frontend_kit.checks(FRONTEND, SAMPLES), ids=lambda one: one.name)
def test_conformance(one: Any) -> None:
    assert one.run() == ""
