"""The three front-ends of QVM's own forms: recognition by content, includes within the folder, findings with files."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.frontends import qvm_asm, qvm_binary, qvm_json
from qmk.qvm.graph import Graph, Node, digest
from qmk.sdk.frontend import Source

GOLDEN = Path(__file__).parents[2] / "golden" / "qvm01"
FRONTENDS = {front.FRONTEND.format: front.FRONTEND for front in (qvm_asm, qvm_binary, qvm_json)}
GRAPH = Graph(
    nodes=(Node("a", "core.h", {}, ("q",)), Node("b", "core.mz", {}, ("q",), produces=("m",))),
    vqs=("q",),
    events=("m",),
)
QASM2 = b'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\nh q[0];\n'
OTHERS = [
    QASM2,
    QASM2.partition(b"\n")[2],
    b"// a comment\nOPENQASM 3;\nqubit[2] q;\n",
    b"/* .version 0.1 */\nqubit q;\nh q;\n",
    b"h q[0];\ncx q[0], q[1];\n",
    b"import qiskit\n",
    b"",
    b"; nothing but a comment\n",
    bytes(range(256)),
]


@pytest.mark.parametrize("name", FRONTENDS)
def test_what_it_writes_it_recognises_and_reads(name):
    front = FRONTENDS[name]
    assert front.emit is not None
    data = front.emit(GRAPH)
    assert front.recognise(data) == 100
    assert digest(front.parse(Source(data, "x"))) == digest(GRAPH)
    assert [other.recognise(data) for key, other in FRONTENDS.items() if key != name] == [0, 0]


@pytest.mark.parametrize("data", OTHERS)
def test_other_languages_are_not_claimed(data):
    assert [front.recognise(data) for front in FRONTENDS.values()] == [0, 0, 0]


@pytest.mark.parametrize(
    "path", sorted(GOLDEN.glob("*.asm")) + sorted(GOLDEN.glob("*.qasm")), ids=lambda path: path.name
)
def test_public_assembly_is_recognised_whatever_the_file_is_called(path):
    assert qvm_asm.recognise(path.read_bytes()) == 100
    assert qvm_json.recognise(path.read_bytes()) == 0


@pytest.mark.parametrize(
    "text",
    [
        "a: APPLY_H q0",
        "APPLY_H q0",
        "\ufeff; x\n.caps CAP_ALLOC\n",
        ".macro M(a)\nh: APPLY_H {a}\n.endmacro\nM(q)\n",
        "h_{i}: core.h q",
    ],
)
def test_assembly_without_a_version_is_recognised(text):
    assert qvm_asm.recognise(text.encode()) >= 50


def test_a_json_object_with_a_key_of_ours_may_be_ours():
    assert qvm_json.recognise(b'\xef\xbb\xbf {"program": {"nodes": []}}') == 100
    assert 0 < qvm_json.recognise(b'{"caps": []}') < 100
    assert qvm_json.recognise(b'{"x": 1}') == 0
    assert qvm_json.recognise(b"[]") == 0


@pytest.mark.parametrize("name", ["qvm-json", "qvm-binary"])
def test_parameters_that_nothing_could_use_are_refused(name):
    front = FRONTENDS[name]
    assert front.emit is not None
    with pytest.raises(QmkError) as caught:
        front.parse(Source(front.emit(GRAPH), "x", {"n": 1}))
    assert "'n' is given" in caught.value.message


@pytest.mark.parametrize(("name", "data"), [("qvm-json", b"{"), ("qvm-binary", b"QVMB\1"), ("qvm-asm", b"FROB\xff")])
def test_findings_name_the_file(name, data):
    with pytest.raises(QmkError) as caught:
        FRONTENDS[name].parse(Source(data, "dir/prog"))
    assert {row.file for row in caught.value.findings} == {"dir/prog"}


def test_includes_come_from_the_folder_and_below(tmp_path):
    root = tmp_path / "program"
    (root / "lib").mkdir(parents=True)
    (root / "lib" / "a.asm").write_text("x: APPLY_X q")
    (tmp_path / "secret.asm").write_text("y: APPLY_Y q")
    (root / "link.asm").symlink_to(tmp_path / "secret.asm")
    (root / "latin.asm").write_bytes(b"; \xff")

    def parse(name):
        return qvm_asm.parse(Source(f'.include "{name}"'.encode(), str(root / "main.asm")))

    assert parse("lib/a.asm").nodes[0].id == "x"
    assert parse("lib/../lib/a.asm").nodes[0].id == "x"
    for name in (
        "../secret.asm",
        str(tmp_path / "secret.asm"),
        "link.asm",
        "lib",
        "none.asm",
        "latin.asm",
        "a\\u0000b",
    ):
        with pytest.raises(QmkError) as caught:
            parse(name)
        assert caught.value.findings[0].rule == "ASM-008", name
        assert "APPLY_Y" not in caught.value.message


def test_a_program_without_a_file_includes_nothing():
    with pytest.raises(QmkError) as caught:
        qvm_asm.parse(Source(b'.include "a.asm"'))
    assert "no folder" in caught.value.message
