"""What the verifier answers beyond one rule at a time: many findings, order, bounds, capabilities, firewall, cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qmk.base.limits import LIMITS, TABLE
from qmk.formats import json_codec
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Guard, Node, Output
from qmk.qvm.verify import RULES, Report, verify

GOLDEN = Path(__file__).parents[4] / "tests" / "golden"


def graph(*nodes: Node, **top: Any) -> Graph:
    """Declares what the nodes use, unless told otherwise."""

    def use(slot: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for node in nodes for name in getattr(node, slot)))

    return Graph(
        nodes=nodes,
        vqs=top.pop("vqs", use("vqs")),
        chs=top.pop("chs", use("chs")),
        events=top.pop("events", use("produces")),
        **top,
    )


def rules(report: Report) -> list[str]:
    return [finding.rule for finding in report.findings]


def alloc(*names: str, **args: Any) -> Node:
    return Node(f"alloc_{names[0]}", "core.alloc", args, names)


def measure(name: str) -> Node:
    return Node(f"measure_{name}", "core.mz", vqs=(name,), produces=(f"e_{name}",))


H = Node("h", "core.h", vqs=("a",))
QUBIT_OPS = [op for op in OPS.values() if op.family != "photonic"]


@pytest.mark.parametrize("name", ["every_op", "every_op_01"])
def test_programs_with_every_op_are_clean_and_use_all(name: str):
    program, warnings = json_codec.decode((GOLDEN / "ops" / f"{name}.qvm.json").read_bytes())
    assert warnings == []
    assert verify(program).findings == ()
    used = {node.op for node in program.nodes}
    assert used == {op.name for op in OPS.values() if name == "every_op" or op.legacy}


def test_all_findings_come_in_one_answer_in_program_order():
    program = graph(
        alloc("a"),
        Node("x", "core.rx", vqs=("a",)),
        Node("y", "core.cnot", vqs=("a", "a")),
        Node("z", "core.z", vqs=("a",), guard=Guard(event="nothing")),
        measure("a"),
        version="2.0",
        shots=0,
    )
    report = verify(program)
    assert rules(report) == ["QVM-S01", "QVM-S14", "QVM-T03", "QVM-L05", "QVM-E05"]
    assert [finding.node for finding in report.findings[2:]] == ["x", "y", "z"]
    error = report.error()
    assert error is not None
    assert error.kind.name == "INVALID_GRAPH"
    assert len(error.findings) == 5
    assert msgspec.json.encode(error.to_dict())


def test_findings_are_bounded_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(TABLE, "findings", TABLE["findings"]._replace(value=5))
    monkeypatch.setattr(LIMITS, "findings", 5)
    bad = [Node(f"n{k}", "core.h", vqs=("a",)) for k in range(20)]
    report = verify(graph(*bad, caps=("CAP_NONE",)))
    assert len(report.findings) == 5
    assert report.omitted == 16
    assert {finding.severity for finding in report.findings} == {"error"}
    error = report.error()
    assert error is not None
    assert error.fields["omitted"] == 16


def test_a_program_that_is_too_large_is_not_looked_into(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(TABLE, "nodes", TABLE["nodes"]._replace(value=2))
    monkeypatch.setattr(LIMITS, "nodes", 2)
    assert rules(verify(graph(H, H, H, H))) == ["QVM-B01"]
    (finding,) = verify(graph(H, H, H)).findings
    assert "3 nodes" in finding.message
    assert "at most 2" in finding.message


def test_a_misspelt_alloc_is_one_finding():
    program = graph(Node("n", "core.aloc", vqs=("a",)), H, measure("a"))
    (finding,) = verify(program).findings
    assert finding.rule == "QVM-S05"
    assert "core.alloc" in finding.help


class TestCapabilities:
    LINK = graph(
        alloc("a", "b"),
        Node("o", "channel.open", vqs=("a", "b"), chs=("c",)),
        Node("x", "channel.close", chs=("c",)),
        measure("a"),
        measure("b"),
    )

    def test_without_a_list_the_session_decides(self):
        assert verify(self.LINK).ok
        report = verify(self.LINK, held_caps=frozenset({"CAP_ALLOC", "CAP_MEASURE"}))
        assert set(rules(report)) == {"QVM-C02"}
        assert (report.required, report.missing) == (("CAP_ALLOC", "CAP_LINK", "CAP_MEASURE"), ("CAP_LINK",))
        error = report.error()
        assert error is not None
        assert error.kind.name == "INSUFFICIENT_CAPS"
        assert error.fields["missing"] == ["CAP_LINK"]

    def test_a_list_narrows_even_a_session_that_holds_everything(self):
        report = verify(msgspec.structs.replace(self.LINK, caps=("CAP_ALLOC",)))
        assert set(rules(report)) == {"QVM-C01"}
        assert report.error().kind.name == "INSUFFICIENT_CAPS"  # type: ignore[union-attr]

    def test_declaring_gives_nothing(self):
        program = msgspec.structs.replace(self.LINK, caps=("CAP_ALLOC", "CAP_LINK"))
        assert "QVM-C02" in rules(verify(program, held_caps=frozenset({"CAP_ALLOC", "CAP_MEASURE"})))

    def test_asking_for_more_than_the_session_holds_is_refused_even_when_unused(self):
        program = graph(alloc("a"), measure("a"), caps=("CAP_ALLOC", "CAP_MAGIC"))
        report = verify(program, held_caps=frozenset({"CAP_ALLOC", "CAP_MEASURE"}))
        assert rules(report) == ["QVM-C02"]
        assert report.findings[0].node == ""

    def test_a_nodes_own_list_counts(self):
        node = Node("h", "core.h", vqs=("a",), caps=("CAP_COMPUTE",))
        program = graph(alloc("a"), node, measure("a"), caps=("CAP_ALLOC",))
        assert rules(verify(program)) == ["QVM-C01"]

    def test_anything_else_wrong_makes_it_an_invalid_graph(self):
        program = graph(*self.LINK.nodes, Node("u", "channel.use", chs=("c",)))
        report = verify(program, held_caps=frozenset({"CAP_ALLOC", "CAP_MEASURE"}))
        assert report.error().kind.name == "INVALID_GRAPH"  # type: ignore[union-attr]


class TestFirewall:
    def test_the_sessions_tenant_owns_what_names_nobody(self):
        nodes = (
            alloc("a"),
            alloc("b", tenant_id="bob"),
            Node("c", "core.cz", vqs=("a", "b")),
            measure("a"),
            measure("b"),
        )
        (finding,) = verify(graph(*nodes), tenant="alice").errors
        assert finding.rule == "QVM-F01"
        assert "joins 'a' of tenant 'alice' and 'b' of tenant 'bob'" in finding.message
        assert verify(graph(*nodes), tenant="bob").ok

    def test_a_declared_channel_is_opened(self):
        program = msgspec.structs.replace(graph(alloc("a"), measure("a")), chs=("c",))
        (finding,) = verify(program).errors
        assert finding.rule == "QVM-S08"
        assert "never opened: 'c'" in finding.message

    def test_modes_of_two_tenants_are_never_joined(self):
        """A channel joins qubits, so none can give leave."""
        both = (alloc("a", tenant_id="alice", carrier="mode"), alloc("b", tenant_id="bob", carrier="mode"))
        splitter = Node("n", "photonic.beam_splitter", {"theta": 0.5}, ("a", "b"))
        assert rules(verify(graph(*both, splitter))) == ["QVM-F01"]
        link = Node("o", "channel.open", vqs=("b", "a"), chs=("c",))
        assert rules(verify(graph(*both, link, splitter)))[0] == "QVM-T16"

    @pytest.mark.parametrize("op", [op for op in QUBIT_OPS if op.entangling and op.vqs.low == 2 == op.vqs.high])
    def test_every_entangling_op_is_guarded(self, op: Any):
        args = {param.name: 0.05 for param in op.params}
        produces = tuple(f"m{k}" for k in range(op.produces.low))
        node = Node("n", op.name, args, ("a", "b"), produces=produces)
        both = (alloc("a", tenant_id="alice"), alloc("b", tenant_id="bob"))
        assert rules(verify(graph(*both, node, measure("a"), measure("b")))) == ["QVM-F01"]
        link = Node("o", "channel.open", vqs=("b", "a"), chs=("c",))
        close = Node("x", "channel.close", chs=("c",))
        assert verify(graph(*both, link, node, close, measure("a"), measure("b"))).ok
        assert rules(verify(graph(*both, link, close, node, measure("a"), measure("b")))) == ["QVM-F01"]

    def test_one_qubit_ops_and_reading_events_cross_freely(self):
        feed = Node("f", "core.condpauli", {"paulis": "X"}, ("b",), inputs=("e_a",))
        both = (alloc("a", tenant_id="alice"), alloc("b", tenant_id="bob"))
        assert verify(graph(*both, measure("a"), feed, measure("b"))).ok

    def test_a_channel_dies_with_its_qubit(self):
        """A qubit freed and allocated again for another tenant does not inherit the channel."""
        program = graph(
            alloc("a", "b", tenant_id="alice"),
            Node("o", "channel.open", vqs=("a", "b"), chs=("c",)),
            Node("f", "core.free", vqs=("b",)),
            Node("again", "core.alloc", {"tenant_id": "bob"}, ("b",)),
            Node("x", "core.cnot", vqs=("a", "b")),
            Node("y", "channel.close", chs=("c",)),
            measure("a"),
            measure("b"),
        )
        assert rules(verify(program)) == ["QVM-F01"]

    def test_three_tenants_hang_together_through_channels(self):
        three = [alloc(name, tenant_id=name) for name in "abc"]
        links = [
            Node("o1", "channel.open", vqs=("a", "b"), chs=("c1",)),
            Node("o2", "channel.open", vqs=("b", "c"), chs=("c2",)),
        ]
        gate = Node("t", "core.toffoli", vqs=("a", "b", "c"))
        ends = [Node(f"x{k}", "channel.close", chs=(f"c{k}",)) for k in (1, 2)]
        measured = [measure(name) for name in "abc"]
        assert verify(graph(*three, *links, gate, *ends, *measured)).ok
        assert rules(verify(graph(*three, links[0], gate, ends[0], *measured))) == ["QVM-F01"]


class TestLinearity:
    def test_reuse_of_a_name_after_free(self):
        again = Node("again", "core.alloc", vqs=("a",))
        assert verify(graph(alloc("a"), Node("f", "core.free", vqs=("a",)), again, H, measure("a"))).findings == ()

    def test_a_measured_qubit_stays_alive(self):
        nodes = (alloc("a"), measure("a"), H, Node("f", "core.free", vqs=("a",)))
        assert verify(graph(*nodes)).findings == ()
        assert rules(verify(graph(*nodes), strict=True)) == ["QVM-L12"]

    def test_strict_allows_reset_and_free_of_a_measured_qubit(self):
        reset = Node("r", "core.reset", vqs=("a",))
        free = Node("f", "core.free", vqs=("a",))
        assert verify(graph(alloc("a"), measure("a"), reset, H, free), strict=True).ok
        guarded = msgspec.structs.replace(reset, guard=Guard(event="e_a"))
        assert rules(verify(graph(alloc("a"), measure("a"), guarded, H, free), strict=True)) == ["QVM-L12"]

    def test_strict_makes_a_leak_an_error(self):
        program = graph(alloc("a"), H)
        assert [finding.severity for finding in verify(program).findings] == ["warning"]
        assert [finding.severity for finding in verify(program, strict=True).findings] == ["error"]

    @pytest.mark.parametrize("op", ["core.alloc", "core.free", "channel.use", "policy.set"])
    def test_what_may_not_depend_on_events(self, op: str):
        node = Node("n", op, vqs=("b",) if op.startswith("core") else (), chs=("c",) if "channel" in op else ())
        guarded = msgspec.structs.replace(node, guard=Guard(event="e_a"))
        report = verify(graph(alloc("a", "b"), measure("a"), guarded))
        assert "QVM-L10" in rules(report)

    @pytest.mark.parametrize("op", ["core.fence", "core.barrier"])
    def test_a_guarded_fence_or_barrier_is_fine(self, op: str):
        program = graph(alloc("a"), measure("a"), Node("n", op, guard=Guard(event="e_a", value=0)))
        assert verify(program).ok


class TestEvents:
    def test_a_guarded_write_may_be_read(self):
        program = graph(
            alloc("a", "b"),
            measure("a"),
            Node("m", "core.mz", vqs=("b",), produces=("late",), guard=Guard(event="e_a")),
            Node("x", "core.x", vqs=("a",), guard=Guard(event="late")),
        )
        assert verify(program).findings == ()

    def test_compound_guards(self):
        guard = Guard(type="and", conditions=(Guard(event="e_a"), Guard(type="or", conditions=(Guard(event="e_b"),))))
        program = graph(alloc("a", "b"), measure("a"), measure("b"), Node("x", "core.x", vqs=("a",), guard=guard))
        assert verify(program).findings == ()

    def test_a_two_bit_event_has_four_values(self):
        bell = Node("m", "core.mbell", vqs=("a", "b"), produces=("two",))
        for value, fine in ((0, True), (3, True), (4, False), (-1, False)):
            node = Node("x", "core.x", vqs=("a",), guard=Guard(event="two", value=value))
            assert verify(graph(alloc("a", "b"), bell, node)).ok == fine

    def test_a_node_that_reads_what_it_writes(self):
        node = Node("m", "core.mz", vqs=("a",), produces=("x",), guard=Guard(event="x"))
        (finding,) = verify(graph(alloc("a"), node)).findings
        assert finding.rule == "QVM-E04"
        assert "writes itself" in finding.message

    def test_a_long_ring_is_found_without_recursion(self):
        size = 5000
        nodes = [
            Node(f"n{k}", "core.lut", {"table": 2}, inputs=(f"e{(k + 1) % size}",), produces=(f"e{k}",))
            for k in range(size)
        ]
        report = verify(graph(*nodes))
        assert set(rules(report)) == {"QVM-E04"}
        assert len(report.findings) + report.omitted == size - 1

    def test_a_ring_that_waits_for_another_one_is_a_ring(self):
        reads = {"p": ("q",), "q": ("p",), "t": ("u", "p"), "u": ("t",)}
        nodes = [Node(f"n_{name}", "core.lut", {"table": 2}, inputs=of, produces=(name,)) for name, of in reads.items()]
        report = verify(graph(*nodes))
        assert [(finding.node, finding.rule) for finding in report.errors] == [("n_p", "QVM-E04"), ("n_t", "QVM-E04")]

    def test_early_reads_of_a_chain_are_no_ring(self):
        nodes = [
            Node("n0", "core.lut", {"table": 2}, inputs=("e1",), produces=("e0",)),
            Node("n1", "core.lut", {"table": 2}, inputs=("e2",), produces=("e1",)),
            Node("n2", "core.lut", {"table": 0}, produces=("e2",)),
        ]
        report = verify(graph(*nodes))
        assert rules(report) == ["QVM-E03", "QVM-E03"]
        assert report.findings[0].help == "move this node behind 'n1'"

    def test_outputs_may_hold_constants(self):
        outputs = (Output("c", ("e_a", None)),)
        assert verify(graph(alloc("a"), measure("a"), outputs=outputs)).findings == ()


class TestArguments:
    @pytest.mark.parametrize(
        ("op", "args", "qubits", "rule"),
        [
            ("core.rx", {"theta": 1}, 1, ""),
            ("core.rx", {"theta": float("nan")}, 1, "QVM-T06"),
            ("core.rx", {"theta": float("inf")}, 1, "QVM-T06"),
            ("core.rx", {"theta": 10**400}, 1, "QVM-T06"),
            ("core.rx", {"theta": "pi"}, 1, "QVM-T05"),
            ("core.rx", {"theta": None}, 1, "QVM-T05"),
            ("core.rx", {"theta": [0.5]}, 1, "QVM-T05"),
            ("core.rx", {"angle": 0.5}, 1, "QVM-T03 QVM-T04"),
            ("core.h", {"x": 1}, 1, "QVM-T04"),
            ("core.paulirot", {"paulis": "XY", "theta": 0.1}, 2, ""),
            ("core.paulirot", {"paulis": "II", "theta": 0.1}, 2, ""),
            ("core.paulirot", {"paulis": "xy", "theta": 0.1}, 2, "QVM-T08"),
            ("core.paulirot", {"paulis": "X", "theta": 0.1}, 2, "QVM-T08"),
            ("core.paulirot", {"paulis": "", "theta": 0.1}, 2, "QVM-T08"),
            ("core.mod", {"gate": "rz", "controls": 1, "params": {"theta": 0.1}}, 2, ""),
            ("core.mod", {"gate": "rz", "controls": 1, "params": {}}, 2, "QVM-T03"),
            ("core.mod", {"gate": "rz", "controls": 1}, 2, "QVM-T03"),
            ("core.mod", {"gate": "x", "controls": 1, "state": "2"}, 2, "QVM-T05"),
            ("core.mod", {"gate": "x", "controls": 1, "state": "01"}, 2, "QVM-T09"),
            ("core.mod", {"gate": "x", "controls": -1}, 1, "QVM-T06"),
            ("core.mod", {"gate": "paulirot"}, 1, "QVM-T09"),
            ("core.mod", {"gate": "mz"}, 1, "QVM-T09"),
            ("core.mod", {"gate": "x", "controls": 10**5000}, 2, "QVM-T09"),
            ("core.mod", {"gate": "x", "power": float("nan")}, 1, "QVM-T06"),
            ("core.mod", {"gate": "gphase", "controls": 2, "params": {"gamma": 0.1}}, 2, ""),
        ],
    )
    def test_arguments(self, op: str, args: dict[str, Any], qubits: int, rule: str):
        names = tuple(f"q{k}" for k in range(qubits))
        program = graph(alloc(*names), Node("n", op, args, names), Node("f", "core.free", vqs=names))
        assert " ".join(rules(verify(program))) == rule

    def test_measuring_the_identity_is_refused(self):
        node = Node("m", "core.mpauli", {"paulis": "II"}, ("a", "b"), produces=("e",))
        assert rules(verify(graph(alloc("a", "b"), node))) == ["QVM-T08"]

    @pytest.mark.parametrize(("table", "fine"), [(0, True), (15, True), (16, False), (-1, False), (2**80, False)])
    def test_truth_tables_fit_their_inputs(self, table: int, fine: bool):
        node = Node("l", "core.lut", {"table": table}, inputs=("e_a", "e_b"), produces=("x",))
        assert verify(graph(alloc("a", "b"), measure("a"), measure("b"), node)).ok == fine

    def test_allocs_n(self):
        assert verify(graph(alloc("a", n=1), measure("a"))).findings == ()
        assert rules(verify(graph(alloc("a", n=10**5000), measure("a")))) == ["QVM-T10"]
        assert rules(verify(graph(alloc("a", n=True), measure("a")))) == ["QVM-T05"]

    def test_the_channel_options_of_01_are_looked_into(self):
        link = Node("o", "channel.open", {"opts": {"fidelity": 7, "kind": "x"}}, ("a", "b"), ("c",))
        close = Node("x", "channel.close", chs=("c",))
        found = rules(verify(graph(alloc("a", "b"), link, close, measure("a"), measure("b"))))
        assert found == ["QVM-T06", "QVM-T04"]

    def test_a_rounded_distance_is_noted(self):
        report = verify(graph(alloc("a", profile="logical:SHYPS(d=9)"), measure("a")))
        assert report.findings == ()
        assert report.notes == ("shyps has no member of distance 9; [[961,25,16]] is used",)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("wrong", ["undeclared", "never allocated", "freed"])
def test_each_operand_of_a_gate_of_three_has_to_be_alive(place: int, wrong: str):
    operands = ["a", "b", "c"]
    operands[place] = "x"
    before = [alloc("x"), Node("free_x", "core.free", vqs=("x",))] if wrong == "freed" else []
    nodes = [alloc("a"), alloc("b"), alloc("c"), *before, Node("g", "core.toffoli", vqs=tuple(operands))]
    declared = ("a", "b", "c") if wrong == "undeclared" else ("a", "b", "c", "x")
    report = verify(graph(*nodes, vqs=declared))
    errors = [finding for finding in report.findings if finding.severity == "error"]
    assert {finding.node for finding in errors} == {"g"}
    assert all("'x'" in finding.message for finding in errors)


def test_a_handle_of_another_kind_is_told_by_both_kinds():
    program = graph(alloc("a"), Node("m", "core.mz", vqs=("a",), produces=("e",)), Node("h", "core.h", vqs=("e",)))
    (found,) = [each for each in verify(msgspec.structs.replace(program, vqs=("a",))).findings if each.node == "h"]
    assert "is declared as event, but vqs wants a qubit" in found.message
    program = graph(alloc("a"), Node("m", "core.mz", vqs=("a",), produces=("a",)), events=())
    assert any("is declared as qubit, but produces wants an event" in each.message for each in verify(program).findings)


@pytest.mark.parametrize(("length", "fine"), [(LIMITS.text_chars, True), (LIMITS.text_chars + 1, False)])
def test_a_text_may_be_as_long_as_its_limit(length: int, fine: bool):
    report = verify(graph(alloc("a"), measure("a"), metadata={"note": "x" * length}))
    assert (not report.findings) == fine


def test_long_names_do_not_make_long_messages():
    name = "q" * 10_000_000
    report = verify(graph(Node(name, name, {name: name}, (name,)), vqs=()))
    assert sum(len(finding.message) + len(finding.node) for finding in report.findings) < 2000


def test_deep_values_and_guards_end_in_findings():
    value: Any = 0
    guard = Guard(event="e_a")
    for _ in range(10_000):
        value = [value]
        guard = Guard(type="and", conditions=(guard,))
    program = graph(
        alloc("a"),
        measure("a"),
        Node("x", "core.x", {"deep": value}, ("a",)),
        Node("m", "core.mz", vqs=("a",), produces=("y",), guard=guard),
        Node("z", "core.x", vqs=("a",), guard=Guard(event="y")),
    )
    assert rules(verify(program)) == ["QVM-B11", "QVM-B06"]


def circuit(size: int, kind: str) -> Graph:
    names = [f"q{k}" for k in range(50)]
    nodes = [alloc(*names)]
    for k in range(size):
        a, b = names[k % 50], names[(k + 1) % 50]
        if kind == "gates":
            nodes.append(
                Node(f"n{k}", "core.cnot", vqs=(a, b)) if k % 2 else Node(f"n{k}", "core.rz", {"theta": 0.1}, (a,))
            )
        elif kind == "feedforward":
            nodes.append(Node(f"n{k}", "core.mz", vqs=(a,), produces=(f"e{k}",)))
            nodes.append(Node(f"x{k}", "core.x", vqs=(b,), guard=Guard(event=f"e{k}")))
        elif kind == "tenants":
            nodes.append(Node(f"n{k}", "core.alloc", {"tenant_id": f"t{k}"}, (f"p{k}",)))
            nodes.append(Node(f"o{k}", "channel.open", vqs=(f"p{k}", "q0"), chs=(f"c{k}",)))
            nodes.append(Node(f"g{k}", "core.cnot", vqs=(f"p{k}", "q0")))
        else:
            nodes.append(Node("same", "core.nonsense", {"x": 1}, (a, a), guard=Guard(event="nothing")))
    return graph(*nodes)


@pytest.mark.parametrize("kind", ["gates", "feedforward", "tenants", "nonsense"])
def test_cost_is_linear(kind: str, calls: Callable[[Callable[[], object]], int]):
    """Ten times the nodes cost at most twelve times the calls; sound and unsound programs alike."""
    held = frozenset({"CAP_ALLOC", "CAP_MEASURE"})
    small, large = circuit(300, kind), circuit(3000, kind)
    assert calls(lambda: verify(large, held_caps=held)) <= 12 * calls(lambda: verify(small, held_caps=held))


def test_a_plain_gate_stays_on_the_fast_path(calls: Callable[[Callable[[], object]], int]):
    """About ten calls, most of them in C; the rule groups would take four times as many."""
    held = frozenset({"CAP_ALLOC", "CAP_MEASURE"})
    small, large = circuit(2000, "gates"), circuit(4000, "gates")
    extra = calls(lambda: verify(large, held_caps=held)) - calls(lambda: verify(small, held_caps=held))
    assert extra / 2000 < 12


def test_a_plain_measurement_stays_on_the_fast_path(calls: Callable[[Callable[[], object]], int]):
    def measured(n: int) -> Graph:
        qubits, events = tuple(f"q{k}" for k in range(n)), tuple(f"m{k}" for k in range(n))
        reads = [Node(f"r{k}", "core.mz", vqs=(qubits[k],), produces=(events[k],)) for k in range(n)]
        nodes = (Node("a", "core.alloc", vqs=qubits), *reads, Node("d", "core.free", vqs=qubits))
        return Graph(nodes=nodes, vqs=qubits, events=events)

    small, large = measured(100), measured(300)
    extra = calls(lambda: verify(large)) - calls(lambda: verify(small))
    assert extra / 200 < 12


def test_the_program_in_the_specification_is_clean():
    page = (GOLDEN.parents[1] / "docs" / "spec" / "qvm.md").read_text()
    text = page.partition("```json\n")[2].partition("```")[0]
    program, warnings = json_codec.decode(text.encode())
    assert warnings == []
    assert verify(program).findings == ()


def test_every_rule_id_is_in_the_table_under_its_own_name():
    assert all(rule.id == name for name, rule in RULES.items())
