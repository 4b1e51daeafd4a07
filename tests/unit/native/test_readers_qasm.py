"""The native reader of flat OpenQASM against the semantic front end: the same ops on public, random and broken
programs, or declined."""

from __future__ import annotations

from pathlib import Path
from random import Random

import msgspec
import pytest
import qmk_native
from qmk_native import Declined, read_qasm, read_qasm_graph

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.formats.warnings import warnings_of
from qmk.frontends import Loaded, load
from qmk.frontends.openqasm import builder
from qmk.frontends.openqasm.defined import definitions
from qmk.frontends.openqasm.interpreter import interpret
from qmk.frontends.openqasm.recognise import score
from qmk.ir import lower, synthesis
from qmk.ir.native_circuit import GATES, program_of
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.graph import unpack
from qmk.sdk.frontend import Source
from tests.unit.native.conftest import same
from tests.unit.native.qasm_programs import mutated, program

NOT_FLAT = {"oq3_adder": "subroutines and loops", "oq3_qec": "a subroutine"}
GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "circuits").glob("*.qasm"))


def dialect_of(text: str) -> int:
    return 2 if score(text.encode(), 2) > score(text.encode(), 3) else 3


def interpreted(text: str, params=None) -> Loaded:
    """A text as the interpreter reads it, with the warnings, whatever the native core would read."""
    graph = interpret(Source(text.encode(), "", params), dialect_of(text))
    return Loaded(graph, "", tuple(warnings_of(graph)))


def require_same_graph(text: str, params=None) -> None:
    """The native graph of ``text`` is the interpreter's, or it is declined."""
    try:
        mine = unpack(read_qasm_graph(text, dialect_of(text), params))
    except Declined:
        return
    assert mine == interpreted(text, params).graph, text


@pytest.fixture
def reference(everything_kept):
    """A text as the interpreter and ``ir.lower`` give it, everything unobservable kept."""
    return lambda text: lower.lower(interpreted(text).graph, GATES)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.stem)
def test_a_public_circuit_has_the_front_ends_ops(path, reference):
    text = path.read_text()
    if path.stem in NOT_FLAT:
        with pytest.raises(Declined, match="not read here"):
            read_qasm(text)
        return
    assert same(program_of(read_qasm(text)), reference(text))
    require_same_graph(text)


@pytest.mark.parametrize("short", sorted(set(definitions()) & set(FIXED_SIZE)))
def test_a_definition_that_we_write_is_read_as_its_gate(short, reference):
    op = FIXED_SIZE[short]
    angles = ", ".join(str(0.3 + 0.1 * k) for k in range(len(op.params)))
    qubits = ", ".join(f"q[{k}]" for k in range(op.vqs.low))
    text = (
        f'OPENQASM 3.0;\ninclude "stdgates.inc";\n{definitions()[short]}\nqubit[{op.vqs.low}] q;\n'
        f"{short}{f'({angles})' if angles else ''} {qubits};\n"
    )
    assert same(program_of(read_qasm(text)), reference(text))


@pytest.mark.parametrize("first", range(0, 1200, 100))
def test_random_flat_programs_have_the_front_ends_ops_and_wrong_ones_are_declined(first, reference):
    read = 0
    for seed in range(first, first + 100):
        text = program(seed, flat=True)
        try:
            want = reference(text)
        except QmkError:
            with pytest.raises(Declined):
                read_qasm(text)
            continue
        try:
            mine = read_qasm(text)
        except Declined:
            continue
        assert same(program_of(mine), want), text
        assert not interpreted(text).findings, text
        require_same_graph(text)
        read += 1
    assert read > 60


@pytest.mark.parametrize("first", range(0, 600, 100))
def test_random_programs_of_the_whole_language_are_never_read_as_something_else(first, reference):
    for seed in range(first, first + 100):
        text = program(seed)
        try:
            mine = read_qasm(text)
        except Declined:
            continue
        assert same(program_of(mine), reference(text)), text
        assert not interpreted(text).findings, text
        require_same_graph(text)


