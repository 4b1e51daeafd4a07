"""Random programs: sound ones verify clean, damaged ones never crash the verifier, and reversible runs undo.

The strategies derive from the op declarations, so a new op is covered without a line here.
"""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmk.ir.inverse import inverse_nodes
from qmk.ir.summary import summarise
from qmk.qvm.families import CAPABILITIES, OPS, analog, photonic
from qmk.qvm.families.core import FIXED_SIZE
from qmk.qvm.graph import Graph, Guard, Node, Output
from qmk.qvm.op import Op, Param
from qmk.qvm.verify import RULES, verify

WALK = import_module("qmk.qvm.verify.walk")
QUBITS = tuple(f"q{k}" for k in range(4))
MIDDLE = [op for op in OPS.values() if op.op_class not in ("lifecycle", "channel") and op.family != "photonic"]
LIGHT = [*photonic.FAMILY.ops, OPS["core.barrier"], OPS["core.fence"]]
UNITARY = [op for op in MIDDLE if op.op_class == "unitary"]
angles = st.one_of(st.floats(-10, 10), st.sampled_from([k * math.pi / 4 for k in range(-8, 9)]))


DURATION = 0.75


@st.composite
def drives(draw: st.DrawFn, qubits: int) -> list[dict[str, Any]]:
    numbers = st.floats(-100, 100)

    def field() -> dict[str, list[float]]:
        inside = sorted(draw(st.sets(st.floats(0.01, 0.74), max_size=3)))
        times = [0.0, *inside, DURATION]
        return {"times": times, "values": draw(st.lists(numbers, min_size=len(times), max_size=len(times)))}

    out: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(0, 2))):
        names = draw(st.sampled_from([("amplitude", "phase", "detuning"), ("amplitude",), ("detuning",)]))
        drive: dict[str, Any] = {name: field() for name in names}
        if draw(st.booleans()):
            drive["pattern"] = draw(st.lists(numbers, min_size=qubits, max_size=qubits))
        out.append(drive)
    return out


@st.composite
def value(draw: st.DrawFn, param: Param, qubits: int, inputs: int) -> Any:
    if param.kind == "kraus":
        size = 1 << qubits
        return [[[[float(row == column), 0.0] for column in range(size)] for row in range(size)]]
    if param.kind == "matrix":
        return [[[float(row == column), 0.0] for column in range(qubits)] for row in range(qubits)]
    if param.kind == "data":
        return {"levels": [2] * qubits, "times": [0.0, 0.5], "observables": {}, "bounds": {}}.get(param.name, [])
    if param.kind == "points":
        return [[6.0 * k, draw(st.floats(-5, 5))] for k in range(qubits)]
    if param.kind == "drives":
        return draw(drives(qubits))
    if param.name == "noise":
        return draw(st.dictionaries(st.sampled_from(sorted(analog.NOISE)), st.floats(0, 2), max_size=3))
    if param.name == "duration" and param.unit == "us":
        return DURATION
    if param.kind == "float" and param.unit == "s":
        return draw(st.floats(1e-9, 1e-3))
    if param.kind == "float" and param.low is not None:
        return draw(st.floats(max(param.low, 0), 1 / 16))  # at most fifteen of them add up
    if param.kind in ("angle", "float"):
        return draw(angles)
    if param.kind == "int":
        high = (1 << (1 << inputs)) - 1 if param.name == "table" else min(5, int(param.high or 5))
        return draw(st.integers(max(int(param.low or 0), 0), high)) if high else 0
    if param.kind == "pauli":
        return "X" + draw(st.text("IXYZ", min_size=qubits - 1, max_size=qubits - 1))
    return draw(st.text(max_size=8))


@st.composite
def mod(draw: st.DrawFn) -> tuple[dict[str, Any], int]:
    gate = FIXED_SIZE[draw(st.sampled_from(sorted(FIXED_SIZE)))]
    low = 0 if gate.vqs.low else 1
    controls = draw(st.integers(low, max(low, len(QUBITS) - gate.vqs.low)))
    args: dict[str, Any] = {"gate": gate.short, "controls": controls}
    if draw(st.booleans()):
        args["state"] = draw(st.text("01", min_size=controls, max_size=controls))
    if draw(st.booleans()):
        args["power"] = draw(st.one_of(st.integers(-3, 3).map(float), st.floats(-2, 2)))
    if gate.params:
        args["params"] = {param.name: draw(angles) for param in gate.params}
    return args, controls + gate.vqs.low


