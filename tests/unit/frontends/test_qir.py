"""QIR: what is read, as text and bitcode, and what is refused and where."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

import qmk
from qmk import frontends
from qmk.base.errors import QmkError
from qmk.frontends.qir import QIR_RULES, apart

DATA = Path(__file__).parents[2] / "data" / "qir"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pyqir") is None, reason="pyqir is not installed: pip install 'quantum-microkernel[qir]'"
)

Distribution = Callable[..., dict[str, float]]


def program(body: str, more: str = "", qubits: int = 3) -> str:
    """A module whose entry point has this body; it declares the usual functions."""
    return f"""
@label = internal constant [4 x i8] c"out\\00"
{more}
define void @main() #0 {{
entry:
{body}
}}
declare void @__quantum__qis__h__body(ptr)
declare void @__quantum__qis__x__body(ptr)
declare void @__quantum__qis__cx__body(ptr, ptr)
declare void @__quantum__qis__rz__body(double, ptr)
declare void @__quantum__qis__mz__body(ptr, ptr)
declare i1 @__quantum__rt__read_result(ptr)
declare void @__quantum__rt__bool_record_output(i1, ptr)
declare void @__quantum__rt__int_record_output(i64, ptr)
declare void @__quantum__rt__double_record_output(double, ptr)
attributes #0 = {{ "entry_point" "required_num_qubits"="{qubits}" "required_num_results"="3" }}
"""


def refusal(text: str) -> tuple[str, str]:
    """The rule and the message by which a program is refused."""
    with pytest.raises(QmkError) as caught:
        frontends.load(text.encode(), path="p.ll", format="qir")
    (found,) = caught.value.findings
    assert found.rule in QIR_RULES
    assert found.file == "p.ll"
    return found.rule, found.message


@pytest.mark.parametrize("name", ["bell", "choices", "loops", "arrays", "allocated"])
def test_text_and_bitcode_are_recognised_and_are_one_program(name: str) -> None:
    text = (DATA / f"{name}.ll").read_bytes()
    bitcode = apart.to_bitcode(text)
    assert frontends.recognise(text) == frontends.recognise(bitcode) == "qir"
    assert frontends.load(text).graph == frontends.load(bitcode).graph


def test_a_bell_pair(distribution: Distribution) -> None:
    graph = frontends.load((DATA / "bell.ll").read_bytes()).graph
    assert [output.name for output in graph.outputs or ()] == ["pair"]
    assert distribution(graph) == pytest.approx({"00": 0.5, "11": 0.5})
    assert set(qmk.run(DATA / "bell.ll", shots=50, seed=1).counts) == {"00", "11"}


def test_measurements_choose_numbers_angles_and_qubits(distribution: Distribution) -> None:
    from math import cos, sin

    graph = frontends.load((DATA / "choices.ll").read_bytes()).graph
    assert [output.name for output in graph.outputs or ()] == ["count", "even", "last"]
    one = sin(0.55) ** 2
    found = distribution(graph)
    by_count = {count: sum(p for key, p in found.items() if key.startswith(count)) for count in ("00", "01", "10")}
    assert by_count == pytest.approx({"00": (1 - one) / 2, "01": 0.5, "10": one / 2})
    assert all(key[3] == ("0" if key.startswith("01") else "1") for key in found)
    none = {key: p * 2 / (1 - one) for key, p in found.items() if key.startswith("00")}
    assert none == pytest.approx({"00 1 00": cos(0.25) ** 2, "00 1 10": sin(0.25) ** 2})
    two = {key: p * 2 / one for key, p in found.items() if key.startswith("10")}  # X of qubit 2, RX of 3, both swapped
    assert two == pytest.approx({"10 1 01": cos(1.5) ** 2, "10 1 11": sin(1.5) ** 2})


def test_functions_memory_and_loops(distribution: Distribution) -> None:
    from math import sin

    found = distribution(frontends.load((DATA / "loops.ll").read_bytes()).graph)
    chance = [sin(0.4) ** 2, sin(0.45) ** 2] * 2
    wanted: dict[str, float] = {}
    for k in range(16):
        bits = [k >> place & 1 for place in range(4)]
        p = 1.0
        for place, bit in enumerate(bits):
            one = chance[place] if not (place and bits[place - 1]) else 1 - chance[place]
            p *= one if bit else 1 - one
        key = f"{bits[0]}{bits[3]}{bits[0] | bits[1]}"
        wanted[key] = wanted.get(key, 0.0) + p
    assert found == pytest.approx(wanted)


def test_arrays_controls_and_qubits_that_are_used_again(distribution: Distribution) -> None:
    assert distribution((DATA / "arrays.ll").read_text()) == pytest.approx({"000": 0.5, "111": 0.5})


def test_allocation_into_memory_of_the_program(distribution: Distribution) -> None:
    graph = frontends.load((DATA / "allocated.ll").read_bytes()).graph
    assert [(output.name, len(output.bits)) for output in graph.outputs or ()] == [("found", 3), ("result", 1)]
    assert distribution(graph) == pytest.approx({"000 1": 0.5, "110 1": 0.5})


def test_a_loop_that_a_measurement_ends_is_refused_by_its_place() -> None:
    rule, message = refusal((DATA / "until_zero.ll").read_text())
    assert rule == "QIR-05"
    assert "in 'main', block 'again', instruction 3: br" in message


@pytest.mark.parametrize(
    ("body", "more", "rule", "words"),
    [
        ("  call void @f(ptr null)\n  ret void", "declare void @f(ptr)", "QIR-03", "instruction 0: call (f)"),
        ("  call void @f()\n  ret void", "define void @f() {\n  call void @f()\n  ret void\n}", "QIR-07", "itself"),
        ("  br label %l\nl:\n  br label %l", "", "QIR-08", "steps to follow"),
        ("  fence seq_cst\n  ret void", "", "QIR-04", "'fence' is not read"),
        ("  unreachable", "", "QIR-04", "must not reach"),
        ("  %p = alloca i64\n  %v = load i64, ptr %p\n  call void @__quantum__rt__int_record_output(i64 %v, ptr null)\n"
         "  ret void", "", "QIR-06", "nothing defines"),
        ("  %p = alloca [2 x i64]\n  %q = getelementptr i64, ptr %p, i64 2\n  store i64 1, ptr %q\n  ret void", "",
         "QIR-06", "value 2 of an object of 2"),
        ("  call void @__quantum__qis__cx__body(ptr null, ptr null)\n  ret void", "", "QIR-03", "stands twice"),
        ("  call void @__quantum__qis__rz__body(double 0x7FF8000000000000, ptr null)\n  ret void", "", "QIR-03",
         "which are finite floats"),
        ("  call void @__quantum__qis__x__body(ptr inttoptr (i64 999999 to ptr))\n  ret void", "", "QIR-08",
         "exceeds the limit"),
        ("  %a = sdiv i64 1, 0\n  ret void", "", "QIR-04", "divided by 0"),
    ],
)  # fmt: skip
def test_what_is_refused(body: str, more: str, rule: str, words: str) -> None:
    found, message = refusal(program(body, more))
    assert found == rule
    assert words in message
    assert "in 'main'" in message or "in 'f'" in message or "record" in message


def test_gates_of_other_writers() -> None:
    """Phases, and angles that come after the qubits, as mqt-core writes them."""
    first = "  call void @__quantum__qis__rz__body(double 0.5, ptr null)\n"
    last = "  call void @__quantum__qis__rz__body(ptr null, double 0.5)\n"
    more = "  call void @__quantum__qis__u3__body(double 0.1, double 0.2, double 0.3, ptr null)\n"
    more += "  call void @__quantum__qis__r1__body(double 0.4, ptr null)\n  ret void"
    declared = "declare void @__quantum__qis__u3__body(double, double, double, ptr)\n"
    declared += "declare void @__quantum__qis__r1__body(double, ptr)"
    one, other = (frontends.load(program(head + more, declared).encode(), format="qir").graph for head in (first, last))
    assert one.nodes == other.nodes
    assert [node.op for node in one.nodes[1:-1]] == ["core.rz", "core.u", "core.p"]


def test_places_are_counted_in_bytes_where_the_type_is_i8() -> None:
    """So LLVM's passes write them."""
    table = "@t = constant [3 x ptr] [ptr null, ptr inttoptr (i64 1 to ptr), ptr inttoptr (i64 2 to ptr)]"
    body = """  %m = alloca [4 x i32]
  %n = getelementptr inbounds i8, ptr %m, i64 8
  store i32 2, ptr %n
  %o = getelementptr [4 x i32], ptr %m, i64 0, i64 2
  %k = load i32, ptr %o
  %w = zext i32 %k to i64
  %b = mul i64 %w, 8
  %p = getelementptr i8, ptr @t, i64 %b
  %q = load ptr, ptr %p
  call void @__quantum__qis__x__body(ptr %q)
  %r = load ptr, ptr getelementptr inbounds (i8, ptr @t, i64 8)
  call void @__quantum__qis__h__body(ptr %r)
  ret void"""
    graph = frontends.load(program(body, table).encode(), format="qir").graph
    assert [(node.op, node.vqs) for node in graph.nodes[1:-1]] == [("core.x", ("q_2",)), ("core.h", ("q_1",))]
    assert refusal(program(body.replace("i64 8\n  store", "i64 6\n  store"), table))[0] == "QIR-06"


