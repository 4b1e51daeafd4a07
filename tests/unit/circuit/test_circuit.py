"""``qmk.Circuit``: the graph that it becomes, against OpenQASM text of the same program."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.circuit.declared import gate_methods, op_methods
from qmk.circuit.methods import OpMethods
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph, digest
from qmk.qvm.verify import verify
from qmk.request.program import to_graph

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def distribution(graph: Graph) -> dict[str, float]:
    assert verify(graph).error() is None
    return exact_distribution(lower(graph, ALL_GATES))


def assert_is(circuit: qmk.Circuit, text: str, **params: Any) -> None:
    """The circuit has the graph of the text, and of its own text."""
    assert digest(to_graph(HEAD + text, params=params)) == digest(circuit.to_graph(params))
    assert digest(to_graph(circuit.to("qasm3"), params=params)) == digest(circuit.to_graph(params))


def test_a_bell_pair() -> None:
    circuit = qmk.Circuit(2)
    circuit.h(0).cx(0, 1).measure_all()
    text = "qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;"
    assert_is(circuit, text)
    assert qmk.run(circuit, shots=100, seed=7).counts == qmk.run(HEAD + text, shots=100, seed=7).counts
    assert distribution(circuit.graph) == pytest.approx({"00": 0.5, "11": 0.5})


def test_operands_go_in_step() -> None:
    circuit = qmk.Circuit({"q": 3, "a": None}, {"c": 3})
    q = circuit.qubits[:3]
    circuit.h(q).cx(q, "a").cx(0, [1, 2]).rz(np.array([0.1, 0.2]), np.array([0, 2])).rx(np.float64(0.5), np.int64(1))
    circuit.swap("q[0]", "a").ry(0.25, range(3)).measure(q, circuit.bits)
    assert_is(
        circuit,
        "qubit[3] q; qubit a; bit[3] c; h q; cx q, a; cx q[0], q[1]; cx q[0], q[2]; rz(0.1) q[0]; rz(0.2) q[2];"
        "rx(0.5) q[1]; swap q[0], a; ry(0.25) q; c = measure q;",
    )


def test_modifiers_are_those_of_openqasm() -> None:
    circuit = qmk.Circuit(4, 1)
    circuit.x(3, ctrl=[0, 1], ctrl_state="01").rx(0.3, 1, ctrl=0).t(0, inverse=True).x(1, power=0.5).h(2, power=3)
    circuit.cu(0.1, 0.2, 0.3, 0.4, 0, 1, inverse=True, ctrl=2).gphase(0.3, ctrl=[0, 1]).s(0, power=-2)
    circuit.u(0.1, 0.2, 0.3, 1, ctrl=0, power=0.5).measure(0)
    assert_is(
        circuit,
        "qubit[4] q; bit[1] c; negctrl @ ctrl @ x q[0], q[1], q[3]; crx(0.3) q[0], q[1]; inv @ t q[0];"
        "pow(0.5) @ x q[1]; pow(3) @ h q[2]; ctrl @ inv @ cu(0.1, 0.2, 0.3, 0.4) q[2], q[0], q[1];"
        "ctrl(2) @ gphase(0.3) q[0], q[1]; pow(-2) @ s q[0];"
        "gate core_u(t, p, l) a { gphase(-t / 2); U(t, p, l) a; } ctrl @ pow(0.5) @ core_u(0.1, 0.2, 0.3) q[0], q[1];"
        "c[0] = measure q[0];",
    )


def test_parameters_are_inputs() -> None:
    theta, w = qmk.Parameter("theta"), qmk.Parameter("w", 2)
    circuit = qmk.Circuit(2, 2).rx(2 * theta + math.pi / 2, 0).ry(w, [0, 1]).rx(theta / 3, 1, ctrl=0, ctrl_state="0")
    circuit.rz(w[0] - w[1] * theta, 0, inverse=True).cp(theta.sin(), 0, 1).measure_all()
    text = (
        "input float theta; input array[float, 2] w; qubit[2] q; bit[2] c; rx(2*theta + pi/2) q[0]; ry(w[0]) q[0];"
        "ry(w[1]) q[1]; negctrl @ rx(theta/3) q[0], q[1]; inv @ rz(w[0] - w[1]*theta) q[0];"
        "cp(sin(theta)) q[0], q[1]; c = measure q;"
    )
    assert circuit.parameters == {"theta": None, "w": 2}
    assert_is(circuit, text, theta=0.3, w=[0.1, 0.2])
    by_object = qmk.run(circuit, shots=50, seed=3, params={theta: 0.3, w: np.array([0.1, 0.2])})
    assert by_object.counts == qmk.run(HEAD + text, shots=50, seed=3, params={"theta": 0.3, "w": [0.1, 0.2]}).counts
    assert circuit.bind(theta=0.3).bind({w: [0.1, 0.2]}) == circuit.bind({theta: 0.3, "w": [0.1, 0.2]}) != circuit


def test_calls_that_take_a_program_take_a_circuit() -> None:
    theta = qmk.Parameter("theta")
    turned = qmk.Circuit(1).rx(theta, 0)
    assert qmk.expectation(turned, "Z", params={theta: math.pi}).value == pytest.approx(-1)
    assert qmk.gradient(turned, "Z", params={theta: math.pi / 2}).by == pytest.approx({"theta": -1})
    swept = qmk.sweep(turned, {theta: [0.0, math.pi]}, "Z")
    assert swept.values[:, 0] == pytest.approx([1, -1])
    swept = qmk.sweep(turned, [{theta: 0.0}, {"theta": math.pi}], "Z")
    assert swept.names == ("theta",)
    bell = qmk.Circuit(2).h(0).cx(0, 1)
    assert abs(qmk.state(bell)[3]) == pytest.approx(math.sqrt(0.5))
    assert qmk.probabilities(bell, [1]).values == pytest.approx([0.5, 0.5])
    assert abs(qmk.amplitudes(bell, ["00"])[0]) == pytest.approx(math.sqrt(0.5))
    assert qmk.sample(bell.copy().measure_all(), shots=20, seed=1).shots == 20
    assert qmk.estimate(qmk.Circuit(1).t(0).measure_all())
    assert len(qmk.rewrite(bell.copy().h(0).h(0)).graph.nodes) < len(bell.copy().h(0).h(0).graph.nodes)
    assert qmk.outputs(turned, expect="Z", params={theta: 0.1})[0] == turned.to_graph({theta: 0.1})
    assert qmk.on_device(bell.copy().measure_all(), "zoned").timeline.duration_us > 0


def test_a_circuit_takes_no_format() -> None:
    with pytest.raises(qmk.QmkError, match="format applies to source text, not to a circuit"):
        qmk.run(qmk.Circuit(1).measure_all(), format="qasm3")


def test_bits_without_a_name_are_the_first_that_nothing_has_written() -> None:
    circuit = qmk.Circuit(3, 2).x(1).measure(1).measure_all()
    assert [bit.name for bit in circuit.bits] == ["c[0]", "c[1]", "c[2]", "c[3]"]
    assert distribution(circuit.graph) == {"0101": 1.0}
    named = qmk.Circuit(3).x([0, 2]).measure([0, 1], "low").measure(2, "flag")
    assert distribution(named.graph) == {"1 01": 1.0}


def test_bases_and_products_of_paulis() -> None:
    circuit = qmk.Circuit(4, 5).h(0).sx(1).h(2).cx(2, 3)
    circuit.measure(0, basis="X").measure(1, basis="Y").measure_pauli("XX", 2, 3).measure_pauli("ZZ", 2, 3)
    circuit.z(2).measure_bell(2, 3, [4, 3])
    assert distribution(circuit.graph) == {"10010": 1.0}


def test_noise_in_a_circuit() -> None:
    circuit = qmk.Circuit(2).depolarize(0.3, [0, 1]).depolarize(0.15, 0, 1).pauli(0, px=0.1).thermal(1e-6, 1, t1=1e-5)
    circuit.kraus([np.diag([1, 0]), np.diag([0, 1])], 1).measure_all().readout_error([0, 1], p01=0.01, p10=0.02)
    assert verify(circuit.graph).error() is None
    assert circuit.graph.families == ("core", "noise")
    flips = qmk.Circuit(1).pauli(0, px=0.25).measure_all().readout_error(0, p01=0.5)
    assert distribution(flips.graph) == pytest.approx({"0": 0.375, "1": 0.625})


def test_a_circuit_is_added_with_its_bits() -> None:
    part = qmk.Circuit(2).cx(0, 1).measure(1, "parity")
    whole = qmk.Circuit(3).x(2).add(part, [2, 0]).add(qmk.Circuit(1).x(0), 1).measure_all("out")
    assert distribution(whole.graph) == {"111 1": 1.0}
    assert (qmk.Circuit(1).x(0) + qmk.Circuit(1).x(0).measure_all()).ops[0].name == "x"
    assert len(part) == 2


def test_inverse_power_and_controls_of_a_circuit() -> None:
    theta = qmk.Parameter("theta")
    part = qmk.Circuit(2).h(0).rx(theta, 1).cu(0.1, 0.2, theta, 0.4, 0, 1).barrier().paulirot("XY", 0.3, 0, 1).s(1)
    undone = (part + part.inverse()).bind(theta=0.7)
    assert abs(qmk.state(undone)[0]) == pytest.approx(1)
    twice = qmk.state((part + part).bind(theta=0.7))
    assert abs(np.vdot(qmk.state(part.power(2).bind(theta=0.7)), twice)) == pytest.approx(1)
    half = part.bind(theta=0.7).power(0.5)
    assert abs(np.vdot(qmk.state(half + half), qmk.state(part.bind(theta=0.7)))) == pytest.approx(1)
    controlled = part.bind(theta=0.7).control(2, "01")
    for value, acts in (("00", False), ("01", True), ("11", False)):
        start = qmk.Circuit(controlled.n_qubits).x([k for k in range(2) if value[k] == "1"])
        found = qmk.state(start.add(controlled)).reshape(4, 4)[int(value, 2)]
        wanted = qmk.state(part.bind(theta=0.7)) if acts else np.eye(4)[0]
        assert abs(np.vdot(found, wanted)) == pytest.approx(1)


def test_equal_circuits_have_one_digest() -> None:
    a, b = qmk.Circuit(2).cnot(0, 1), qmk.Circuit(2).cx(0, 1)
    assert a == b
    assert hash(a) == hash(b)
    assert a.digest == digest(a.graph)
    assert a != b.copy().x(0)
    theta = qmk.Parameter("theta")
    opened = qmk.Circuit(1).rx(theta / 2, 0)
    assert opened == qmk.Circuit(1).rx(qmk.Parameter("theta") / 2, 0) != qmk.Circuit(1).rx(theta, 0)
    for twin in (pickle.loads(pickle.dumps(opened)), copy.copy(opened), copy.deepcopy(opened), opened.copy()):
        assert twin == opened
        assert twin.x(0) != opened


def test_the_graph_follows_what_is_added() -> None:
    circuit = qmk.Circuit(1).h(0)
    before = circuit.graph
    assert circuit.graph is before
    circuit.measure(0)
    assert len(circuit.graph.nodes) == len(before.nodes) + 1
    circuit.add_qubits(2, "more")
    assert len(circuit.graph.vqs) == 3


def test_ops_show_what_there_is() -> None:
    circuit = qmk.Circuit(2).rx(0.5, 0, ctrl=1, ctrl_state="0").h(0).measure(0)
    with circuit.if_(0):
        circuit.barrier()
    first, second, third, *rest = circuit.ops
    assert (first.name, first.qubits, first.args, first.controls) == ("rx", (1, 0), {"theta": 0.5}, "0")
    assert (second.name, second.args, second.power) == ("h", {}, 1.0)
    assert (third.name, third.qubits, third.bits) == ("mz", (0,), (0,))
    assert [each.name for each in rest] == ["if", "barrier", "end"]
    assert tuple(circuit) == circuit.ops
    assert repr(circuit) == "<Circuit 2 qubits, 1 bits, 6 ops>"


def test_depth_and_counts() -> None:
    circuit = qmk.Circuit(3, 2).h(0).cx(0, 1).cx(1, 2).barrier().t(0).measure(0, 0)
    assert circuit.count_ops() == {"cnot": 2, "h": 1, "barrier": 1, "t": 1, "mz": 1}
    assert circuit.depth() == 4
    with circuit.if_(0):
        circuit.x(2)
    assert circuit.depth() == 5
    assert qmk.Circuit(2).depth() == 0


@pytest.mark.parametrize("qubits", [1, 2, 3])
def test_a_matrix_is_a_gate_with_its_phase(qubits: int) -> None:
    rng = np.random.default_rng(qubits)
    size = 1 << qubits
    matrix = np.linalg.qr(rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size)))[0]
    for wanted in (matrix, -np.eye(size)):
        part = qmk.Circuit(qubits).unitary(wanted, range(qubits))
        start = qmk.Circuit(qubits + 1).h(0).x(range(1, qubits + 1)).add(part.control())
        found = qmk.state(start).reshape(2, size)
        phase = found[0, -1] / abs(found[0, -1])
        assert found[1] / phase == pytest.approx(wanted[:, -1] * math.sqrt(0.5), abs=1e-7)


def test_drawings() -> None:
    circuit = qmk.Circuit(2).h(0).cx(0, 1)
    assert str(circuit) == repr(circuit.draw()) == "q_0: |0⟩─H─●─┤\n           │\nq_1: |0⟩───⊕─┤"
    assert circuit.draw(ascii_only=True).splitlines()[0] == "q_0: |0>-H-@-|"
    assert "<svg" in circuit._repr_html_()
    assert "<pre" in circuit.draw()._repr_html_()
    assert "RX(theta/2)" in str(qmk.Circuit(1).rx(qmk.Parameter("theta") / 2, 0))


def test_other_formats() -> None:
    circuit = qmk.Circuit(2).h(0).cx(0, 1).measure_all()
    assert qmk.run(circuit.to("stim"), shots=50, seed=1).counts == qmk.run(circuit, shots=50, seed=1).counts
    for target in ("json", "asm", "binary", "qasm3"):
        assert (
            digest(to_graph(circuit.to(target) if target != "binary" else bytes(circuit.to(target)))) == circuit.digest
        )
    with pytest.raises(qmk.QmkError) as caught:
        circuit.to("qasm")
    assert caught.value.fields["help"].startswith("did you mean 'qasm")
    with pytest.raises(qmk.QmkError, match="no value is given for the parameter theta"):
        qmk.Circuit(1).rx(qmk.Parameter("theta"), 0).to("stim")


def test_every_declared_op_is_a_method_with_its_signature() -> None:
    for name in (*gate_methods(), *op_methods()):
        method = getattr(OpMethods, name)
        assert method.__doc__
        assert method.__name__ == name
        assert not hasattr(qmk.Circuit, f"_{name}")
        assert getattr(qmk.Circuit, name) is method, f"a method of Circuit itself hides gate {name}"


@pytest.mark.parametrize("name", sorted(gate_methods()))
def test_every_gate_is_that_of_the_library(name: str) -> None:
    method = gate_methods()[name]
    angles = [0.1 * (k + 1) for k in range(len(method.params))]
    qubits = list(range(len(method.operands)))
    plain = qmk.Circuit(max(len(qubits), 1)).apply(name, *angles, *qubits)
    by_keyword = dict(zip((*method.params, *method.operands), (*angles, *qubits), strict=True))
    assert getattr(qmk.Circuit(max(len(qubits), 1)), name)(**by_keyword) == plain
    assert getattr(qmk.Circuit(max(len(qubits), 1)), name)(*angles, *qubits) == plain
    assert verify(plain.graph).error() is None


@pytest.mark.filterwarnings("ignore::qmk.ProgramWarning")
def test_a_graph_keeps_its_shots_and_what_it_says_of_itself() -> None:
    graph = to_graph("examples/bell.qasm")
    circuit = qmk.Circuit.from_file("examples/bell.qasm")
    assert circuit.graph == graph
    text = b'{"version": "1.0", "shots": 7, "program": {"nodes": [{"id": "a", "op": "core.alloc", "vqs": ["q"]},'
    text += b' {"id": "m", "op": "core.mz", "vqs": ["q"], "produces": ["c"]}]}}'
    assert qmk.run(qmk.Circuit.from_text(text)).shots == qmk.run(text).shots == 7


def test_what_no_circuit_holds_is_refused_by_name() -> None:
    text = "OPENQASM 3.0; qubit[2] q; bit c; c = measure q[0]; U(0, 0, 0) q[0], q[1];"
    with pytest.raises(qmk.QmkError) as caught:
        qmk.Circuit.from_text(text)
    assert caught.value.kind.name == "INVALID_GRAPH"
    with pytest.raises(qmk.QmkError, match=r"cannot read 'no\.qasm'"):
        qmk.Circuit.from_file("no.qasm")
    profile = '.version 1.0\n.families core\nALLOC_LQ n=1, profile="logical:surface(d=3)" -> q [CAP_ALLOC]\n'
    with pytest.raises(qmk.QmkError, match=r"core\.alloc\) has no form in a circuit"):
        qmk.Circuit.from_text(profile)


def test_names_that_gates_have_are_names_of_parameters() -> None:
    t, greek = qmk.Parameter("t"), qmk.Parameter("θ")
    circuit = qmk.Circuit(1).t(0).rx(t - greek * math.pi / 2, 0).rx(t * (-math.pi / 2), 0).rz(greek / (math.pi / 4), 0)
    assert_is(
        circuit,
        "input float t; input float θ; qubit[1] q; t q[0]; rx(t - θ*pi/2) q[0]; rx(t*(-pi/2)) q[0]; rz(θ/(pi/4)) q[0];",
        t=0.3,
        θ=0.7,
    )