@st.composite
def node(draw: st.DrawFn, op: Op, index: int, written: list[str], guarded: bool = True) -> Node:
    if op.name == "core.mod":
        args, qubits = draw(mod())
    else:
        high = len(QUBITS) if op.vqs.high is None else min(op.vqs.high, len(QUBITS))
        qubits = draw(st.integers(op.vqs.low, high))
        args = {}
    inputs = (
        tuple(draw(st.lists(st.sampled_from(written), min_size=op.inputs.low, max_size=op.inputs.high or 3)))
        if written
        else ()
    )
    inputs = inputs if op.inputs.high != 0 else ()
    for param in op.params:
        if op.name != "core.mod" and param.kind != "map" and (param.required or draw(st.booleans())):
            args[param.name] = draw(value(param, qubits, len(inputs)))
    if "t1" in args and "t2" in args:
        args["t2"] = min(args["t2"], 2 * args["t1"])
    guard = None
    if (
        guarded
        and written
        and op.op_class != "metadata"
        and (op.op_class != "noise" or op.inputs.low)
        and draw(st.booleans())
    ):
        guard = draw(guards(written))
    size = photonic.n_events(op.name, args)
    return Node(
        f"n{index}",
        op.name,
        args,
        tuple(draw(st.permutations(QUBITS))[:qubits]),
        inputs=inputs,
        produces=tuple(f"e{index}_{k}" for k in range(size if size >= 0 else op.produces.high or 0)),
        guard=guard,
    )


def guards(events: list[str]) -> st.SearchStrategy[Guard]:
    leaf = st.builds(Guard, event=st.sampled_from(events), value=st.integers(0, 1))

    def compound(inner: st.SearchStrategy[Guard]) -> st.SearchStrategy[Guard]:
        conditions = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return st.builds(Guard, type=st.sampled_from(["and", "or"]), conditions=conditions)

    return st.recursive(leaf, compound, max_leaves=5)


@st.composite
def programs(draw: st.DrawFn, ops: list[Op] = MIDDLE, guarded: bool = True, carrier: str = "qubit") -> Graph:
    """A sound program: allocate all, a few ops of any kind, free all."""
    nodes = [Node("first", "core.alloc", {} if carrier == "qubit" else {"carrier": carrier}, QUBITS)]
    written: list[str] = []
    for index in range(draw(st.integers(0, 12))):
        ready = [op for op in ops if written or not op.inputs.low]
        chosen = draw(node(draw(st.sampled_from(ready)), index, written, guarded))
        nodes.append(chosen)
        written += chosen.produces
    nodes.append(Node("last", "core.free", vqs=QUBITS))
    outputs = (Output("c", tuple(written)),) if written and draw(st.booleans()) else None
    return Graph(nodes=tuple(nodes), vqs=QUBITS, events=tuple(written), caps=CAPABILITIES, outputs=outputs)


@given(programs())
@settings(max_examples=100, deadline=None)
def test_sound_programs_verify_clean(program: Graph):
    assert verify(program).findings == ()
    held = frozenset(verify(program).required)
    assert verify(program, held_caps=held | frozenset(CAPABILITIES)).ok


@given(programs(LIGHT, carrier="mode"))
@settings(max_examples=50, deadline=None)
def test_sound_programs_of_light_verify_clean_and_on_qubits_not(program: Graph):
    assert verify(program).findings == ()
    first = msgspec.structs.replace(program.nodes[0], args={})
    wrong = {
        finding.rule for finding in verify(msgspec.structs.replace(program, nodes=(first, *program.nodes[1:]))).errors
    }
    light = any(node.op.startswith("photonic.") for node in program.nodes)
    assert wrong == ({"QVM-T16"} if light else set())


@given(programs())
@settings(max_examples=60, deadline=None)
def test_summaries_fit_their_program(program: Graph):
    found = summarise(program)
    assert found.nodes == len(program.nodes) == sum(found.ops.values())
    assert found.qubits_live_max == found.qubits_declared == len(QUBITS)
    assert 1 <= found.entangling_width <= len(QUBITS)
    assert 0 <= found.max_bond_log2 <= len(QUBITS) // 2
    assert found.depth <= len(program.nodes)
    assert found.non_clifford <= found.unitaries + found.ops.get("core.mangle", 0)
    assert 0.0 <= found.clifford_fraction <= 1.0
    conditional = any(n.guard is not None or n.op == "core.condpauli" for n in program.nodes if n.op != "core.fence")
    if found.feed_forward != "none":
        assert conditional


