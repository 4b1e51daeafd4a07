"""Models of open systems as JSON, as methods of a program, and as arguments that nobody has looked at."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.formats import binary, json_codec
from qmk.frontends import load, recognise, write
from qmk.frontends.dynamics import FRONTEND
from qmk.models.dynamics import checks
from qmk.qvm.families import dynamics
from qmk.qvm.graph import digest
from qmk.qvm.verify import verify
from qmk.request.program import inputs_of
from qmk.router.features import features
from qmk.sdk.kit import frontend_kit

FLIP: dict[str, Any] = {
    "format": "qmk.dynamics",
    "version": 1,
    "parameters": {"detuning": 0.0},
    "levels": [3, 2],
    "hamiltonian": [
        {"factor": "detuning / 2", "of": [{"op": "sz", "on": 1}]},
        {"factor": 0.5, "of": [{"op": "sx", "on": 1}]},
    ],
    "initial": [{"on": 0, "level": 2}],
    "times": {"stop": "pi", "count": 5},
    "observables": {"down": [{"of": [{"op": "|1><1|", "on": 1}]}]},
}


def text(**changes: Any) -> bytes:
    return json.dumps({**FLIP, **changes}).encode()


def test_a_document_is_one_evolution_and_its_levels_are_read() -> None:
    found = load(text())
    assert (found.format, found.findings) == ("dynamics", ())
    assert recognise(text(format=FLIP["format"])) == "dynamics"
    evolve = next(node for node in found.graph.nodes if node.op == "dynamics.evolve")
    assert evolve.args["times"] == pytest.approx([k * math.pi / 4 for k in range(5)])
    assert len(evolve.vqs) == 3
    assert not verify(found.graph).errors
    result = qmk.run(text().decode(), shots=20, seed=1)
    assert result.counts == {"10 1": 20}
    assert result.trajectory["down"] == pytest.approx(np.sin(result.trajectory.times / 2) ** 2, abs=1e-6)
    only = qmk.run(text(measure=[1]).decode(), shots=20, seed=1)
    assert only.counts == {"1": 20}
    assert [row.name for row in only.registers] == ["s1"]


def test_parameters_are_inputs() -> None:
    found = inputs_of(text().decode())
    assert found is not None
    assert dict(found.shapes) == {"detuning": ()}
    assert not found.only_angles
    turned = qmk.run(text().decode(), params={"detuning": 1.0}, shots=20, seed=1).trajectory["down"][-1]
    assert turned == pytest.approx(math.sin(math.pi / math.sqrt(2)) ** 2 / 2, abs=1e-6)


def test_the_command_line_runs_a_document(tmp_path: Path) -> None:
    path = tmp_path / "flip.dynamics.json"
    path.write_bytes(text())
    command = [sys.executable, "-m", "qmk", "run", str(path), "--shots", "10", "--seed", "1"]
    ran = subprocess.run([*command, "--param", "detuning=0.5", "--json"], capture_output=True, text=True, check=True)
    point = json.loads(ran.stdout)["values"]["points"][0]
    assert len(point["times"]) == len(point["trajectory"]["down"]) == 5
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "<down> over time, 5 values from t = 0 to 3.14159; last 1" in shown.stdout


def test_a_graph_with_an_evolution_goes_through_every_form() -> None:
    graph = load(text()).graph
    for back in (
        binary.decode(binary.encode(graph)),
        json_codec.decode(json_codec.encode(graph))[0],
        load(write(graph, "asm")).graph,
    ):
        assert digest(back) == digest(graph)
    assert features(graph).noise == {"subsystems"}
    assert features(graph).winding > 0


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "strange key": ({"hamiltonain": []}, "DYN-01"),
    "version": ({"version": 2}, "DYN-02"),
    "parameters": ({"parameters": {"a": "b"}}, "DYN-03"),
    "name without a value": ({"parameters": {}}, "DYN-03"),
    "call": ({"hamiltonian": [{"factor": "__import__('os')"}]}, "DYN-03"),
    "text for an object": ({"hamiltonian": "1"}, "DYN-04"),
    "times": ({"times": {"stop": 1, "count": 1}}, "DYN-04"),
    "times fall": ({"times": [1.0, 0.0]}, "DYN-04"),
    "measure": ({"measure": [2]}, "DYN-04"),
    "levels": ({"levels": [1, 2]}, "DYN-04"),
    "subsystem": ({"initial": [{"on": 7, "level": 0}]}, "DYN-04"),
    "level": ({"initial": [{"on": 0, "level": 3}]}, "DYN-04"),
    "two states": ({"initial": [{"on": 0, "level": 1}, {"on": [0, 1], "vector": [[0, 1, 0]]}]}, "DYN-04"),
    "no state": ({"initial": [{"on": 0}]}, "DYN-04"),
    "state of two": ({"initial": [{"on": [0, 1], "level": 1}]}, "DYN-04"),
    "trace": ({"initial": [{"on": 0, "density": [[0, 0, 2, 0]]}]}, "DYN-04"),
    "operator": ({"hamiltonian": [{"of": [{"op": "sx", "on": 0}]}]}, "DYN-04"),
    "projector": ({"hamiltonian": [{"of": [{"op": "|0><3|", "on": 0}]}]}, "DYN-04"),
    "op and entries": ({"hamiltonian": [{"of": [{"op": "n", "on": 0, "entries": [[0, 0, 1, 0]]}]}]}, "DYN-04"),
    "entries": ({"hamiltonian": [{"of": [{"on": [0, 1], "entries": [[6, 0, 1, 0]]}]}]}, "DYN-04"),
    "named twice": ({"hamiltonian": [{"of": [{"on": [1, 1], "entries": [[0, 0, 1, 0]]}]}]}, "DYN-04"),
    "two envelopes": ({"hamiltonian": [{"time": {"omega": 1, "sigma": 1}}]}, "DYN-04"),
    "unequal samples": ({"hamiltonian": [{"time": {"times": [0, 4], "values": [1]}}]}, "DYN-04"),
    "samples fall": ({"hamiltonian": [{"time": {"times": [0, 0], "values": [1, 1]}}]}, "DYN-04"),
    "few samples": ({"hamiltonian": [{"time": {"times": [0, 4], "values": [1, 1], "order": 3}}]}, "DYN-04"),
    "time of an observable": ({"observables": {"a": [{"time": {"omega": 1}}]}}, "DYN-04"),
    "negative rate": ({"collapse": [{"rate": -1, "operator": []}]}, "DYN-04"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_with_its_rule_and_a_way_out(name: str) -> None:
    change, rule = WRONG[name]
    with pytest.raises(QmkError) as refused:
        load(text(**change))
    assert refused.value.kind.name == "INVALID_GRAPH"
    assert [(row.rule, bool(row.message and row.help)) for row in refused.value.findings] == [(rule, True)]


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"format": "qmk.dynamics"}', b"\xff{}", b'{"levels": NaN}'])
def test_text_that_is_not_a_document_is_refused(data: bytes) -> None:
    with pytest.raises(QmkError) as refused:
        load(data, format="dynamics")
    assert refused.value.kind.name == "INVALID_GRAPH"


def test_a_caller_sets_what_the_document_declares() -> None:
    with pytest.raises(QmkError, match="there are detuning"):
        qmk.run(text().decode(), params={"detunign": 1.0})


HOSTILE: tuple[Any, ...] = (
    None, True, -1, 10**400, math.nan, math.inf, 1j, "1", "", [], {}, [[]], [1], [1, 2], [1.5, 2.5], [1, 2, 3],
    [None], [{}], {"on": 0}, [{"on": 0}], [[0, 0, 1, 0]], [[0, 0, math.nan, 0]], [{"of": 1}], [{"of": [{"on": -1}]}],
    [{"of": [{"on": []}]}], {1: 2}, [{"factor": [1]}], [{"factor": [1, 2]}], [{"factor": [1.5, math.inf]}],
    [{"time": {"sigma": 0}}], [{"time": []}], [10**9] * 3,
    [{"on": 2**60, "level": 1}], [{"rate": 1}], [{"rate": math.nan, "operator": []}],
    {"a": [{"of": [{"on": 0, "op": None}]}]},
)  # fmt: skip


@pytest.mark.parametrize("key", ["levels", "hamiltonian", "times", "collapse", "initial", "observables"])
def test_no_value_of_an_argument_comes_through_or_crashes(key: str) -> None:
    args = {"levels": [3, 2], "hamiltonian": [], "times": [0.0, 1.0]}
    for value in HOSTILE:
        changed = {**args, key: value}
        why = dynamics.fault(changed, 3)
        if not why:
            dynamics.is_open(changed)
            assert isinstance(checks.fault(changed), str)
    assert dynamics.fault(args, 4) == "its levels take 3 qubits, not 4"


def test_a_program_has_it_as_a_method() -> None:
    sx = np.array([[0, 1], [1, 0]], dtype=complex)
    entries = [(i, j, sx[i, j].real, sx[i, j].imag) for i in range(2) for j in range(2) if sx[i, j]]
    made = qmk.Program(1, 1).evolve(
        0,
        levels=[2],
        hamiltonian=[{"factor": 0.5 + 0j, "of": [{"on": 0, "entries": entries}]}],
        times=np.array([0, np.pi]),
    )
    assert qmk.run(made.measure_all(), shots=10, seed=1).counts == {"1": 10}
    with pytest.raises(QmkError, match="its times do not rise"):
        qmk.Program(1, 1).evolve(0, levels=[2], hamiltonian=[], times=[1.0, 0.0])
    with pytest.raises(QmkError, match="lists and objects"):
        qmk.Program(1, 1).evolve(0, levels=[2], hamiltonian=[object()], times=[0.0, 1.0])


SAMPLES = frontend_kit.Samples(
    valid={"a flip": (text(), None), "two levels alone": (text(levels=[2, 2], initial=[]), None)},
    invalid={"no levels": (b'{"format": "qmk.dynamics"}', 0), "a number": (b"1", 0)},
    foreign=[b'{"program": {"nodes": []}}', b'{"register": [], "program": {}}', b"OPENQASM 3;"],
)


@pytest.mark.parametrize("check", frontend_kit.checks(FRONTEND, SAMPLES), ids=lambda check: check.name)
def test_the_conformance_kit(check: frontend_kit.Check) -> None:
    if not check.skipped:
        assert check.run() == ""
