"""Memory, stability and growth: certain without noise, no detector missing, and the distances that they promise."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
import stim

from qmk.base.errors import QmkError
from qmk.models.qec import circuits, codes, decoders, memories, rates
from qmk.models.qec.decoders import faults
from qmk.models.qec.logical.costs import CHANGE_ROUNDS
from qmk.models.qec.tables.angles import theta

TEXTS = ["surface(d=3)", "bacon_shor(d=3)", "shyps(r=3)", "color(d=3)", "bicycle(l=6,m=6)", "honeycomb(w=6,h=4)"]


def mechanisms(circuit: stim.Circuit) -> dict[frozenset[object], float]:
    """Chances of errors by the places of the detectors and the observables that they flip."""
    places = circuit.get_detector_coordinates()
    found: dict[frozenset[object], float] = defaultdict(float)
    for item in circuit.detector_error_model().flattened():
        if item.type == "error":
            key = frozenset(tuple(places[t.val]) if t.is_relative_detector_id() else t.val for t in item.targets_copy())  # pyright: ignore[reportAttributeAccessIssue]
            p = item.args_copy()[0]  # pyright: ignore[reportAttributeAccessIssue]
            found[key] = found[key] + p - 2 * p * found[key]
    return found


@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize("d", [3, 5])
def test_surface_equals_stims_generator_error_by_error(d: int, basis: str) -> None:
    ours = mechanisms(circuits.memory(codes.parse(f"surface(d={d})"), 2 * d, basis, "circuit=0.003"))
    theirs = mechanisms(
        stim.Circuit.generated(
            f"surface_code:rotated_memory_{basis.lower()}",
            distance=d,
            rounds=2 * d,
            after_clifford_depolarization=0.003,
            after_reset_flip_probability=0.003,
            before_measure_flip_probability=0.003,
            before_round_data_depolarization=0.003,
        )
    )
    assert ours.keys() == theirs.keys()
    assert all(abs(ours[key] - theirs[key]) < 1e-12 for key in ours)


@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize("text", TEXTS)
def test_detectors_are_certain_placed_and_complete(text: str, basis: str) -> None:
    """Trap: detectors left out. The one relation of all plaquettes of a torus is no detector of the honeycomb code: an
    error would flip three, and matching would not be what it is."""
    code = codes.parse(text)
    circuit = circuits.memory(code, 3, basis)
    circuit.detector_error_model()  # raises where a detector or an observable is random
    assert circuit.num_observables == code.k
    assert len(circuit.missing_detectors()) == (1 if code.family == "honeycomb" else 0)  # pyright: ignore[reportArgumentType]
    places = circuit.get_detector_coordinates()
    assert all(len(place) == (4 if code.family == "color" else 3) for place in places.values())
    assert set(range(circuit.num_qubits)) == set(circuit.get_final_qubit_coordinates())
    assert circuit.num_qubits == code.physical_qubits


@pytest.mark.parametrize(
    ("text", "rounds", "fewest"),
    [("surface(d=3)", 3, 3), ("surface(d=5)", 5, 5), ("bacon_shor(d=3)", 3, 3), ("bacon_shor(d=4)", 4, 4)],
)
@pytest.mark.parametrize("basis", ["X", "Z"])
def test_as_few_errors_of_gates_as_the_distance_go_unseen(text: str, rounds: int, fewest: int, basis: str) -> None:
    circuit = circuits.memory(codes.parse(text), rounds, basis, "circuit=1e-3")
    assert len(circuit.shortest_graphlike_error()) == fewest


@pytest.mark.parametrize(("w", "h", "fewest"), [(6, 4, 2), (12, 8, 4)])
def test_honeycomb_has_the_distance_of_its_torus(w: int, h: int, fewest: int) -> None:
    for basis, rounds in (("Z", 2), ("X", 3)):
        circuit = circuits.memory(codes.parse(f"honeycomb(w={w},h={h})"), rounds, basis, "circuit=1e-3")
        assert len(circuit.shortest_graphlike_error()) == fewest


@pytest.mark.parametrize("basis", ["X", "Z"])
def test_honeycomb_has_the_same_errors_in_both_bases(basis: str) -> None:
    circuit = circuits.memory(codes.parse("honeycomb(w=6,h=4)"), 4, basis, "circuit=1e-3")
    other = circuits.memory(codes.parse("honeycomb(w=6,h=4)"), 4, "XZ".replace(basis, ""), "circuit=1e-3")
    chances = [
        sorted(round(item.args_copy()[0], 9) for item in c.detector_error_model() if item.type == "error")  # pyright: ignore[reportAttributeAccessIssue]
        for c in (circuit, other)
    ]
    assert chances[0] == chances[1]


def test_every_single_fault_of_shyps_is_decoded() -> None:
    """Trap: belief propagation on too few checks, or with a bad scale, errs after single faults."""
    code = codes.parse("shyps(r=3)")
    dem = circuits.memory(code, 3, "Z", "circuit=1e-3", both=False).detector_error_model()
    for name in (memories.default_decoder(code), "bp_lsd", "bp_osd"):
        assert faults.find_misdecoded(dem, decoders.get(name).compile(dem)) == []


def test_shyps_has_the_relations_between_its_checks_as_detectors() -> None:
    """42 a round beside the cyclic stabilisers of both bases; fewer leave belief propagation ten times worse."""
    code = codes.parse("shyps(r=3)")
    counts = [circuits.memory(code, rounds).num_detectors for rounds in (4, 5)]
    assert counts[1] - counts[0] == 2 * 21 + 42


def test_detectors_of_the_colour_code_carry_colours() -> None:
    circuit = circuits.memory(codes.parse("color(d=5)"), 2, "Z", "phenomenological=1e-3")
    assert {place[3] for place in circuit.get_detector_coordinates().values()} == {0, 1, 2, 3, 4, 5}
    dem = circuit.detector_error_model()
    assert faults.find_misdecoded(dem, decoders.get("chromobius").compile(dem)) == []


@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize("rounds", [3, 5])
def test_stability_is_protected_by_rounds(basis: str, rounds: int) -> None:
    code = codes.parse("surface(d=3)")
    assert circuits.stability(code, rounds, basis).missing_detectors() == stim.Circuit()
    assert len(circuits.stability(code, rounds, basis, "circuit=1e-3").shortest_graphlike_error()) == rounds


def test_stability_of_a_torus_and_of_what_has_none() -> None:
    circuit = circuits.stability(codes.parse("bicycle(l=6,m=6)"), 3, "X")
    assert circuit.num_observables == 6
    circuit.detector_error_model()
    with pytest.raises(QmkError, match="no product of its checks is the identity"):
        circuits.stability(codes.parse("bacon_shor(d=3)"), 3)


def test_detectors_of_one_basis_alone() -> None:
    code = codes.parse("bicycle(l=6,m=6)")
    assert circuits.memory(code, 3, both=False).num_detectors == 36 * 4
    assert circuits.memory(code, 3).num_detectors == 36 * 6 + 6


@pytest.mark.parametrize(("rounds", "basis"), [(0, "Z"), (3, "Y")])
def test_other_rounds_and_bases_are_refused(rounds: int, basis: str) -> None:
    with pytest.raises(QmkError, match="rounds" if not rounds else "basis"):
        circuits.memory(codes.parse("surface"), rounds, basis)


@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize(("d", "to"), [(3, 5), (3, 9), (5, 7)])
def test_a_patch_that_grows_keeps_its_smaller_distance(d: int, to: int, basis: str) -> None:
    small, large = (codes.parse(f"surface(d={size})") for size in (d, to))
    assert not circuits.growth(small, large, 1, 1, basis).compile_detector_sampler(seed=1).sample(64).any()  # pyright: ignore[reportAttributeAccessIssue]
    model = circuits.growth(small, large, d, to, basis, "circuit=1e-3").detector_error_model(decompose_errors=True)
    assert len(model.shortest_graphlike_error()) == d


def test_a_patch_that_grows_errs_four_rounds_of_its_smaller_distance_at_most() -> None:
    """By 1.3 million shots, to 0.3 rounds; the memories before and after are taken away."""
    small, large = codes.parse("surface(d=3)"), codes.parse("surface(d=5)")
    noise = "circuit=3e-3"
    kept: dict[str, Any] = {"shots": 400_000, "seed": 3}
    grown = rates.measure(circuits.growth(small, large, 9, 5, "Z", noise), **kept)
    before, twice, after = (
        rates.measure(circuits.memory(code, rounds, "Z", noise), **kept)
        for code, rounds in ((small, 9), (small, 18), (large, 5))
    )
    angles = [theta(found.per_shot) for found in (grown, before, after, twice)]
    assert 2 < (angles[0] - angles[1] - angles[2]) / ((angles[3] - angles[1]) / 9) < CHANGE_ROUNDS


@pytest.mark.parametrize(("small", "large"), [("surface(d=5)", "surface(d=5)"), ("surface(d=3)", "bacon_shor(d=5)")])
def test_what_does_not_grow_is_refused(small: str, large: str) -> None:
    with pytest.raises(QmkError, match="does not grow to"):
        circuits.growth(codes.parse(small), codes.parse(large), 3, 3)
