"""The OpenQASM 3 writer: what it writes reads back with the same meaning, and Qiskit reads the plain part of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qiskit import qasm3
from qiskit.quantum_info import Operator

from qmk.base.errors import QmkError
from qmk.frontends import emit, load
from qmk.frontends.qasm3.text import expression, number
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Guard, Node, Output

ALLOC = ("CAP_ALLOC",)


def program(nodes, qubits=3, outputs=None, events=None):
    vqs = tuple(f"q_{k}" for k in range(qubits))
    produced = tuple(e for n in nodes for e in n.produces)
    whole = (
        Node("alloc", "core.alloc", {"n": qubits}, vqs, caps=ALLOC),
        *nodes,
        Node("free", "core.free", {}, vqs),
    )
    return Graph(nodes=whole, vqs=vqs, events=events or produced, caps=ALLOC, families=("core",), outputs=outputs)


def gate(k, op, qubits, args=None, **more):
    return Node(f"g{k}", f"core.{op}", args or {}, tuple(f"q_{j}" for j in qubits), **more)


def back(graph):
    return load(emit(graph, "qasm3"), format="qasm3").graph


ANGLES = {"theta": 0.37, "phi": -1.2, "lam": 2.5, "gamma": 0.6, "beta": -0.8}
UNITARIES = [op for op in OPS.values() if op.op_class == "unitary" and op.short not in ("mod", "paulirot", "gphase")]


@pytest.mark.parametrize("op", UNITARIES, ids=lambda op: op.short)
def test_every_gate_reads_back_as_the_same_op(op):
    args = {p.name: ANGLES[p.name] for p in op.params}
    graph = program([gate(0, op.short, reversed(range(op.vqs.low)), args)])
    (node,) = back(graph).nodes[1:-1]
    name = "core.u" if op.name == "core.qasm_u" else op.name  # U without a control: its phase is global
    assert (node.op, node.args, node.vqs) == (name, args, graph.nodes[1].vqs)


@pytest.mark.parametrize(
    "name", ["rxx", "ryy", "rzz", "iswap", "ecr", "fsim", "xx_plus_yy", "qasm_u", "u", "sxdg", "ccz", "x", "p", "swap"]
)
@pytest.mark.parametrize(
    "extra",
    [{"controls": 1}, {"controls": 2, "state": "01"}, {"controls": 1, "power": -2.0}, {"power": 0.5, "controls": 1}],
)
def test_modified_gates_keep_their_matrix_phase_included(name, extra, unitary):
    op = OPS[f"core.{name}"]
    params = {p.name: ANGLES[p.name] for p in op.params}
    count = op.vqs.low + extra["controls"]
    args = {"gate": name, **extra, **({"params": params} if params else {})}
    graph = program([gate(0, "mod", range(count), args)], qubits=count)
    np.testing.assert_allclose(unitary(back(graph)), unitary(graph), atol=1e-9)


@pytest.mark.parametrize("paulis", ["XYZ", "IZX", "YII", "III"])
def test_pauli_rotations_and_measurements(paulis, unitary, distribution):
    graph = program([gate(0, "paulirot", range(3), {"paulis": paulis, "theta": 0.8})])
    got, want = unitary(back(graph)), unitary(graph)
    overlap = np.vdot(want, got) / len(want)
    np.testing.assert_allclose(got, overlap * want, atol=1e-12)
    nodes = [gate(0, "ry", [0], {"theta": 0.7}), gate(1, "cnot", [0, 1]), gate(2, "h", [2])]
    nodes += [gate(3, "mpauli", range(3), {"paulis": paulis}, produces=("a",)), gate(4, "mz", [0], produces=("b",))]
    measured = program(nodes)
    assert distribution(back(measured)) == pytest.approx(distribution(measured))


def when(event, value):
    return Guard("eq", event, value)


def measured_programs():
    prepare = [gate(0, "ry", [0], {"theta": 0.7}), gate(1, "cnot", [0, 1]), gate(2, "rx", [2], {"theta": 1.1})]
    a, b, c = (gate(10 + k, "mz", [k], produces=(name,)) for k, name in enumerate("abc"))
    bell = gate(3, "mbell", [0, 1], produces=("a",))
    yield "mx my", [*prepare, gate(3, "mx", [0], produces=("a",)), gate(4, "my", [2], produces=("b",))], None
    yield "mangle", [*prepare, gate(3, "mangle", [2], {"theta": 0.4}, produces=("a",))], None
    yield "bell pair of events", [*prepare, gate(3, "mbell", [0, 1], produces=("a", "b"))], None
    yield "bell in one event", [*prepare, bell, c], None
    yield "two-bit guard", [*prepare, bell, gate(4, "x", [2], guard=when("a", 2)), c], None
    yield "reset", [*prepare, gate(3, "reset", [0]), a, b, c], None
    flip, reset = gate(3, "x", [2], guard=when("a", 0)), gate(4, "reset", [1], guard=when("a", 1))
    yield "guards", [*prepare, a, flip, reset, b, c], None
    both = Guard("and", conditions=(when("a", 1), Guard("or", conditions=(when("b", 0), when("a", 0)))))
    yield "compound", [*prepare, a, b, gate(3, "x", [2], guard=both), c], None
    yield "guarded measurement", [*prepare, a, gate(3, "mz", [2], produces=("d",), guard=when("a", 1))], None
    pauli = gate(3, "condpauli", [2, 0], {"paulis": "XY"}, inputs=("a", "b"))
    yield "pauli by parity", [*prepare, a, b, pauli, c], None
    nand = Node("l", "core.lut", {"table": 0b0111}, inputs=("a", "b"), produces=("d",))
    yield "logic", [*prepare, a, b, nand, c], None
    yield "constant", [*prepare, a, Node("l", "core.lut", {"table": 1}, produces=("d",))], None
    one = Node("l", "core.lut", {"table": 1}, produces=("d",), guard=when("a", 1))
    yield "guarded logic", [*prepare, a, one], None
    yield "registers", [*prepare, a, b, c], (Output("left", ("c", "a")), Output("right", (None, "b", "a"), True))
    yield "hidden events", [*prepare, a, b, gate(3, "x", [2], guard=when("b", 1)), c], (Output("c", ("c",)),)
    yield "no outputs", [*prepare, a], ()
    yield "inject", [*prepare, Node("t", "magic.inject_t", vqs=("q_0",)), gate(3, "h", [0]), a], None
    again = [Node("f", "core.free", vqs=("q_2",)), Node("n", "core.alloc", {"n": 1}, ("q_2",))]
    yield "reuse", [*prepare, a, *again, c], None
    words = [gate(3, "mz", [0], produces=("measure",)), gate(4, "mz", [2], produces=("x",))]
    yield "keywords", [*prepare, *words], (Output("input", ("measure",)), Output("h", ("x",)))
    yield "fence and barrier", [*prepare, Node("f", "core.fence"), gate(3, "barrier", [0, 1], {"tag": "any"}), a], None


CASES = list(measured_programs())


@pytest.mark.parametrize(("name", "nodes", "outputs"), CASES, ids=[case[0] for case in CASES])
def test_reads_back_with_the_same_distribution(name, nodes, outputs, distribution):
    graph = program(nodes, outputs=outputs)
    assert distribution(back(graph)) == pytest.approx(distribution(graph))


def test_every_truth_table_of_three_bits(distribution):
    """Each table as an expression of three random bits, read back."""
    head = 'OPENQASM 3.0; include "stdgates.inc"; qubit[3] q; bit[3] c; bit r; h q; c = measure q; r = '
    for table in range(256):
        want = {f"{table >> k & 1} {k:03b}": 1 / 8 for k in range(8)}
        assert distribution(f"{head}{expression(table, ['c[0]', 'c[1]', 'c[2]'])};") == pytest.approx(want), table


@pytest.mark.parametrize(
    "value", [0.1, np.pi, -np.pi / 2, 3 * np.pi / 4, 1e-300, -0.0, 1e22, np.pi / 7, 2 / 3, np.pi / 64]
)
def test_numbers_read_back_exactly(value, read):
    text = f'OPENQASM 3.0; include "stdgates.inc"; qubit q; rx({number(value)}) q;'
    assert read(text).nodes[1].args["theta"] == value


def test_multiples_of_pi_are_written_as_such():
    assert [number(v) for v in (np.pi, -np.pi, np.pi / 2, 3 * np.pi / 4, 0.1)] == ["pi", "-pi", "pi/2", "3*pi/4", "0.1"]


def test_channels_are_refused_with_their_nodes():
    graph = Graph(
        nodes=(
            Node("alloc", "core.alloc", {"n": 2}, ("a", "b")),
            Node("open", "channel.open", vqs=("a", "b"), chs=("l",)),
            Node("close", "channel.close", chs=("l",)),
        ),
        vqs=("a", "b"),
        chs=("l",),
    )
    with pytest.raises(QmkError) as caught:
        emit(graph, "qasm3")
    assert [(f.rule, f.node) for f in caught.value.findings] == [("QASM3-050", "open"), ("QASM3-050", "close")]


def test_two_bit_event_in_logic_is_refused():
    nodes = [gate(0, "mbell", [0, 1], produces=("a",)), gate(1, "condpauli", [2], {"paulis": "X"}, inputs=("a",))]
    with pytest.raises(QmkError, match="QASM3-051"):
        emit(program(nodes), "qasm3")


def test_qiskit_reads_what_is_written():
    ops = [OPS[f"core.{name}"] for name in ("h", "u", "rzz", "ccz", "sxdg", "iswap", "toffoli", "cp")]
    nodes = [
        gate(k, op.short, range(op.vqs.low), {p.name: ANGLES[p.name] for p in op.params}) for k, op in enumerate(ops)
    ]
    text = emit(program(nodes), "qasm3").decode()
    theirs = Operator(qasm3.loads(text).reverse_bits()).data
    out = np.eye(8, dtype=complex)
    for node in nodes:
        matrix = np.array(OPS[node.op].matrix(node.args))
        out = np.kron(matrix, np.eye(2 ** (3 - len(node.vqs)))) @ out
    overlap = np.vdot(out, theirs) / 8
    np.testing.assert_allclose(theirs, overlap * out, atol=1e-9)


GOLDEN = Path(__file__).parents[2] / "golden" / "circuits"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.qasm")), ids=lambda p: p.stem)
def test_corpus_reads_back_as_the_same_graph(path):
    graph = load(path.read_bytes(), path=str(path)).graph
    again = load(emit(graph, "qasm3")).graph
    renamed = dict(zip((*graph.vqs, *graph.events), (*again.vqs, *again.events), strict=True))

    assert [n.op for n in again.nodes] == [n.op for n in graph.nodes]
    assert [tuple(renamed[v] for v in n.vqs) for n in graph.nodes] == [n.vqs for n in again.nodes]
    assert [n.args for n in again.nodes] == [n.args for n in graph.nodes]
    assert [o.name for o in again.outputs] == [o.name for o in graph.outputs]


@pytest.mark.parametrize(("op", "produces"), [("atoms.mz", ("b", "l")), ("atoms.check", ("l",)), ("atoms.reload", ())])
def test_what_looks_for_atoms_has_no_form(op: str, produces: tuple[str, ...]) -> None:
    nodes = (Node("a", "core.alloc", {}, ("q",)), Node("n", op, {}, ("q",), produces=produces))
    with pytest.raises(QmkError, match=f"{op} has no form in OpenQASM 3"):
        emit(Graph(nodes=nodes, vqs=("q",), events=produces), "qasm3")
