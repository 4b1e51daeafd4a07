"""Short forms of the errors of atoms: a base, and terms that take the place of its numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.models.atoms import atom_noises
from qmk.models.atoms.profile import profiles
from qmk.models.atoms.short import adjusted_device, atom_noise
from qmk.models.noise import NoiseModel, resolve
from qmk.models.noise.errors import Loss
from qmk.qvm.graph import Graph
from qmk.request.physical import labels, physical
from qmk.request.program import to_graph

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def light() -> Graph:
    return to_graph(ROOT / "examples" / "z2.braket.json")


@pytest.fixture(scope="module")
def gates() -> Graph:
    return to_graph(ROOT / "examples" / "bell.qasm")


def test_terms_take_the_place_of_the_numbers_of_a_preset() -> None:
    base, made = atom_noises()["aquila"], atom_noise("aquila, readout=0.02:0.1,decay_per_us=0,decay_to_0=0.5,empty=0")
    assert made is not None
    assert made.name == "aquila, readout=0.02:0.1,decay_per_us=0,decay_to_0=0.5,empty=0"
    assert (made.p01, made.p10, made.empty, made.missing) == (0.02, 0.1, 0.0, base.missing)
    assert made.evolution == {**base.evolution, "decay_per_us": 0.0, "decay_to_0": 0.5}


def test_terms_alone_are_of_evolutions_where_one_of_them_is() -> None:
    made = atom_noise("readout=0.1,decay_per_us=2")
    assert made is not None
    assert (made.evolution, made.p01, made.p10) == ({"decay_per_us": 2.0}, 0.1, 0.1)
    assert atom_noise("readout=0.1") is None
    assert atom_noise("si1000=1e-3,readout=0.1") is None


def test_the_device_of_an_evolution_is_a_base(light: Graph) -> None:
    graph, notes = physical(light, "device,readout=0.02", "aquila")
    assert notes["noise"] == "aquila,readout=0.02"
    read = [node.args for node in graph.nodes if node.op == "noise.readout"]
    assert read == [{"p01": 0.02, "p10": 0.02}] * 8
    evolution = next(node for node in graph.nodes if node.op == "analog.rydberg")
    assert evolution.args["noise"] == atom_noises()["aquila"].evolution


def test_the_device_of_gates_is_a_base(gates: Graph) -> None:
    plain, _ = physical(gates, "device", "zoned")
    graph, notes = physical(gates, "device,readout=0.02,idle_loss=0,idle_dephasing=0,gate_loss=0.01", "zoned")
    assert notes["noise"] == "of the device,readout=0.02,idle_loss=0,idle_dephasing=0,gate_loss=0.01"
    assert [node.args for node in graph.nodes if node.op == "noise.readout"] == [{"p01": 0.02, "p10": 0.02}] * 2
    assert not any(node.op == "noise.readout" for node in plain.nodes)
    losses = [{node.args["p"] for node in made.nodes if node.op == "noise.loss"} for made in (plain, graph)]
    assert 0.01 in losses[1]
    assert losses[0] & losses[1] == set()  # those of waiting are gone


def test_a_term_takes_the_place_of_errors_of_its_kind() -> None:
    """Of rules for one gate, and of terms before it."""
    model = resolve("depolarizing=1e-2,loss=0.3")
    made = adjusted_device(profiles()["zoned"], ["loss=0.3"], "x").mishaps.model
    assert made is not None
    assert [sum(isinstance(error, Loss) for error in rule.errors) for rule in made.gates] == [1, 1]
    assert [len(rule.errors) for rule in made.gates] == [2, 2]
    assert [len(rule.errors) for rule in model.gates] == [2]


def test_a_file_is_a_base(tmp_path: Path) -> None:
    (tmp_path / "bench.json").write_text(json.dumps({"readout": [{"p01": 0.1, "p10": 0.2}], "reset": []}))
    made = resolve(f"{tmp_path}/bench.json,readout=0.3,reset=0.1")
    assert [(row.p01, row.p10) for row in made.readout] == [(0.3, 0.3)]
    assert len(made.reset) == 1
    assert isinstance(made, NoiseModel)


def test_notes_without_the_program_say_what_is_asked() -> None:
    assert labels("device,empty=0", "aquila") == {"device": "aquila", "noise": "of the device,empty=0"}
    assert labels("aquila,empty=0", None) == {"noise": "aquila,empty=0"}


@pytest.mark.parametrize(
    ("noise", "device", "word"),
    [
        ("aquila,readout=2", None, "from 0 to 1"),
        ("aquila,decay_per_us=-1", None, "from 0"),
        ("aquila,decay_per_us=inf", None, "from 0"),
        ("aquila,decay_per_us=nan", None, "from 0"),
        ("aquila,decay_per_us=x", None, "is not a number"),
        ("aquila,decay_per_us=1:2", None, "2 numbers"),
        ("aquila,readout=0.1:0.2:0.3", None, "readout=P or readout=P:Q"),
        ("aquila,decay_per_us=1e300", None, "to 10000"),
        ("aquila,decay_per_u=1", None, "did you mean decay_per_us=NUMBER"),
        ("aquila,readout=0.1,readout=0.2", None, "twice"),
        ("aquila,", None, "is not a term"),
        ("decay_per_us=1,loss=0.1", None, "is not a term"),
        ("device,readout=0.1", None, "no device"),
        ("device,idle_loss=1", "aquila", "is not a term"),
        ("aqulia", None, "aquila"),
    ],
)
def test_what_is_no_form_of_evolutions_says_why(light: Graph, noise: str, device: str | None, word: str) -> None:
    with pytest.raises(QmkError) as refused:
        physical(light, noise, device)
    assert refused.value.kind.name == "INVALID_PARAMS"
    assert word in f"{refused.value.message} {refused.value.fields.get('help')}"


@pytest.mark.parametrize(
    ("noise", "device", "word"),
    [
        ("device,depolarizing=0.1", "zoned", "terms are readout"),
        ("device,decay_per_us=1", "zoned", "is not a term"),
        ("device,move_loss=1.5", "zoned", "from 0 to 1"),
        ("device,readout=0.1,readout=0.2", "zoned", "twice"),
        ("aquila,readout=0.1", None, "of evolutions"),
        ("device,readout=0.1", None, "no device"),
        ("readout=0.1,si1000=1e-3", None, "name it first"),
        ("loss=0.1,loss=0.2", None, "twice"),
    ],
)
def test_what_is_no_form_of_gates_says_why(gates: Graph, noise: str, device: str | None, word: str) -> None:
    with pytest.raises(QmkError) as refused:
        physical(gates, noise, device)
    assert refused.value.kind.name == "INVALID_PARAMS"
    assert word in f"{refused.value.message} {refused.value.fields.get('help')}"