def test_output_in_some_shots_only_is_refused() -> None:
    body = """
  call void @__quantum__qis__h__body(ptr null)
  call void @__quantum__qis__mz__body(ptr null, ptr null)
  %a = call i1 @__quantum__rt__read_result(ptr null)
  br i1 %a, label %yes, label %no
yes:
  call void @__quantum__rt__bool_record_output(i1 %a, ptr @label)
  br label %no
no:
  ret void"""
    assert refusal(program(body))[0] == "QIR-09"


def test_a_float_that_is_known_is_kept_beside_the_bits() -> None:
    body = "  call void @__quantum__rt__double_record_output(double 0.5, ptr @label)\n  ret void"
    assert frontends.load(program(body).encode(), format="qir").graph.metadata["recorded"] == {"out": 0.5}


def test_what_is_not_llvm_is_refused_with_the_line() -> None:
    with pytest.raises(QmkError) as caught:
        frontends.load(b"; QIR\ndefine void @main() {\n  call @h\n}\n", path="p.ll", format="qir")
    (found,) = caught.value.findings
    assert (found.rule, found.line) == ("QIR-01", 3)


def test_attributes_of_compilers_are_no_obstacle() -> None:
    """Files that went through LLVM's passes have attributes of its own, and notes for debuggers."""
    text = (DATA / "bell.ll").read_text()
    attributes = 'attributes #0 = { noinline nounwind memory(none) "frame-pointer"="all" "entry_point"'
    changed = text.replace('attributes #0 = { "entry_point"', attributes).replace(
        "call void @__quantum__qis", "tail call void @__quantum__qis"
    )
    changed = changed.replace("define void @main()", "define dso_local void @main() local_unnamed_addr")
    assert changed.count("tail call") == 4
    assert frontends.load(changed.encode()).graph == frontends.load(text.encode()).graph


def test_entry_points() -> None:
    two = program("  ret void", "define void @other() #0 {\n  ret void\n}")
    assert refusal(two)[0] == "QIR-02"
    assert refusal(program("  ret void").replace("@main()", "@main(i64 %x)"))[0] == "QIR-02"


def test_parameters_are_unknown() -> None:
    with pytest.raises(QmkError, match="theta"):
        frontends.load((DATA / "bell.ll").read_bytes(), params={"theta": 1.0})
