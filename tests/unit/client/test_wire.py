"""A text that a client sends again is read and written once; whatever else its graph may follow from is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk.client import wire
from qmk.client.wire import WireGraphs
from qmk.formats import json_codec
from qmk.qvm.graph import Graph
from qmk.request.options import RunOptions

TEXT = 'OPENQASM 3.0; include "stdgates.inc"; input float t; qubit q; bit c; rx(t) q; c = measure q;'
BELL = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q -> c;'


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Programs that were read."""
    programs: list[object] = []

    def build_remote(program: Any, options: RunOptions) -> object:
        programs.append(program)
        return original(program, options)

    original = wire.build_remote
    monkeypatch.setattr(wire, "build_remote", build_remote)
    return programs


def test_a_text_is_read_once_whatever_its_seed_and_shots(read: list[object]):
    graphs = WireGraphs()
    first = graphs.write(BELL, RunOptions(shots=5, seed=1))
    again = graphs.write(BELL.encode(), RunOptions(shots=7, seed=2))
    assert (first.shots, again.shots, first.graph is again.graph) == (5, 7, True)
    assert read == [BELL]


def test_other_parameters_are_another_program(read: list[object]):
    graphs = WireGraphs()
    made = [graphs.write(TEXT, RunOptions(params={"t": t})).graph for t in (0.5, 0.25, 0.5)]
    assert made[0] is made[2]
    assert bytes(made[0]) != bytes(made[1])
    assert len(read) == 2


def test_files_graphs_and_noise_are_looked_at_each_time(read: list[object], tmp_path: Path):
    graphs = WireGraphs()
    file = tmp_path / "bell.qasm"
    file.write_text(BELL)
    graph = json_codec.decode(bytes(graphs.write(BELL, RunOptions()).graph))[0]
    for program, options in ((file, RunOptions()), (graph, RunOptions()), (BELL, RunOptions(noise="depolarizing=0.1"))):
        graphs.write(program, options)
        graphs.write(program, options)
    assert len(read) == 1 + 2 * 3
    file.write_text(BELL.replace("h q[0]; ", ""))
    changed = json_codec.decode(bytes(graphs.write(file, RunOptions()).graph))[0]
    assert isinstance(graph, Graph)
    assert len(changed.nodes) == len(graph.nodes) - 1


def test_what_is_kept_has_a_bound(read: list[object], monkeypatch: pytest.MonkeyPatch):
    graphs = WireGraphs()
    texts = [BELL + f"// {number}" for number in range(3)]
    each = len(texts[0]) + len(graphs.write(texts[0], RunOptions()).graph)
    monkeypatch.setattr(wire, "KEPT_BYTES", 2 * each)
    for text in (*texts, texts[2], texts[0]):
        graphs.write(text, RunOptions())
    assert read == [*texts, texts[0]]


def test_a_circuit_is_sent_as_its_graph(read: list[object]):
    theta = qmk.Parameter("t")
    circuit = qmk.Circuit({"q": None}, {"c": None}).rx(theta, 0).measure_all()
    graphs = WireGraphs()
    sent = graphs.write(circuit, RunOptions(params={theta: 0.5})).graph
    text = graphs.write(TEXT, RunOptions(params={"t": 0.5})).graph
    assert json_codec.decode(bytes(sent))[0].nodes == json_codec.decode(bytes(text))[0].nodes
    assert read == [circuit, TEXT]
