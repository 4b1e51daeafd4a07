"""Front-end ``quera``: what it pins (units, C6, phase sign, bit order, vacant sites), and a program for every rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk import frontends
from qmk.base.errors import QmkError
from qmk.formats import binary, json_codec
from qmk.frontends.quera import FRONTEND, QUERA_RULES
from qmk.qvm.graph import Graph, digest
from qmk.qvm.verify import verify
from qmk.sdk.kit import frontend_kit

DATA = Path(__file__).resolve().parents[2] / "data" / "atoms"
Document = dict[str, Any]
CASES = sorted(path.name.partition(".")[0] for path in DATA.glob("*.quera.json"))
RYDBERG = ("effective_hamiltonian", "rydberg")


def text(name: str = "vacancies_6sites") -> bytes:
    return (DATA / f"{name}.quera.json").read_bytes()


def read(given: Document | bytes, **params: Any) -> Graph:
    data = given if isinstance(given, bytes) else json.dumps(given).encode()
    return frontends.load(data, path="p.json", params=params or None).graph


def evolution(graph: Graph) -> dict[str, Any]:
    return next(node.args for node in graph.nodes if node.op == "analog.rydberg")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("c6", "sign", "params"),
    [
        ("bloqade", "-i", {}),
        ("aquila_braket", "+i", {"c6": 5_420_000, "phase_sign": 1}),
        ("bloqade", "+i", {"phase_sign": 1}),
    ],
)
def test_densities_are_those_of_an_independent_integration(name: str, c6: str, sign: str, params: Any) -> None:
    """1e-8 tells the two C6 apart, which differ by 4e-6, and 0.1 the two signs."""
    known = json.loads((DATA / f"{name}.expected.json").read_text())
    sign = f"exp({sign} phi)" if any("phase" in k for k in known) else sign
    key = next(k for k in known if k.startswith(f"c6={c6}") and ("phase" not in k or sign in k))
    sites, wanted = zip(*((k, x) for k, x in enumerate(known[key]["rydberg_density"]) if x is not None), strict=True)
    found = qmk.expectation(DATA / f"{name}.quera.json", [f"Z{k}" for k in sites], params=params)
    assert max(abs((1 - float(z)) / 2 - x) for z, x in zip(found, wanted, strict=True)) < 1e-8


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_program_that_the_other_format_says(name: str) -> None:
    """Both were written from one program; the other has twelve digits of a number."""
    ours, theirs = read(text(name)), read((DATA / f"{name}.braket.json").read_bytes())
    assert ours.outputs == theirs.outputs
    for mine, yours in zip(evolution(ours)["positions"], evolution(theirs)["positions"], strict=True):
        assert mine == pytest.approx(yours, abs=1e-12)
    for mine, yours in zip(evolution(ours)["drives"], evolution(theirs)["drives"], strict=True):
        for field in ("amplitude", "phase", "detuning"):
            assert mine[field]["times"] == yours[field]["times"]
            assert mine[field]["values"] == pytest.approx(yours[field]["values"], rel=1e-11)


def test_c6_is_bloqades_unless_given() -> None:
    assert evolution(read(text()))["c6"] == pytest.approx(5_420_441.13, abs=0.005)
    assert evolution(read(text(), c6=865_723.02))["c6"] == 865_723.02


def test_units_are_shifted_as_decimals() -> None:
    drive = evolution(read(text("z2_sweep_N8")))["drives"][0]
    assert drive["amplitude"] == {"times": [0.0, 0.3, 3.7, 4.0], "values": [0.0, 15.0, 15.0, 0.0]}
    assert drive["detuning"]["values"] == [-30.0, -30.0, 40.0, 40.0]
    given = json.loads(text("z2_sweep_N8"))
    given["lattice"]["sites"][1] = ["6.1e-06", "0"]
    assert evolution(read(given))["positions"][1] == [6.1, 0.0]


def test_a_phase_keeps_its_sign_or_is_turned() -> None:
    signs = [{}, {"phase_sign": -1}, {"phase_sign": 1}]
    phases = [evolution(read(text("phase_jump_1atom"), **given))["drives"][0]["phase"]["values"] for given in signs]
    assert phases == [[0.0, 1.2, 1.2], [0.0, 1.2, 1.2], [0.0, -1.2, -1.2]]


def test_sequences_stand_site_by_site_and_vacant_sites_are_0() -> None:
    """Sites 2 and 4 are vacant: 0 in both. An atom in the Rydberg state is lost: 0 in post."""
    result = qmk.run(DATA / "vacancies_6sites.quera.json", shots=200, seed=3)
    for shot in result.events():
        assert "pre2" not in shot
        assert shot["pre0"] == 1
        assert shot["post3"] == 1 - shot["r3"]
    assert all(key.split()[0] == "110101" and key.split()[1][2] == key.split()[1][4] == "0" for key in result.counts)


def test_the_task_says_how_many_shots() -> None:
    assert read(text()).shots == 1000


def with_local(coefficients: list[Any]) -> Document:
    given = json.loads(text())
    series = {"times": [0, 5e-7, 1e-6], "values": ["0", 5e7, 0]}
    given["effective_hamiltonian"]["rydberg"]["detuning"]["local"] = {
        **series,
        "lattice_site_coefficients": coefficients,
    }
    return given


def test_a_local_detuning_reaches_the_atoms_that_are_there() -> None:
    made = evolution(read(with_local([0.5, "1", 0.25, 0, 0, 0.75])))
    assert made["drives"][1] == {
        "detuning": {"times": [0.0, 0.5, 1.0], "values": [0.0, 50.0, 0.0]},
        "pattern": [0.5, 1.0, 0.0, 0.75],
    }


def test_the_graph_survives_every_form() -> None:
    graph = read(with_local([0.5, "1", 0.25, 0, 0, 0.75]))
    assert verify(graph).ok
    assert digest(json_codec.decode(json_codec.encode(graph))[0]) == digest(graph)
    assert binary.decode(binary.encode(graph)) == graph


def change(*path: Any) -> Callable[[Document], None]:
    """Sets what lies at the path to its last item."""

    def apply(made: Document) -> None:
        here: Any = made
        for key in path[:-2]:
            here = here[key]
        here[path[-2]] = path[-1]

    return apply


AMPLITUDE = (*RYDBERG, "rabi_frequency_amplitude", "global")
BREAKING: list[tuple[str, Callable[[Document], None]]] = [
    ("QUERA-01", change("surprise", 1)),
    ("QUERA-01", change("lattice", 3)),
    ("QUERA-01", change(*AMPLITUDE, "values", [0, "much", 1, 0])),
    ("QUERA-01", change(*RYDBERG, "rabi_frequency_amplitude", "local", {})),
    ("QUERA-02", change("nshots", 0)),
    ("QUERA-02", change("nshots", 10**12)),
    ("QUERA-03", change(*AMPLITUDE, "values", 1, "1e999999")),
    ("QUERA-03", change(*AMPLITUDE, "values", 1, "NaN")),
    ("QUERA-03", change("lattice", "sites", 1, ["6000", "0"])),
    ("QUERA-04", change(*AMPLITUDE, "times", [0, 1e-6])),
    ("QUERA-04", change(*AMPLITUDE, "times", [0, 9e-7, 1e-7, 1e-6])),
    ("QUERA-04", change(*AMPLITUDE, "times", [0, 1e-7, 9e-7, 2e-6])),
    ("QUERA-05", lambda made: made.update(with_local([1, 2]))),
    ("QUERA-06", change("lattice", "filling", [1, 1])),
    ("QUERA-06", change("lattice", "filling", [0] * 6)),
    ("QUERA-06", change("lattice", "filling", [1, 1, 2, 1, 0, 1])),
    ("QUERA-06", change("lattice", "sites", 1, [6e-6])),
    ("ATOM-03", change("lattice", "sites", 1, [0, 0])),
]


@pytest.mark.parametrize(("rule", "breaking"), BREAKING)
def test_a_program_that_breaks_a_rule_is_told_which(rule: str, breaking: Callable[[Document], None]) -> None:
    made = json.loads(text())
    breaking(made)
    with pytest.raises(QmkError) as refused:
        frontends.load(json.dumps(made).encode(), path="p.json", format="quera")
    assert {row.rule for row in refused.value.findings} == {rule}
    assert all(row.file == "p.json" and row.help for row in refused.value.findings)


@pytest.mark.parametrize("params", [{"colour": 1}, {"c6": "much"}, {"phase_sign": 2}, {"device": 3}])
def test_parameters_that_do_not_fit(params: dict[str, Any]) -> None:
    with pytest.raises(QmkError) as refused:
        read(text(), **params)
    assert [row.rule for row in refused.value.findings] == ["QUERA-07"]


def test_every_rule_is_broken_here() -> None:
    assert {rule for rule, _ in BREAKING} | {"QUERA-07"} >= set(QUERA_RULES)


def test_the_device_is_asked() -> None:
    assert read(text("z2_sweep_N8"), device="aquila")
    given = json.loads(text())
    given["nshots"] = 1001
    with pytest.raises(QmkError) as refused:
        read(given, device="aquila")
    assert "ATOM-21" in {row.rule for row in refused.value.findings}


SAMPLES = frontend_kit.Samples(
    valid={name: (text(name), None) for name in CASES},
    invalid={rule + str(k): (b"{" + rule.encode() + b"}", 0) for k, (rule, _) in enumerate(BREAKING[:2])},
    foreign=[(DATA / "z2_sweep_N8.braket.json").read_bytes(), b"OPENQASM 3;", b'{"version": "1.0"}'],
)


@pytest.mark.parametrize("check", frontend_kit.checks(FRONTEND, SAMPLES), ids=lambda check: check.name)
def test_the_conformance_kit(check: Any) -> None:
    if not check.skipped:
        assert check.run() == ""