@pytest.mark.parametrize("first", range(0, 2000, 250))
def test_broken_programs_are_never_read_as_something_else(first, reference):
    others = [path.read_text() for path in GOLDEN if path.stat().st_size < 4000]
    for seed in range(first, first + 250):
        dice = Random(seed)
        text = mutated(dice.choice(others) if seed % 3 else program(seed, flat=True), dice, others)
        try:
            mine = read_qasm(text)
        except Declined:
            continue
        assert same(program_of(mine), reference(text)), text
        require_same_graph(text)


DOUBLING = "".join(f"gate g{k + 1} a {{ g{k} a; g{k} a; }}" for k in range(40))
HEAD_2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncreg c[3];\n'
HEAD_3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\nbit[3] c;\n'


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (HEAD_2 + "h q[3];", 5, "outside"),
        (HEAD_2 + "h q[0]", 5, "grammar"),
        (HEAD_2 + "cx q[0], q[0];", 5, "twice"),
        (HEAD_2 + "hadamard q[0];", 5, "not defined"),
        (HEAD_2 + "opaque magic a;\nmagic q[0];", 5, "not read here"),
        (HEAD_2 + "rx(1/0) q[0];", 5, "finite"),
        (HEAD_2 + 'include "mine.inc";', 5, "include"),
        (HEAD_2 + "/* open", 5, "never closed"),
        ("OPENQASM 4;\n", 1, "version"),
        ("h q[0];", 1, "neither"),
        (HEAD_3 + "while (measure q[0]) { x q[0]; }", 5, "not read here"),
        (HEAD_3 + "array[int[8], 2] a;", 5, "not read here"),
        (HEAD_3 + "angle[4] a = pi;", 5, "not read here"),
        (HEAD_3 + "input float theta;", 5, "without a value"),
        (HEAD_3 + "delay[10ns] q;", 5, "not read here"),
        (HEAD_3 + "pragma quiet", 5, "not read here"),
        (HEAD_3 + "gate g a { measure a; }", 5, ""),
    ],
)
def test_what_is_declined_says_where_and_why(text, line, why):
    with pytest.raises(Declined) as declined:
        read_qasm(text)
    place, reason = declined.value.args
    assert place.startswith(f"line {line}, column ")
    assert why in reason


def test_bytes_read_like_text_and_a_mark_of_their_order_is_skipped():
    text = HEAD_2 + "h q; measure q -> c;"
    assert read_qasm(text) == read_qasm(text.encode()) == read_qasm(b"\xef\xbb\xbf" + text.encode())
    with pytest.raises(Declined, match="UTF-8"):
        read_qasm(text.encode() + b"\xff")
    with pytest.raises(TypeError):
        read_qasm(7)  # pyright: ignore[reportArgumentType]


def test_what_the_front_end_warns_of_is_declined():
    for tail in ("if (int[2](c[0:1]) == 3) x q[0];", "rx(1/2) q[0];", "c = measure q; if (c == 9) x q[0];"):
        text = HEAD_3 + tail
        assert interpreted(text).findings == load(text.encode()).findings != ()
        with pytest.raises(Declined):
            read_qasm(text)


def test_the_bounds_are_those_of_the_front_end():
    own = {
        "MAX_CONTROLS": synthesis.MAX_CONTROLS,
        "MAX_CONDITIONS": builder.MAX_CONDITIONS,
    }
    for name, value in qmk_native.LIMITS.items():
        assert value == (own[name] if name in own else getattr(LIMITS, name)), name


