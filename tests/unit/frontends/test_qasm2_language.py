"""OpenQASM 2 beyond its gates: registers, broadcasting, conditions, includes, order of the counts."""

from __future__ import annotations

import pytest
from qiskit import qasm2
from qiskit.quantum_info import Statevector

from qmk.base.errors import QmkError
from qmk.frontends import load

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'


def fixed(key):
    return pytest.approx({key: 1.0})


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("qreg q[3]; creg c[3]; x q[0]; measure q -> c;", "001"),
        ("qreg q[3]; creg c[3]; x q; measure q[1] -> c[2];", "100"),
        ("qreg a[1]; qreg b[2]; creg c[1]; creg d[2]; x a; x b[1]; measure b -> d; measure a -> c;", "10 1"),
        ("qreg a[2]; qreg b[2]; creg c[2]; x a; cx a,b; measure b -> c;", "11"),
        ("qreg a[1]; qreg b[3]; creg c[3]; x a; cx a[0],b; measure b -> c;", "111"),
        ("qreg q[2]; creg c[2]; x q[0]; barrier q; barrier q[0],q[1]; reset q[0]; x q[1]; measure q->c;", "10"),
        ("qreg q[2]; creg c[2]; x q[0]; measure q[0] -> c[0]; if (c==1) x q[1]; measure q[1] -> c[1];", "11"),
        ("qreg q[2]; creg c[2]; if (c==0) x q[1]; measure q -> c;", "10"),
        ("qreg q[2]; creg c[2]; x q[0]; measure q -> c; if (c==1) reset q[0]; if (c==1) measure q[0] -> c[0];", "00"),
        (
            "qreg q[2]; creg c[1]; creg d[1]; x q[0]; measure q[0]->c[0]; if(c==1) measure q[0]->d[0]; if(d==1) x q[1];"
            " measure q[1] -> c[0];",
            "1 1",
        ),
        (
            "qreg q[1]; creg c[2]; x q[0]; measure q[0] -> c[0]; measure q[0] -> c[1]; "
            "if(c==3) x q[0]; measure q[0] -> c[0];",
            "10",
        ),
        (
            "gate g a,b { x a; cx a,b; } gate h2(t) a,b { g a,b; rx(t) b; } qreg q[2]; creg c[2]; "
            "h2(pi) q[0],q[1]; measure q->c;",
            "01",
        ),
        ("gate nop a { } qreg q[1]; creg c[1]; nop q; U(pi,0,pi) q[0]; measure q->c;", "1"),
        ("opaque magic(a) p,q; qreg q[1]; creg c[1]; measure q->c;", "0"),
        ("qreg q[2]; creg c[2];", "00"),
        ("qreg q[1];", ""),
    ],
)
def test_programs(text, key, distribution):
    assert distribution(HEAD + text) == fixed(key)


def test_event_names_follow_the_register(read):
    graph = read(HEAD + "qreg q[1]; creg c[2]; measure q[0] -> c[0]; measure q[0] -> c[0];")
    assert graph.events == ("c_0", "c_0__1")
    assert graph.outputs[0].bits == (None, "c_0__1")


def test_colliding_names_stay_apart(read):
    graph = read(
        HEAD
        + "qreg q[2]; qreg q_1[1]; qreg q_[1]; creg c[1]; creg c_0[1]; measure q_1[0] -> c_0[0]; measure q[1] -> c[0];"
    )
    assert len(set(graph.vqs)) == 4
    assert not set(graph.vqs) & set(graph.events)


@pytest.mark.parametrize(
    "name", ["box", "delay", "input", "angle", "ctrl", "pow", "inv", "int", "gphase", "def", "switch", "in"]
)
def test_words_of_openqasm_3_are_plain_names_here(name, read):
    read(HEAD + f"gate {name} a {{ x a; }} qreg q[1]; {name} q[0];")


def test_includes_are_relative_and_stay_in_the_folder(tmp_path):
    inside = tmp_path / "lib"
    inside.mkdir()
    (inside / "mine.inc").write_text('include "deep.inc";\ngate flip a { both a; }\n')
    (inside / "deep.inc").write_text("gate both a { x a; }\n")
    (tmp_path / "secret.inc").write_text("gate leaked a { }\n")
    main = inside / "main.qasm"

    def read(text):
        main.write_text(text)
        return load(main.read_bytes(), path=str(main)).graph

    graph = read(HEAD + 'include "mine.inc";\nqreg q[1]; flip q[0];')
    assert [n.op for n in graph.nodes] == ["core.alloc", "core.x", "core.free"]
    for name, part in [("../secret.inc", "outside"), ("none.inc", "no such file"), ("main.qasm", "includes itself")]:
        with pytest.raises(QmkError) as caught:
            read(HEAD + f'include "{name}";')
        (found,) = caught.value.findings
        assert found.rule == "QASM2-004"
        assert part in found.message
        assert found.line == 3


def test_findings_in_an_include_name_its_file_and_line(tmp_path):
    (tmp_path / "bad.inc").write_text("gate ok a { x a; }\n\ngate bad a { y b; }\n")
    main = tmp_path / "main.qasm"
    main.write_text(HEAD + 'include "bad.inc";\nqreg q[1]; z q[3];')
    with pytest.raises(QmkError) as caught:
        load(main.read_bytes(), path=str(main))
    places = [(f.file.rsplit("/", 1)[-1], f.line, f.column) for f in caught.value.findings]
    assert places == [("bad.inc", 3, 16), ("main.qasm", 4, 16)]


def test_programs_without_a_file_cannot_include(findings):
    (found,) = findings(HEAD + 'include "/etc/passwd";')
    assert found.rule == "QASM2-004"


@pytest.mark.parametrize("seed", range(12))
def test_random_programs_have_qiskits_distribution(seed, distribution):
    import random

    dice = random.Random(seed)
    lines = ["qreg a[2]; qreg b[2]; creg c[2]; creg d[2];"]
    wires = ["a[0]", "a[1]", "b[0]", "b[1]"]
    for _ in range(25):
        name, params, count = dice.choice(
            [
                ("h", 0, 1),
                ("t", 0, 1),
                ("sx", 0, 1),
                ("u3", 3, 1),
                ("u2", 2, 1),
                ("rz", 1, 1),
                ("cx", 0, 2),
                ("cu1", 1, 2),
                ("cu3", 3, 2),
                ("rxx", 1, 2),
                ("ccx", 0, 3),
                ("cswap", 0, 3),
                ("rccx", 0, 3),
                ("c3x", 0, 4),
                ("c3sqrtx", 0, 4),
                ("cu", 4, 2),
            ]
        )
        shown = (
            "(" + ",".join(dice.choice(["pi/3", "0.7", "-2*pi/5", "1.1e0"]) for _ in range(params)) + ")"
            if params
            else ""
        )
        lines.append(f"{name}{shown} {','.join(dice.sample(wires, count))};")
    body = HEAD + "\n".join(lines)
    circuit = qasm2.loads(body, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    state = Statevector(circuit).probabilities_dict()
    want = {f"{key[:2]} {key[2:]}": chance for key, chance in state.items() if chance > 1e-9}
    assert distribution(body + "\nmeasure a -> c; measure b -> d;") == pytest.approx(want, abs=1e-9)
