"""What a client sends to a daemon of a program for logical qubits."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.client.asked import sent
from qmk.models.noise import NoiseModel
from qmk.models.qec.logical import Machine
from qmk.models.qec.logical.footprints import noise_of
from qmk.qvm.graph import Graph, Node

GRAPH = Graph(nodes=(Node("a", "core.alloc", vqs=("q",)),), vqs=("q",))


def test_the_program_goes_as_it_is_with_the_machine_beside_it() -> None:
    wish = sent(GRAPH, None, None, shots=7, noise="p=1e-3", qec="surface(d=5)")
    assert (wish.graph, wish.shots) == (GRAPH, 7)
    assert wish.qec is not None
    assert (wish.qec.machine, wish.qec.noise) == ("surface(d=5),t=distilled", "p=1e-3")


def test_without_a_machine_noise_is_that_of_the_gates() -> None:
    measured = Graph(nodes=(*GRAPH.nodes, Node("h", "core.h", vqs=("q",))), vqs=("q",))
    wish = sent(measured, None, None, noise="depolarizing=1e-3")
    assert wish.qec is None
    assert len(wish.graph.nodes) > len(measured.nodes)


def test_a_model_that_has_no_short_form_goes_as_json(tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    model = NoiseModel(name="ours", erasure=0.25)
    file.write_bytes(model.to_json())
    for noise in (model, str(file)):
        wish = sent(GRAPH, None, None, noise=noise, qec=Machine.parse("surface(d=3),factories=2"))
        assert wish.qec is not None
        assert wish.qec.machine == "surface(d=3),t=distilled,factories=2"
        assert noise_of(wish.qec.noise) == model


def test_a_name_that_reads_as_another_model_is_not_sent_for_it() -> None:
    model = NoiseModel(name="p=1e-3", erasure=0.25)
    wish = sent(GRAPH, None, None, noise=model, qec="surface(d=3)")
    assert wish.qec is not None
    assert noise_of(wish.qec.noise) == model


def test_the_physical_noise_must_be_named() -> None:
    with pytest.raises(QmkError) as caught:
        sent(GRAPH, None, None, qec="surface(d=3)")
    assert caught.value.fields["field"] == "noise"


def test_another_decoder_cannot_be_asked_of_a_daemon() -> None:
    with pytest.raises(QmkError) as caught:
        sent(GRAPH, None, None, noise="p=1e-3", qec=Machine(Machine.parse("surface(d=3)").code, decoder="union_find"))
    assert caught.value.kind.name == "UNSUPPORTED"
