"""Routed plans: what they say was rewritten, and predictions against what they do."""

from __future__ import annotations

import random

import pytest
from qmk_native import Circuit, FramePlan, Plan, predict, read_qasm

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'


def ladder(n: int, repeat: int = 1) -> str:
    """Rotations and a chain of CNOTs, each qubit measured at the end: narrow when scheduled."""
    gates = "".join(
        f"ry(0.{k + 1}) q[{k}];\n" + (f"cx q[{k - 1}],q[{k}];\n" if k else "") for _ in range(repeat) for k in range(n)
    )
    return f"{HEAD}qreg q[{n}];\ncreg c[{n}];\n{gates}measure q -> c;\n"


def trotter(n: int, rounds: int) -> str:
    """Short steps of a transverse-field chain, from a product state."""
    step = "".join(f"rzz(0.01) q[{k}],q[{k + 1}];\n" for k in range(n - 1))
    step += "".join(f"rx(0.01) q[{k}];\n" for k in range(n))
    return f"{HEAD}qreg q[{n}];\ncreg c[{n}];\n{step * rounds}measure q -> c;\n"


def certain(n: int, rounds: int) -> str:
    """Measurements on the way whose outcomes are certain: a qubit turned and turned back, between others in earnest."""
    body = "".join(f"ry(0.{3 + k}) q[{k}];\n" for k in range(n))
    for turn in range(rounds):
        body += f"rx(0.7) a[0];\ncu1(0.3) q[{turn % n}],q[{(turn + 1) % n}];\nrx(-0.7) a[0];\n"
        body += f"cx q[{turn % n}],a[0];\ncx q[{turn % n}],a[0];\nmeasure a[0] -> d[{turn}];\n"
    return f"{HEAD}qreg q[{n}];\nqreg a[1];\ncreg c[{n}];\ncreg d[{rounds}];\n{body}measure q -> c;\n"


def test_a_rewritten_plan_says_what_was_rewritten() -> None:
    circuit = read_qasm(ladder(24, 2))
    plan = Plan(circuit, 1000, "dense")
    report = plan.rewrites
    assert (report is not None) == plan.candidates[0]["rewritten"]
    assert report is not None
    assert report["ops_before"] == len(circuit)
    assert report["ops_after"] == len(plan.circuit)
    assert report["width_before"] == 24
    assert report["width_after"] <= report["width_before"]


def test_a_plan_as_written_has_no_report() -> None:
    circuit = read_qasm(ladder(24, 2))
    plan = Plan(circuit, 1000, rewrites=False)
    assert plan.rewrites is None
    assert plan.circuit == circuit
    assert not any(row["rewritten"] for row in plan.candidates)


def test_a_matrix_product_state_of_a_simpler_circuit_is_rewritten() -> None:
    text = ladder(20).replace("measure q -> c;", "h q[0];\nh q[0];\nmeasure q -> c;")
    plan = Plan(read_qasm(text), 1000, "mps")
    assert plan.candidates[0]["rewritten"]
    assert plan.rewrites is not None
    assert plan.rewrites["ops_after"] < plan.rewrites["ops_before"]


@pytest.mark.parametrize("n", [2, 8, 14, 18])
def test_a_prediction_is_near_the_plan(n: int) -> None:
    """By counting against compiled: far enough apart only to say which engine, near enough for that."""
    gates = "".join(
        f"u3(0.{k + 1},0.3,0.{layer + 1}) q[{k}];\ncx q[{k}],q[{(k + 1 + layer) % n}];\n"
        for layer in range(n - 1)
        for k in range(n)
    )
    circuit = read_qasm(f"{HEAD}qreg q[{n}];\ncreg c[{n}];\n{gates}measure q -> c;\n")
    found = predict(circuit, 1000, [1, 1000, 100_000])
    assert found["seconds"] == sorted(found["seconds"])
    assert 0.1 < found["seconds"][1] / max(Plan(circuit, 1000).seconds, 1e-5) < 30


def test_what_has_no_room_is_not_predicted() -> None:
    n = 40
    gates = "".join(
        f"u3(1.1,0.3,0.{layer + 1}) q[{k}];\ncx q[{k}],q[{(k + 7 + layer) % n}];\n"
        for layer in range(20)
        for k in range(n)
    )
    circuit = read_qasm(f"{HEAD}qreg q[{n}];\ncreg c[{n}];\n{gates}reset q[0];\nmeasure q -> c;\n")
    with pytest.raises(MemoryError):
        predict(circuit, 1000, [1000], memory=1 << 30)


def test_a_program_too_wide_to_look_at_is_priced_by_counting() -> None:
    """Two T gates wake two qubits at most, whatever four thousand others do; where sixty may be awake, nobody knows."""
    n = 4000

    def circuit(turned: int) -> Circuit:
        lines = [line for far in (1, 7, 50) for line in ("h q;", *(f"cz q[{q}],q[{(q + far) % n}];" for q in range(n)))]
        lines += [f"t q[{q}]; h q[{q}];" for q in range(turned)]
        return read_qasm(f"{HEAD}qreg q[{n}];\ncreg c[{n}];\n{' '.join(lines)}\nmeasure q -> c;\n")

    few = predict(circuit(2), 1000, [1, 1000, 100_000], memory=1 << 33)
    assert (few["width"], few["upper_bound"], few["may_fail"]) == (2.0, True, False)
    assert few["seconds"] == sorted(few["seconds"])
    many = predict(circuit(60), 1000, [1, 1000, 100_000], memory=1 << 33)
    assert (many["width"], many["upper_bound"], many["may_fail"]) == (60.0, False, True)


