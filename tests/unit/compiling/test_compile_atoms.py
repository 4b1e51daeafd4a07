"""``qmk.compile`` for devices of neutral atoms: the same distribution, moves that keep every rule, and the report."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.models import atoms
from qmk.models.atoms.on_device import check_program
from qmk.models.atoms.timeline import check_timeline
from qmk.qvm.graph import Node

ARCHITECTURE = Path(__file__).parents[3] / "benchmarks" / "zoned_architecture.json"
TELEPORT = "examples/teleport.qasm"
FOUR = """
OPENQASM 2.0; include "qelib1.inc";
qreg q[4]; creg c[4];
h q[0]; cx q[0],q[1]; t q[1]; cx q[1],q[2]; ry(0.7) q[2]; cx q[2],q[3]; cx q[0],q[3]; h q[1]; cz q[1],q[3]; h q[3];
measure q -> c;
"""


@pytest.mark.parametrize("target", ["zoned", "zoned:lower", str(ARCHITECTURE)])
def test_a_program_means_the_same_and_keeps_every_rule(target: str) -> None:
    made = qmk.compile(FOUR, target)
    path, _, configuration = target.partition(":")
    device = atoms.load(path) if path.endswith(".json") else atoms.profile(path)
    assert not check_timeline(made.program, device)
    assert not check_program(made.program, device, configuration)
    before, after = (qmk.probabilities(program).values for program in (FOUR, made.program))
    assert before == pytest.approx(after, abs=1e-9)
    assert qmk.compile(TELEPORT, target).report["after"]["time_us"] > 0, "with feed-forward"


def test_the_report_says_what_planning_gained() -> None:
    report = qmk.compile("examples/ghz.qasm", atoms.load(ARCHITECTURE)).report
    before, after = report["before"], report["after"]
    assert after["time_us"] < before["time_us"]
    assert after["moves"] < before["moves"]
    assert after["predicted_error"] == 1 - after["predicted_fidelity"]
    assert after["two_qubit_gates"] == 15
    home = qmk.compile("examples/ghz.qasm", atoms.load(ARCHITECTURE), level=0).report["after"]
    assert home["moves"] == before["moves"], "at level 0 atoms go home"


def test_a_device_that_is_called_wrongly_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QmkError, match="its own gates"):
        qmk.compile(TELEPORT, "zoned", gates=("cz", "u"))
    with pytest.raises(QmkError, match="nope"):
        qmk.compile(TELEPORT, "zoned:nope")
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"entanglement_zones": []}))
    with pytest.raises(QmkError, match=r"wrong\.json"):
        qmk.compile(TELEPORT, str(wrong))
    small = json.loads(ARCHITECTURE.read_bytes())
    small["storage_zones"][0]["slms"][0] |= {"r": 1, "c": 2}
    tiny = tmp_path / "tiny.json"
    tiny.write_text(json.dumps(small))
    with pytest.raises(QmkError) as refused:
        qmk.compile(TELEPORT, str(tiny))
    assert {row.rule for row in refused.value.findings} == {"ATOM-28"}


def test_a_last_gate_that_takes_no_time_finds_its_atoms_where_they_were_moved() -> None:
    zoned = atoms.profile("zoned")
    instant = msgspec.structs.replace(
        zoned, gates=tuple(msgspec.structs.replace(gate, duration=0.0) for gate in zoned.gates)
    )
    text = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0]; cz q[0],q[1];'
    made = qmk.compile(text, instant).program
    let_go = msgspec.structs.replace(made, nodes=(*made.nodes, Node("free", "core.free", vqs=("q0", "q1"))))
    assert not check_timeline(let_go, instant)
    late = [{**row, "start_us": row["start_us"] / 2} for row in made.metadata["atoms"]["timeline"]]
    moved = {**made.metadata["atoms"], "timeline": late}
    broken = msgspec.structs.replace(let_go, metadata={"atoms": moved})
    assert {row.rule for row in check_timeline(broken, instant)} >= {"ATOM-48"}, "a gate while its atoms move"
