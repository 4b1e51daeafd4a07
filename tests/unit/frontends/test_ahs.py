"""Front-end ``ahs``: what it pins (units, C6, phase sign, bit order), and every rule with a program that breaks it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmk import frontends
from qmk.base.errors import QmkError
from qmk.formats import binary, json_codec
from qmk.formats.asm import assemble, disassemble
from qmk.frontends.ahs import AHS_RULES, FRONTEND
from qmk.qvm.graph import Graph, digest
from qmk.qvm.verify import verify

DATA = Path(__file__).resolve().parents[2] / "data" / "atoms"
Document = dict[str, Any]


def document(name: str = "vacancies_6sites") -> Document:
    return json.loads((DATA / f"{name}.braket.json").read_text())


def read(given: Document | bytes, **params: Any) -> Graph:
    data = given if isinstance(given, bytes) else json.dumps(given).encode()
    return frontends.load(data, path="p.json", params=params or None).graph


def evolution(graph: Graph) -> dict[str, Any]:
    return next(node.args for node in graph.nodes if node.op == "analog.rydberg")


@pytest.mark.parametrize("path", sorted(DATA.glob("*.braket.json")), ids=lambda path: path.name)
def test_every_public_program_is_recognised_and_sound(path: Path) -> None:
    loaded = frontends.load(path.read_bytes(), path=str(path))
    assert loaded.format == "ahs"
    assert verify(loaded.graph).ok


def test_other_json_is_left_to_others() -> None:
    assert FRONTEND.recognise(b'{"version": "1.0", "program": {"nodes": []}}') == 0
    assert FRONTEND.recognise(b"OPENQASM 3;") == 0


def test_units_are_shifted_as_decimals() -> None:
    """6.1e-06 m is 6.1 um to the last bit, which 6.1e-06 * 1e6 is not."""
    made = evolution(read(document("z2_sweep_N8")))
    assert made["positions"][1] == [6.1, 0.0]
    assert made["duration"] == 4.0
    assert made["c6"] == 5_420_000.0
    drive = made["drives"][0]
    assert drive["amplitude"] == {"times": [0.0, 0.3, 3.7, 4.0], "values": [0.0, 15.0, 15.0, 0.0]}
    assert drive["detuning"]["values"] == [-30.0, -30.0, 40.0, 40.0]
    numbers = document("z2_sweep_N8")
    numbers["setup"]["ahs_register"]["sites"][1] = [6.1e-06, 0]
    assert evolution(read(numbers)) == made


def test_the_phase_keeps_its_sign_or_is_turned() -> None:
    phases = [
        evolution(read(document("phase_jump_1atom"), **given))["drives"][0]["phase"]["values"]
        for given in ({}, {"phase_sign": -1}, {"phase_sign": 1})
    ]
    assert phases == [[0.0, 1.2, 1.2], [0.0, 1.2, 1.2], [0.0, -1.2, -1.2]]
    assert read(document("phase_jump_1atom"), phase_sign=1).metadata["atoms"]["phase_sign"] == 1


def test_sequences_stand_site_by_site_and_vacant_sites_are_0() -> None:
    graph = read(document())
    assert graph.vqs == ("a0", "a1", "a3", "a5")
    assert graph.outputs is not None
    assert [row.name for row in graph.outputs] == ["pre", "post"]
    assert graph.outputs[1].bits == ("post0", "post1", None, "post3", None, "post5")
    assert graph.metadata["atoms"]["filling"] == [1, 1, 0, 1, 0, 1]


def test_c6_is_what_is_asked_for() -> None:
    assert evolution(read(document(), c6=865_723.02))["c6"] == 865_723.02


def local(magnitude: str, pattern: Any) -> Document:
    made = document()
    series = {"times": ["0", "5e-07", "1e-06"], "values": ["0", magnitude, "0"]}
    made["hamiltonian"]["localDetuning"] = [{"magnitude": {"time_series": series, "pattern": pattern}}]
    return made


def test_a_local_detuning_reaches_the_atoms_that_are_there() -> None:
    made = evolution(read(local("50000000", ["0.5", "1", "0.25", "0", "0", "0.75"])))
    assert made["drives"][1] == {
        "detuning": {"times": [0.0, 0.5, 1.0], "values": [0.0, 50.0, 0.0]},
        "pattern": [0.5, 1.0, 0.0, 0.75],
    }
    assert evolution(read(local("50000000", "uniform")))["drives"][1]["pattern"] == [1.0] * 4


def test_patterns_of_a_drive_that_differ_make_two() -> None:
    given = document()
    given["hamiltonian"]["drivingFields"][0]["amplitude"]["pattern"] = ["1", "0.5", "1", "1", "1", "1"]
    first, second = evolution(read(given))["drives"]
    assert first["pattern"] == [1.0, 0.5, 1.0, 1.0]
    assert set(first) == {"amplitude", "phase", "pattern"}
    assert set(second) == {"detuning"}


def test_the_graph_survives_every_form() -> None:
    for name in ("vacancies_6sites", "phase_jump_1atom"):
        graph = read(document(name))
        again = json_codec.decode(json_codec.encode(graph))[0]
        assert digest(again) == digest(graph)
        assert binary.decode(binary.encode(graph)) == graph
        assert digest(assemble(disassemble(graph))) == digest(graph)


# -- what it refuses -------------------------------------------------------------------------------------------------


def series(made: Document) -> Document:
    return made["hamiltonian"]["drivingFields"][0]["amplitude"]["time_series"]


def change(*path: Any) -> Callable[[Document], None]:
    """Sets what lies at the path to its last item."""

    def apply(made: Document) -> None:
        here: Any = made
        for key in path[:-2]:
            here = here[key]
        here[path[-2]] = path[-1]

    return apply


AMPLITUDE = ("hamiltonian", "drivingFields", 0, "amplitude")
BREAKING: list[tuple[str, Callable[[Document], None]]] = [
    ("AHS-01", change("hamiltonian", "surprise", 1)),
    ("AHS-01", change(*AMPLITUDE, "time_series", "values", ["0", "much", "1", "0"])),
    ("AHS-01", change("setup", 3)),
    ("AHS-02", change("braketSchemaHeader", "version", "2")),
    ("AHS-03", change(*AMPLITUDE, "time_series", "values", 1, "1e999999")),
    ("AHS-03", change(*AMPLITUDE, "time_series", "values", 1, "NaN")),
    ("AHS-03", change("setup", "ahs_register", "sites", 1, ["6000", "0"])),
    ("AHS-04", change(*AMPLITUDE, "time_series", "times", ["0", "1e-06"])),
    ("AHS-04", change(*AMPLITUDE, "time_series", "times", ["0", "9e-07", "1e-07", "1e-06"])),
    ("AHS-04", change(*AMPLITUDE, "time_series", "times", ["0", "1e-07", "9e-07", "2e-06"])),
    ("AHS-04", change("hamiltonian", "drivingFields", [])),
    ("AHS-05", change(*AMPLITUDE, "pattern", ["1", "1"])),
    ("AHS-05", change(*AMPLITUDE, "pattern", "everywhere")),
    ("AHS-05", change("hamiltonian", "drivingFields", 0, "phase", "pattern", ["1"] * 6)),
    ("AHS-06", change("setup", "ahs_register", "filling", [1, 1])),
    ("AHS-06", change("setup", "ahs_register", "filling", [0] * 6)),
    ("AHS-06", change("setup", "ahs_register", "filling", [1, 1, 2, 1, 0, 1])),
    ("AHS-06", change("setup", "ahs_register", "sites", 1, ["6e-06"])),
    ("ATOM-03", change("setup", "ahs_register", "sites", 1, ["0", "0"])),
]


@pytest.mark.parametrize(("rule", "breaking"), BREAKING)
def test_a_program_that_breaks_a_rule_is_told_which(rule: str, breaking: Callable[[Document], None]) -> None:
    made = document()
    breaking(made)
    with pytest.raises(QmkError) as refused:
        frontends.load(json.dumps(made).encode(), path="p.json", format="ahs")
    assert {row.rule for row in refused.value.findings} == {rule}
    assert all(row.file == "p.json" and row.help for row in refused.value.findings)


@pytest.mark.parametrize(
    "params",
    [{"colour": 1}, {"c6": "much"}, {"c6": float("nan")}, {"phase_sign": 2}, {"phase_sign": True}, {"device": 3}],
)
def test_parameters_that_do_not_fit(params: dict[str, Any]) -> None:
    with pytest.raises(QmkError) as refused:
        read(document(), **params)
    assert [row.rule for row in refused.value.findings] == ["AHS-07"]


def test_every_rule_is_broken_here() -> None:
    assert {rule for rule, _ in BREAKING} | {"AHS-07"} >= set(AHS_RULES)


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"braketSchemaHeader": 1}', b"\xff{}", b"{" * 5000])
def test_bytes_that_are_no_program(data: bytes) -> None:
    with pytest.raises(QmkError) as refused:
        frontends.load(data, path="p.json", format="ahs")
    assert [row.rule for row in refused.value.findings] == ["AHS-01"]


@pytest.mark.parametrize(
    "case", json.loads((DATA / "invalid.expected.json").read_text())["cases"], ids=lambda c: c["file"]
)
def test_the_device_refuses_what_the_real_one_does(case: dict[str, str]) -> None:
    rules = {"invalid_slew": {"ATOM-08", "ATOM-10"}, "invalid_too_long": {"ATOM-06"}, "invalid_spacing": {"ATOM-03"}}
    data = (DATA / case["file"]).read_bytes()
    with pytest.raises(QmkError) as refused:
        read(data, device="aquila")
    assert {row.rule for row in refused.value.findings} == rules[case["file"].partition(".")[0]]
    assert read(data)  # the ideal device takes it