def test_a_state_vector_starts_from_a_short_way_to_its_clifford_prefix() -> None:
    """Gates that scramble, small rotations, the same gates back: the outcomes are far from even, and those of the frame
    simulator."""
    dice = random.Random(4)
    n, gates, back = 16, [], []
    for _ in range(500):
        a, b = dice.sample(range(n), 2)
        there, undone = dice.choice(((f"h q[{a}];",) * 2, (f"s q[{a}];", f"sdg q[{a}];"), (f"cx q[{a}],q[{b}];",) * 2))
        gates.append(there)
        back.insert(0, undone)
    turns = [
        f"{dice.choice(('rx', 'ry', 'rz'))}({dice.uniform(0.05, 0.2)}) q[{q}];" for _ in range(6) for q in range(n)
    ]
    text = "".join((HEAD, f"qreg q[{n}];\ncreg c[{n}];\n", *gates, *turns, *back, "measure q -> c;\n"))
    dense = Plan(read_qasm(text), 1000, "dense")
    assert dense.rewrites["resynthesized"] > 0
    assert dense.rewrites["ops_after"] < dense.rewrites["ops_before"] - 200
    shots = 20_000
    mine = dense.run(shots, 1)[0].counts()
    other = Plan(read_qasm(text), shots, "frame", rewrites=False).run(shots, 2)[0].counts()
    none = "0" * n
    assert mine[none] > shots / 100
    assert abs(mine[none] - other[none]) < 0.03 * shots
    for q in range(n):
        ones = [sum(k for bits, k in found.items() if bits[q] == "1") for found in (mine, other)]
        assert abs(ones[0] - ones[1]) < 0.03 * shots, q  # six standard errors of the difference


def test_a_long_circuit_of_a_small_state_is_not_looked_at_for_longer_than_it_runs() -> None:
    """20,000 gates on six qubits run in a millisecond: the plan of the frame simulator alone would take 20."""
    dice = random.Random(5)
    lines = []
    for _ in range(20_000):
        a, b = dice.sample(range(6), 2)
        lines.append(dice.choice((f"h q[{a}];", f"t q[{a}];", f"cx q[{a}],q[{b}];")))
    plan = Plan(read_qasm("".join((HEAD, "qreg q[6];creg c[6];", *lines, "measure q -> c;"))), 1000)
    assert 300e-6 < plan.seconds < 10e-3
    assert [row["method"] for row in plan.candidates] == ["dense"]


def test_a_gate_under_a_condition_keeps_it_when_its_qubit_enters_the_state() -> None:
    """Two gates under one condition that never holds, the second on a qubit that was measured."""
    text = f"{HEAD}qreg q[3];\ncreg c[1];\ncreg d[1];\nmeasure q[0] -> c[0];\n"
    text += "if(c==1) rxx(0.5) q[1],q[2];\nif(c==1) h q[0];\nmeasure q[0] -> d[0];\n"
    for method in ("frame", "dense", "dense64"):
        samples, _ = Plan(read_qasm(text), 100, method, rewrites=False).run(100, 1)
        assert samples.counts() == {"0 0": 100}


def test_certain_outcomes_make_no_states() -> None:
    """Forty measurements that could double the states each time, and never do."""
    sure = Plan(read_qasm(certain(12, 40)), 1000, "frame", rewrites=False)
    once = Plan(read_qasm(certain(12, 40)), 1, "frame", rewrites=False)
    assert sure.seconds < 60 * once.seconds


def test_a_long_run_of_the_frame_simulator_is_not_piloted_where_another_way_is_sooner() -> None:
    """Two blocks of 12 qubits that two gates join late are cut in milliseconds: a pilot alone would take longer.
    Without one the prediction is the compiler's own."""
    dice = random.Random(1)
    lines = ['OPENQASM 2.0; include "qelib1.inc"; qreg q[24]; creg c[24];']

    def block(low: int, layers: int) -> None:
        for _ in range(layers):
            for k in range(low, low + 12):
                lines.append(f"u3({dice.uniform(0, 3)}, {dice.uniform(0, 3)}, {dice.uniform(0, 3)}) q[{k}];")
            order = dice.sample(range(low, low + 12), 12)
            lines.extend(f"cx q[{a}], q[{b}];" for a, b in zip(order[::2], order[1::2], strict=True))

    block(0, 10)
    block(12, 10)
    lines.append("cx q[3], q[20]; cx q[5], q[14];")
    block(0, 2)
    block(12, 2)
    circuit = read_qasm("\n".join([*lines, "measure q -> c;"]))
    plan = Plan(circuit, 1000, rewrites=False)
    assert plan.method == "cut"
    (frame,) = (row for row in plan.candidates if row["method"] == "frame")
    assert frame["seconds"] == FramePlan(circuit).cost(1000) > 30 * plan.seconds


def test_a_plan_says_that_an_attempt_goes_before_what_it_names() -> None:
    """Small rotations for many rounds: a bond that counting calls large, and that stays small."""
    circuit = read_qasm(trotter(30, 20))
    plan = Plan(circuit, 100)
    assert plan.method != "mps"
    assert "a matrix product state is tried" in plan.candidates[0]["note"]
    assert "may be tried" in predict(circuit, 100, [100])["note"]
    assert plan.run(100, 1)[1] == "mps"


def test_a_plan_without_an_attempt_speaks_of_none() -> None:
    assert "tried" not in Plan(read_qasm(ladder(8)), 100).candidates[0]["note"]
