"""Files that mean harm: damaged bitcode, modules that grow or never end. Each is refused, and soon."""

from __future__ import annotations

import importlib.util
import random
import time
from pathlib import Path

import pytest

from qmk import frontends
from qmk.base.errors import QmkError
from qmk.frontends.qir import QIR_RULES, apart

DATA = Path(__file__).parents[2] / "data" / "qir"
CPU_S = 30.0
"""Seconds of this process's time that no refusal may take: it is there to find what never ends."""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pyqir") is None, reason="pyqir is not installed: pip install 'quantum-microkernel[qir]'"
)
HEAD = """
declare void @__quantum__qis__h__body(ptr)
declare void @__quantum__qis__mz__body(ptr, ptr)
declare i1 @__quantum__rt__read_result(ptr)
declare void @__quantum__rt__int_record_output(i64, ptr)
attributes #0 = { "entry_point" "required_num_qubits"="1" }
"""


def refusal(data: bytes | str) -> str:
    """The rule by which a program is refused, within a time."""
    start = time.process_time()
    with pytest.raises(QmkError) as caught:
        frontends.load(data.encode() if isinstance(data, str) else data, format="qir")
    assert time.process_time() - start < CPU_S
    rule = caught.value.findings[0].rule
    assert rule in QIR_RULES
    return rule


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_bitcode_that_is_cut_off(share: float) -> None:
    data = apart.to_bitcode((DATA / "loops.ll").read_bytes())
    assert refusal(data[: int(len(data) * share)]) == "QIR-01"


@pytest.mark.parametrize("seed", range(30))
def test_bitcode_that_is_damaged_is_read_or_refused(seed: int) -> None:
    """LLVM ends its process at some of these: that process is a child."""
    rng = random.Random(seed)
    data = bytearray(apart.to_bitcode((DATA / "choices.ll").read_bytes()))
    for _ in range(rng.choice([1, 4, 16])):
        data[rng.randrange(4, len(data))] = rng.randrange(256)
    rules: list[str] = []
    try:
        frontends.load(bytes(data), format="qir")
    except QmkError as error:
        rules = [finding.rule for finding in error.findings]
    assert set(rules) <= set(QIR_RULES)


def test_a_child_that_is_killed_is_a_refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What LLVM does at some damaged files, done on purpose."""
    child = tmp_path / "child.py"
    child.write_text("import os\nos.abort()\n")
    monkeypatch.setattr(apart, "CHILD", child)
    with pytest.raises(QmkError, match=r"broke off \(SIGABRT\): the file is damaged"):
        frontends.load((DATA / "bell.ll").read_bytes())


def test_time_and_memory_of_the_child_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = "  call void @__quantum__qis__h__body(ptr null)\n" * 400_000
    text = f"define void @main() #0 {{\n{calls}  ret void\n}}{HEAD}".encode()
    monkeypatch.setattr(apart, "MEMORY_BYTES", 100 << 20)
    with pytest.raises(QmkError, match="takes more than 100 MiB of memory"):
        frontends.load(text, format="qir")
    monkeypatch.setattr(apart, "MEMORY_BYTES", 4 << 30)
    monkeypatch.setattr(apart, "CPU_S", 1)
    with pytest.raises(QmkError, match="was stopped after 1 s"):
        frontends.load(text, format="qir")


def test_a_module_of_too_many_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "MOST_INSTRUCTIONS", 1000)
    calls = "  call void @__quantum__qis__h__body(ptr null)\n" * 1000
    assert refusal(f"define void @main() #0 {{\n{calls}  ret void\n}}{HEAD}") == "QIR-08"
    wide = "@a = global [1000000 x i64] zeroinitializer\n"
    assert refusal(f"{wide}define void @main() #0 {{\n  ret void\n}}{HEAD}") == "QIR-08"


def test_text_that_nests_deep() -> None:
    for text in ("@a = global " + "[1 x " * 200_000 + "i8", "@a = global i64 " + "add (i64 0, i64 " * 100_000):
        assert refusal(text) == "QIR-01"


def test_calls_in_a_circle() -> None:
    ring = "".join(f"define void @f{k}() {{\n  call void @f{(k + 1) % 5}()\n  ret void\n}}\n" for k in range(5))
    assert refusal(f"define void @main() #0 {{\n  call void @f0()\n  ret void\n}}\n{ring}{HEAD}") == "QIR-07"


def test_calls_that_double() -> None:
    tower = "".join(
        f"define void @f{k}() {{\n  call void @f{k + 1}()\n  call void @f{k + 1}()\n  ret void\n}}\n" for k in range(50)
    )
    last = "define void @f50() {\n  ret void\n}\n"
    assert refusal(f"define void @main() #0 {{\n  call void @f0()\n  ret void\n}}\n{tower}{last}{HEAD}") == "QIR-08"


def test_loops_that_nest_deep() -> None:
    heads = "".join(f"h{k}:\n  br label %h{k + 1}\n" for k in range(300))
    tails = "".join(f"t{k}:\n  br i1 undef, label %h{k}, label %t{k - 1}\n" for k in range(299, 0, -1))
    text = (
        f"define void @main() #0 {{\n  br label %h0\n{heads}h300:\n  br label %t299\n{tails}t0:\n  ret void\n}}{HEAD}"
    )
    assert refusal(text) == "QIR-08"


MEASURED = """  call void @__quantum__qis__h__body(ptr null)
  call void @__quantum__qis__mz__body(ptr null, ptr null)
  %a{k} = call i1 @__quantum__rt__read_result(ptr null)
