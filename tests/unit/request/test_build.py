"""What a client sends to a daemon of a program for logical qubits."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qmk.base.errors import QmkError
from qmk.models.noise import NoiseModel
from qmk.models.noise.calibration import Calibration, Point
from qmk.models.qec.logical import Machine
from qmk.models.qec.logical.footprints import noise_of
from qmk.qvm.graph import Graph, Node
from qmk.request.build import Request, build_remote
from qmk.request.logical import Drift
from qmk.request.options import RunOptions

GRAPH = Graph(nodes=(Node("a", "core.alloc", vqs=("q",)),), vqs=("q",))


def sent(graph: Graph, **options: Any) -> Request:
    return build_remote(graph, RunOptions(**options))


def test_the_program_goes_as_it_is_with_the_machine_beside_it() -> None:
    wish = sent(GRAPH, shots=7, noise="p=1e-3", qec="surface(d=5)")
    assert (wish.graph, wish.shots) == (GRAPH, 7)
    assert wish.qec is not None
    assert (wish.qec.machine, wish.qec.noise) == ("surface(d=5),t=distilled", "p=1e-3")


def test_without_a_machine_noise_is_that_of_the_gates() -> None:
    measured = Graph(nodes=(*GRAPH.nodes, Node("h", "core.h", vqs=("q",))), vqs=("q",))
    wish = sent(measured, noise="depolarizing=1e-3")
    assert wish.qec is None
    assert len(wish.graph.nodes) > len(measured.nodes)


def test_a_model_that_has_no_short_form_goes_as_json(tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    model = NoiseModel(name="ours", erasure=0.25)
    file.write_bytes(model.to_json())
    for noise in (model, str(file)):
        wish = sent(GRAPH, noise=noise, qec=Machine.parse("surface(d=3),factories=2"))
        assert wish.qec is not None
        assert wish.qec.machine == "surface(d=3),t=distilled,factories=2"
        assert noise_of(wish.qec.noise) == model


def test_a_name_that_reads_as_another_model_is_not_sent_for_it() -> None:
    model = NoiseModel(name="p=1e-3", erasure=0.25)
    wish = sent(GRAPH, noise=model, qec="surface(d=3)")
    assert wish.qec is not None
    assert noise_of(wish.qec.noise) == model


def test_the_physical_noise_must_be_named() -> None:
    with pytest.raises(QmkError) as caught:
        sent(GRAPH, qec="surface(d=3)")
    assert caught.value.fields["field"] == "noise"


def test_another_decoder_cannot_be_asked_of_a_daemon() -> None:
    with pytest.raises(QmkError) as caught:
        sent(GRAPH, noise="p=1e-3", qec=Machine(Machine.parse("surface(d=3)").code, decoder="union_find"))
    assert caught.value.kind.name == "UNSUPPORTED"


CALIBRATION = Calibration(name="lab", points=(Point(time_s=0.0, circuit=1e-3), Point(time_s=60.0, circuit=2e-3)))


@pytest.mark.parametrize("as_file", [True, False])
def test_noise_that_drifts_goes_as_text_with_its_target(tmp_path: Path, as_file: bool) -> None:
    file = tmp_path / "lab.json"
    file.write_bytes(msgspec.json.encode(CALIBRATION))
    wish = sent(GRAPH, noise=Drift(file if as_file else CALIBRATION, 1e-5, 77.5), qec="surface(d=3)")
    assert wish.qec is not None
    assert (wish.qec.target, wish.qec.began) == (1e-5, 77.5)
    assert Calibration.from_json(wish.qec.noise) == CALIBRATION


def test_a_calibration_begins_now_unless_it_says_when() -> None:
    before = time.time()
    wish = sent(GRAPH, noise=Drift(CALIBRATION, 1e-5), qec="surface(d=3)")
    assert wish.qec is not None
    assert wish.qec.began is not None
    assert before <= wish.qec.began <= time.time()


@pytest.mark.parametrize(("qec", "target", "field"), [(None, 1e-5, "qec"), ("surface(d=3)", 0.0, "target")])
def test_noise_that_drifts_needs_a_machine_and_a_target(qec: str | None, target: float, field: str) -> None:
    with pytest.raises(QmkError) as caught:
        sent(GRAPH, noise=Drift(CALIBRATION, target), qec=qec)
    assert caught.value.fields["field"] == field
    assert caught.value.fields["help"]
