"""Loading by content, emitting by name, and how reading scales."""

from __future__ import annotations

import os

import pytest

from qmk.base.errors import QmkError
from qmk.frontends import emit, frontend, load, recognise
from qmk.frontends.openqasm.recognise import score
from qmk.models import files

BELL2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n'
BELL3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n'


@pytest.mark.parametrize(
    ("text", "format"),
    [
        (BELL2, "qasm2"),
        (BELL3, "qasm3"),
        ("// a comment\n/* another\n */ " + BELL2, "qasm2"),
        (BELL2.replace("OPENQASM 2.0;\n", ""), "qasm2"),
        (BELL3.replace("OPENQASM 3.0;\n", ""), "qasm3"),
        ("OPENQASM 3;\nqreg q[1];", "qasm3"),
        ("OPENQASM 3.1;", "qasm3"),
        ("OPENQASM 4.0;", "qasm3"),
        ("qubit q; U(0, 0, 0) q;", "qasm3"),
        ("\ufeff" + BELL3, "qasm3"),
        ("hello world", None),
        ("", None),
    ],
)
def test_format_is_recognised_by_content(text, format):
    found = recognise(text.encode())
    assert found == format or (format is None and found not in ("qasm2", "qasm3"))


def test_other_formats_are_left_to_others():
    for text in (b'{"version": "0.1"}', b".version 0.1\nalloc: ALLOC_LQ n=1 -> q0", b"QVMB\x01", b"\x00\x01\x02"):
        assert score(text, 2) == score(text, 3) == 0


def test_both_dialects_give_the_same_graph():
    assert load(BELL2.encode()).graph.nodes == load(BELL3.encode()).graph.nodes


def test_format_overrides_recognition():
    with pytest.raises(QmkError, match="QASM3-003"):
        load(BELL2.encode(), format="qasm3")


def test_unknown_formats_are_named():
    with pytest.raises(QmkError, match=r"formats: .*qasm2, qasm3") as caught:
        load(b"anything", format="cobol")
    assert caught.value.kind.name == "UNSUPPORTED"
    with pytest.raises(QmkError, match="not recognised"):
        load(b"hello world", path="hello.txt")


def test_what_cannot_be_written_says_so():
    with pytest.raises(QmkError, match="reads programs but does not write them"):
        emit(load(BELL2.encode()).graph, "pulser")


def test_oversized_sources_are_refused_before_they_are_read(monkeypatch):
    from qmk.base import limits

    monkeypatch.setitem(limits.TABLE, "source_bytes", limits.Limit(10, "bytes", "one source file or program text"))
    with pytest.raises(QmkError) as caught:
        load(BELL2.encode())
    assert caught.value.kind.name == "QUOTA_EXCEEDED"


def test_warnings_come_with_the_graph():
    loaded = load(b"OPENQASM 3.0; qubit q; delay[1us] q;", path="d.qasm")
    (warning,) = loaded.findings
    assert (warning.rule, warning.severity, warning.place()) == ("QASM3-024", "warning", "d.qasm:1:24")


def test_warnings_of_a_loop_are_given_once_and_never_refuse():
    text = b"OPENQASM 3.0; qubit q; for int i in [1:3000] { delay[1us] q; }"
    assert [f.rule for f in load(text).findings] == ["QASM3-024"]


def test_errors_past_the_limit_end_the_reading():
    with pytest.raises(QmkError) as caught:
        load(b"OPENQASM 3.0;\n" + b"nothing q;\n" * 2000, format="qasm3")
    assert len(caught.value.findings) == 1000


def test_front_ends_import_no_framework():
    import subprocess
    import sys

    code = (
        "import sys; from qmk.frontends import load; load(b'OPENQASM 3.0; qubit q;');"
        "heavy = {'qiskit', 'qdk', 'openqasm3', 'numpy', 'stim'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def program(lines: int) -> bytes:
    gates = (
        "h q[{}];",
        "rz(0.1*{}) q[3];",
        "rx(pi/4) q[{}];",
        "cx q[{}],q[9];",
        "measure q[{}] -> c[1];",
        "reset q[{}];",
    )
    body = "\n".join(gates[k % len(gates)].format(k % 9) for k in range(lines))
    return f'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[10];\ncreg c[10];\n{body}\n'.encode()


def test_reading_is_linear_in_the_text(calls):
    """Ten times the statements cost at most eleven times the calls."""

    def cost(lines):
        data = program(lines)
        return calls(lambda: load(data, format="qasm2"))

    assert cost(20_000) < 11 * cost(2_000)


def test_entry_points_name_their_formats():
    for name in ("qasm2", "qasm3"):
        found = frontend(name)
        assert found.format == name
        assert ".qasm" in found.suffixes


@pytest.mark.parametrize("text", ['OPENQASM 3.0;\ninclude "part";\nqubit q;\n', 'OPENQASM 2.0;\ninclude "part";\n',
                                  '.version 1.0\n.include "part"\n'])  # fmt: skip
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_an_include_of_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path, text, make):
    make(tmp_path / "part")
    with pytest.raises(QmkError) as caught:
        load(text.encode(), path=str(tmp_path / "main"))
    assert "include a regular file" in caught.value.findings[0].message


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_an_include_with_a_zero_byte_is_refused(tmp_path, version):
    with pytest.raises(QmkError) as caught:
        load(f'OPENQASM {version};\ninclude "a\0b";\n'.encode(), path=str(tmp_path / "main"))
    assert "holds a zero byte" in caught.value.findings[0].message


@pytest.mark.parametrize(
    "text",
    ["Dear Sir\nM\n", "hello world\n", "x\n", "{}", '{"a": 1}', "foo(bar)", "H\nand then\nR\nso\n", "1 2 3\n", "[1]"],
)
def test_a_text_of_no_format_is_claimed_by_none(text: str) -> None:
    assert recognise(text.encode()) is None


@pytest.mark.parametrize(("name", "found"), [("bel.qasm", "bell.qasm"), ("bell.qsm", "bell.qasm"), ("g.qasm", "")])
def test_a_name_is_near_by_more_than_its_ending(tmp_path, name, found):
    for each in ("bell.qasm", "bell.png", "f.qasm"):
        (tmp_path / each).write_text("")
    assert files.nearest(str(tmp_path / name)) == (found and str(tmp_path / found))
    assert files.nearest(str(tmp_path / "bell.qasm")) == ""