texts = st.one_of(
    st.sampled_from(["q0", "q1", "e0_0", "n0", "", "core.h", "q 0", "\x00", "ü", "x" * 300]), st.text(max_size=5)
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
names = st.lists(texts, max_size=4).map(tuple)
wild_guards = st.recursive(
    st.builds(Guard, type=st.sampled_from(["eq", "and", "or"]), event=texts, value=st.integers()),
    lambda inner: st.builds(
        Guard, type=st.sampled_from(["eq", "and", "or"]), event=texts, conditions=st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=5,
)
WILD_NODE: dict[str, st.SearchStrategy[Any]] = {
    "id": texts,
    "op": st.one_of(st.sampled_from(sorted(OPS)), texts),
    "args": st.dictionaries(
        st.one_of(texts, st.sampled_from(["theta", "paulis", "n", "profile", "gate", "params", "opts", "table"])),
        anything,
    ),
    "vqs": names,
    "chs": names,
    "inputs": names,
    "produces": names,
    "caps": names,
    "guard": st.one_of(st.none(), wild_guards),
    "metadata": st.dictionaries(texts, anything, max_size=3),
}
WILD_GRAPH: dict[str, st.SearchStrategy[Any]] = {
    "version": texts,
    "vqs": names,
    "chs": names,
    "events": names,
    "caps": names,
    "families": names,
    "shots": st.one_of(st.none(), st.integers()),
    "outputs": st.one_of(
        st.none(),
        st.lists(st.builds(Output, name=texts, bits=st.lists(texts, max_size=2).map(tuple)), max_size=2).map(tuple),
    ),
}


@st.composite
def damaged(draw: st.DrawFn) -> Graph:
    """A sound program after a few changes of any field to any value, or of the order of its nodes."""
    program = draw(programs())
    for _ in range(draw(st.integers(1, 4))):
        nodes = list(program.nodes)
        at = draw(st.integers(0, max(len(nodes) - 1, 0)))
        what = draw(st.sampled_from(["node", "graph", "drop", "repeat", "swap"]))
        if what == "graph":
            field = draw(st.sampled_from(sorted(WILD_GRAPH)))
            program = msgspec.structs.replace(program, **{field: draw(WILD_GRAPH[field])})
            continue
        if not nodes:
            continue
        if what == "node":
            field = draw(st.sampled_from(sorted(WILD_NODE)))
            nodes[at] = msgspec.structs.replace(nodes[at], **{field: draw(WILD_NODE[field])})
        elif what == "drop":
            del nodes[at]
        elif what == "repeat":
            nodes.insert(at, nodes[at])
        else:
            nodes[at], nodes[0] = nodes[0], nodes[at]
        program = msgspec.structs.replace(program, nodes=tuple(nodes))
    return program


@given(damaged(), st.booleans(), st.one_of(st.none(), st.frozensets(st.sampled_from(CAPABILITIES))))
@settings(max_examples=200, deadline=None)
def test_damaged_programs_end_in_findings_with_rule_and_help(program: Graph, strict: bool, held: frozenset[str] | None):
    report = verify(program, strict=strict, held_caps=held)
    ids = {node.id[:256] for node in program.nodes}
    for finding in report.findings:
        assert finding.rule in RULES
        assert finding.message
        assert finding.help
        assert not finding.node or finding.node in ids
    error = report.error()
    assert (error is None) == report.ok
    if error is not None:
        assert error.findings
        msgspec.json.encode(error.to_dict())
    if report.ok:
        summarise(program)


def unitary_of(nodes: tuple[Node, ...]) -> np.ndarray[Any, Any]:
    """The product of the nodes' matrices on ``QUBITS``, first qubit most significant."""
    n = len(QUBITS)
    total = np.eye(2**n, dtype=complex)
    for step in nodes:
        declared = OPS[step.op].matrix
        if declared is None:
            continue
        k = len(step.vqs)
        operands = [QUBITS.index(name) for name in step.vqs]
        small = np.array(declared(step.args), dtype=complex).reshape((2,) * (2 * k))
        tensor = total.reshape((2,) * n + (2**n,))
        tensor = np.tensordot(small, tensor, axes=(tuple(range(k, 2 * k)), operands))
        total = np.moveaxis(tensor, tuple(range(k)), operands).reshape(2**n, 2**n)
    return total


@given(programs([*UNITARY, OPS["core.barrier"]], guarded=False))
@settings(max_examples=80, deadline=None)
def test_gates_and_their_inverses_compose_to_the_identity(program: Graph):
    forward = program.nodes[1:-1]
    backward = inverse_nodes(forward)
    assert np.allclose(unitary_of(backward) @ unitary_of(forward), np.eye(2 ** len(QUBITS)), atol=1e-8)
    both = (program.nodes[0], *forward, *backward, program.nodes[-1])
    assert verify(msgspec.structs.replace(program, nodes=both, events=(), outputs=None)).findings == ()


@given(st.one_of(programs(), damaged()), st.booleans())
@settings(max_examples=100, deadline=None)
def test_plain_nodes_are_judged_as_the_rules_judge_them(program: Graph, strict: bool):
    held = frozenset(CAPABILITIES)
    quick = verify(program, held_caps=held, strict=strict)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WALK, "PLAIN", {})
        patch.setattr(WALK, "READS", frozenset())
        assert verify(program, held_caps=held, strict=strict) == quick