"""


def test_numbers_that_measurements_decide_wholly() -> None:
    """A product of two numbers of 60 measured bits, again and again."""
    body = ""
    for k in range(60):
        body += MEASURED.format(k=k) + f"  %z{k} = zext i1 %a{k} to i64\n  %s{k} = shl i64 %z{k}, {k}\n"
        body += f"  %o{k} = or i64 %s{k}, {f'%o{k - 1}' if k else '0'}\n"
    body += "".join(f"  %p{k} = mul i64 %{f'p{k - 1}' if k else 'o59'}, %o59\n" for k in range(200))
    text = f"define void @main() #0 {{\n{body}  call void @__quantum__rt__int_record_output(i64 %p199, ptr null)\n"
    assert refusal(f"{text}  ret void\n}}{HEAD}") == "QIR-08"


def test_a_switch_whose_ways_all_meet() -> None:
    body = ""
    for k in range(14):
        body += MEASURED.format(k=k) + f"  %z{k} = zext i1 %a{k} to i64\n  %s{k} = shl i64 %z{k}, {k}\n"
        body += f"  %o{k} = or i64 %s{k}, {f'%o{k - 1}' if k else '0'}\n"
    ways = " ".join(f"i64 {k}, label %end" for k in range(16_000))
    text = f"define void @main() #0 {{\n{body}  switch i64 %o13, label %end [ {ways} ]\nend:\n  ret void\n}}{HEAD}"
    assert refusal(text) == "QIR-08"


def test_memory_without_end() -> None:
    loop = "  br label %l\nl:\n  %p = alloca [1000000 x i64]\n  br label %l"
    assert refusal(f"define void @main() #0 {{\n{loop}\n}}{HEAD}") == "QIR-08"
    huge = "  %p = alloca [100000000 x [100000000 x i64]]\n  ret void"
    assert refusal(f"define void @main() #0 {{\n{huge}\n}}{HEAD}") == "QIR-06"


def test_qubits_without_end() -> None:
    text = """define void @main() #0 {
  br label %l
l:
  %q = call ptr @__quantum__rt__qubit_allocate()
  br label %l
}
declare ptr @__quantum__rt__qubit_allocate()
"""
    assert refusal(text + HEAD) == "QIR-08"
    assert refusal(text + HEAD.replace('"1"', '"999999999"')) == "QIR-08"