@pytest.mark.parametrize(
    "text",
    [
        HEAD_3 + "qubit[100000] r;",
        HEAD_3 + "bit[1000001] d;",
        HEAD_3 + "for int i in [0:2000000] { x q[0]; }",
        HEAD_3 + "for int i in [0:1000] { for int j in [0:1000] { x q[0]; } }",
        HEAD_3 + "x q[0]; " * 1_000_001,
        HEAD_3 + "gate g0 a { x a; }" + DOUBLING + "g40 q[0];",
        HEAD_3 + "pow(999999999) @ cu(1,2,3,4) q[0], q[1];" + "gate g a { h a; x a; } pow(9007199254740992) @ g q[0];",
        HEAD_3 + "ctrl(99999) @ x q;",
        HEAD_3 + "{" * 70 + "}" * 70,
        HEAD_3 + "rx(" + "(" * 70_000 + "1" + ")" * 70_000 + ") q[0];",
        HEAD_3 + "rx(" + "-" * 70_000 + "1) q[0];",
        HEAD_3 + "rx(" + "+1" * 3000 + ") q[0];",
        HEAD_3 + "def f() { f(); } f();",
        HEAD_3 + "bit[1000000] d; bit[1000000] e; bit[1000000] f; bit[1000000] g;" * 2,
        HEAD_3 + "bit[1000000] d; for int i in [0:900000] { d = ~d; }",
        HEAD_3 + "int x = 1; for int i in [0:900000] { x = " + "+".join(["x"] * 1900) + "; }",
        HEAD_3 + "if (c[0]) " * 80 + "x q[0];",
        HEAD_3 + "h " + "a" * 300 + ";",
        HEAD_3 + "bit " + "a" * 300 + ";",
    ],
    ids=lambda text: text[60:100],
)  # fmt: skip
def test_what_exceeds_a_bound_is_declined(text):
    with pytest.raises(Declined):
        read_qasm(text)


def test_measurements_on_the_way_and_their_guards_read_as_one_program(reference):
    text = HEAD_3 + (
        "c[0] = measure q[0]; if (!c[0]) { h q[0]; } else { reset q; z q[2]; }"
        "c[2] = measure q[0]; c[0] = measure q[1]; if (c == 5) x q[1]; if (c == 2) y q[1]; measure q[2];"
    )
    assert same(program_of(read_qasm(text)), reference(text))


@pytest.mark.parametrize(
    "tail",
    [
        "for int i in [1:4] { c[0] = measure q[0]; if (c[0]) break; h q[0]; }",
        "c[0] = measure q[0]; if (c[0]) c[1] = measure q[1];",
        "c[0] = measure q[0]; c[1] = measure q[1]; if (c == 3) x q[2]; else z q[2];",
        "c[0] = measure q[0]; if (c[0]) { if (c[0]) x q[1]; }",
        "ctrl @ x q[0], q[1];",
        "c[0] = c[1];",
        "let part = q[0:1];",
        "rx(2**2) q[0];",
    ],
)
def test_what_is_not_flat_is_left_to_the_front_end(tail):
    assert load((HEAD_3 + tail).encode()).graph.nodes
    with pytest.raises(Declined):
        read_qasm(HEAD_3 + tail)


INPUTS = """OPENQASM 3.0;
include "stdgates.inc";
input float a;
input angle b;
input float[64] c;
qubit[2] q;
rz(2 * a - c) q[0];
rx(b) q[0];
rx(b + 1 * a) q[1];
gate turned(t) q { rx(-t / 2 + sin(3 * t)) q; }
turned(a - c) q[1];
"""


@pytest.mark.parametrize("values", [{"a": 0.25, "b": 1.5, "c": -3}, {"a": 0.75, "b": 7.0, "c": 1e-3}])
def test_inputs_are_read_as_the_front_end_reads_them(values, everything_kept):
    graph = interpreted(INPUTS, values).graph
    assert same(program_of(read_qasm(INPUTS, inputs=values)), lower.lower(graph, GATES))
    assert unpack(read_qasm_graph(INPUTS, 3, values)) == graph == load(INPUTS.encode(), params=values).graph


@pytest.mark.parametrize("values", [None, {"a": 1.0}, {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}, {"a": float("nan")}])
def test_inputs_that_do_not_fit_are_declined(values):
    with pytest.raises(Declined):
        read_qasm(INPUTS, inputs=values)


