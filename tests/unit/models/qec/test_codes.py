"""Codes: parameters, operators and distances, exactly; the texts that name them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.models.qec import circuits, codes, gf2
from qmk.models.qec.circuits import PLANS

SMALL = [
    "surface(d=3)", "surface(d=5)", "bacon_shor(d=2)", "bacon_shor(d=3)", "bacon_shor(d=4)", "shyps(r=3)", "shyps(r=4)",
    "color(d=3)", "color(d=5)", "color(d=7)", "bicycle(l=6,m=6)", "bicycle(l=15,m=3)", "bicycle(l=9,m=6)", "gross",
    "bicycle(l=12,m=12)",
]  # fmt: skip
PARAMETERS = {
    "surface(d=9)": (81, 1, 9, 161),
    "bacon_shor(d=5)": (25, 1, 5, 65),
    "shyps(r=3)": (49, 9, 4, 147),
    "shyps(r=4)": (225, 16, 8, 675),
    "shyps(r=5)": (961, 25, 16, 2883),
    "color(d=5)": (19, 1, 5, 28),
    "gross": (144, 12, 12, 288),
    "bicycle(l=12,m=12)": (288, 12, 18, 576),
    "honeycomb(w=12,h=8)": (96, 2, 4, 96),
}


def lightest(generators: np.ndarray, modulo: np.ndarray, most: int) -> int | None:
    """The lowest weight, up to ``most``, of a vector of the kernel of ``generators`` that is not in the span of
    ``modulo``; None where all of these are heavier. Exhaustive: cost grows as n^most."""
    n = generators.shape[1]
    inside = gf2.rank(modulo)
    syndromes = [int("".join(map(str, column)), 2) if len(column) else 0 for column in generators.T.tolist()]
    for weight in range(1, most + 1):
        for chosen in itertools.combinations(range(n), weight):
            total = 0
            for column in chosen:
                total ^= syndromes[column]
            if total == 0:
                vector = np.zeros((1, n), dtype=np.uint8)
                vector[0, list(chosen)] = 1
                if gf2.rank(np.vstack([modulo, vector])) > inside:
                    return weight
    return None


@pytest.mark.parametrize("text", SMALL)
def test_operators_agree_with_the_parameters(text: str) -> None:
    code = codes.parse(text)
    assert code.faults() == []
    assert codes.parse(code.spec) is code


@pytest.mark.parametrize("text", PARAMETERS)
def test_parameters(text: str) -> None:
    code = codes.parse(text)
    assert (code.n, code.k, code.distance, code.physical_qubits) == PARAMETERS[text]


def test_ranks_of_shyps_are_those_of_the_paper() -> None:
    for r, gauge, stabiliser, gauge_qubits in ((3, 28, 12, 16), (4, 165, 44, 121)):
        code = codes.parse(f"shyps(r={r})")
        assert code.gx is not None
        assert code.gz is not None
        assert code.hx is not None
        assert code.hz is not None
        assert gf2.rank(code.gx) == gf2.rank(code.gz) == gauge
        assert gf2.rank(code.hx) == gf2.rank(code.hz) == stabiliser
        assert code.gauge_qubits == gauge_qubits
        assert set(code.gx.sum(axis=1)) == set(code.gz.sum(axis=1)) == {3}


def test_wrong_operators_are_found() -> None:
    import dataclasses

    code = codes.parse("surface(d=3)")
    assert code.lx is not None
    assert code.hz is not None
    turned = code.lx.copy()
    turned[0, 4] ^= 1
    assert "lx and gz do not commute" in dataclasses.replace(code, lx=turned).faults()
    assert dataclasses.replace(code, k=2, lx=np.vstack([code.lx] * 2), lz=np.vstack([code.lz] * 2)).faults()  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert dataclasses.replace(code, hz=code.hz[:-1], gz=code.gz[:-1]).faults() == [
        "the operators leave 2 logical qubits, not 1"
    ]


@pytest.mark.parametrize("text", ["surface(d=3)", "surface(d=5)", "color(d=3)", "color(d=5)"])
def test_the_lightest_logical_operator_has_the_distance(text: str) -> None:
    code = codes.parse(text)
    assert code.hx is not None
    assert code.hz is not None
    assert lightest(code.hx, code.hz, code.distance) == code.distance
    assert lightest(code.hz, code.hx, code.distance) == code.distance


@pytest.mark.parametrize("text", ["bacon_shor(d=3)", "bacon_shor(d=4)", "shyps(r=3)"])
def test_the_lightest_dressed_operator_has_the_distance(text: str) -> None:
    """Undetected, and no product of gauge operators."""
    code = codes.parse(text)
    assert code.hx is not None
    assert code.gz is not None
    assert lightest(code.hx, code.gz, code.distance) == code.distance


@pytest.mark.parametrize("family", codes.FAMILIES)
def test_the_cycle_names_the_slowest_kind_of_each_layer(family: str) -> None:
    code = codes.make_code(family, {})
    if family not in PLANS:
        assert code.cycle == ("measure",) * 3
        return
    kinds = {"M": "measure", "MX": "measure", "R": "reset", "RX": "reset", "CX": "2q", "H": "1q"}
    slow = ("1q", "2q", "reset", "measure")
    layers = [max((kinds[gate] for gate, _ in layer), key=slow.index) for layer in PLANS[family](code).layers]
    assert code.cycle == tuple(layers)


def test_cycle_time_and_distances() -> None:
    code = codes.parse("surface(d=3)").with_distance(9)
    durations = {"1q": 50e-9, "2q": 50e-9, "measure": 100e-9, "reset": 100e-9}
    assert code.cycle_s(durations) == pytest.approx(500e-9)
    with pytest.raises(QmkError, match="no duration of 'reset'"):
        code.cycle_s({"1q": 1.0, "2q": 1.0, "measure": 1.0})
    assert codes.parse("honeycomb").with_distance(4).spec == "honeycomb(w=12,h=8)"
    assert codes.parse("gross").with_distance(18).spec == "bicycle(l=12,m=12)"
    assert codes.parse("shyps").with_distance(8).spec == "shyps(r=4)"
    with pytest.raises(QmkError, match="no code of family 'honeycomb' has distance 3"):
        codes.parse("honeycomb").with_distance(3)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("steane", "there is no code 'steane'"),
        ("surface(d=4)", "d is 4 in 'surface'"),
        ("surface(q=3)", "'surface' has no parameter 'q'"),
        ("surface(d=-3)", "d is -3 in 'surface'"),
        ("surface(d=1e3)", "d is '1e3' in 'surface', no whole number"),
        ("surface(d=3", "a bracket without its other"),
        ("bicycle(l=7,m=6)", "no bicycle code has these sizes"),
        ("gross(l=3)", "takes no parameters"),
        ("shyps(r=3,r=4)", "r is given twice in 'shyps"),
    ],
)
def test_other_texts_are_refused(text: str, match: str) -> None:
    with pytest.raises(QmkError, match=match.replace("(", r"\(")) as caught:
        codes.parse(text)
    assert caught.value.fields["field"] == "code"


def test_the_seed_of_the_name_shyps_says_that_it_names_two_codes() -> None:
    """Trap: "SHYPS (Hastings-Haah)" mixes a static subsystem code with a Floquet code."""
    assert codes.parse("SHYPS (Hastings-Haah)").family == "shyps"
    assert "two families" in codes.note_of("SHYPS (Hastings-Haah)")
    assert codes.parse("hastings-haah").family == "honeycomb"
    assert codes.note_of("surface(d=3)") == ""


@pytest.mark.parametrize("family", codes.FAMILIES)
def test_every_family_has_a_circuit(family: str) -> None:
    assert circuits.memory(codes.make_code(family, {}), 2).num_observables == codes.make_code(family, {}).k