@pytest.mark.parametrize("line", ["input int n;", "input bit n;", "input array[float, 2] n;", "input float n = 1;"])
def test_inputs_of_other_types_are_declined(line):
    with pytest.raises(Declined):
        read_qasm(f"OPENQASM 3.0;\n{line}\nqubit q;", inputs={"n": 1.0})


def test_an_input_is_not_assigned_and_not_seen_inside_gates():
    for line in ("a = 2;", "gate g q { rx(a) q; } g q;"):
        with pytest.raises(Declined):
            read_qasm(f'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float a;\nqubit q;\n{line}', inputs={"a": 1.0})


NAMED = """
qubit q_0; qubit[2] p; bit b; bit[2] m;
gate pair(t) x, y { h x; cx x, y; barrier x, y, x; gphase(t); rz(t / 2) y; sx x; inv @ sx y; }
pair(0.5) p[0], q_0; barrier; barrier p, q, p; gphase(0.25); U(0.1, 0.2, 0.3) q_0; cu(1, 2, 3, 4) q[0], q[1];
measure q[1]; b = measure q_0; b = measure q_0; m = measure p; m = measure p;
if (b) { reset p; barrier p; gphase(0.5); } else x q;
if (m == 2) cx q[0], p; if (m == 1) z q[1]; if (!m[0]) y q[2]; measure q;
"""


@pytest.mark.parametrize("tail", [NAMED, "", "bit d; qubit d_0; d = measure q[0]; c[0] = measure q[1]; qubit c_0;"])
def test_graphs_have_the_names_of_handles_and_events_that_the_front_end_gives(tail):
    text = HEAD_3 + tail
    mine = unpack(read_qasm_graph(text, 3))
    assert mine == interpreted(text).graph == load(text.encode()).graph
    assert msgspec.json.encode(mine) == msgspec.json.encode(interpreted(text).graph)


@pytest.mark.parametrize("head", [HEAD_2, 'OPENQASM 3.1; include "qelib1.inc"; qreg q[3]; creg c[3];'])
def test_controlled_gates_are_the_front_ends_nodes(head):
    calls = "csx q[0],q[1]; cu3(1,2,3) q[0],q[1]; rccx q[0],q[1],q[2]; u2(1,2) q; u0(1) q[0]; cu(1,2,3,0) q[0],q[1];"
    text = (
        head
        + calls
        + "cx q, q;".replace("q, q", "q[0], q[2]")
        + "ccx q[0],q[1],q[2]; qreg r[5]; c4x r[0],r[1],r[2],r[3],r[4];"
    )
    assert unpack(read_qasm_graph(text, dialect_of(text))) == interpreted(text).graph


def test_a_graph_is_read_for_the_dialect_that_is_asked_for():
    with pytest.raises(Declined, match="other version"):
        read_qasm_graph(HEAD_2, 3)
    with pytest.raises(Declined, match="other version"):
        read_qasm_graph(HEAD_3, 2)
    with pytest.raises(QmkError):
        load(HEAD_2.encode(), format="qasm3")


def test_definitions_of_gates_that_graphs_have_are_read_as_the_front_end_reads_them():
    for short, definition in definitions().items():
        op = FIXED_SIZE.get(short)
        if op is not None:
            angles = f"({', '.join(['0.5'] * len(op.params))})" if op.params else ""
            call = f"{short}{angles} {', '.join(f'q[{k}]' for k in range(op.vqs.low))};"
            require_same_graph(HEAD_3 + definition + call)


def test_names_beyond_ascii_are_left_to_the_front_end():
    for text in ("qubit β; h β;", "bit γ; γ = measure q[0];"):
        with pytest.raises(Declined, match="ASCII"):
            read_qasm_graph(HEAD_3 + text, 3)
        assert load((HEAD_3 + text).encode()).graph.nodes
