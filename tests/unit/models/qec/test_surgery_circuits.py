"""Lattice surgery as physical circuits: complete, deterministic, of full distance, and as faulty as their volume says.

False-failure rate of the statistical tests: below 1e-8 together (six standard errors).
"""

from __future__ import annotations

import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.models.qec import gf2, rates, surgery
from qmk.models.qec.surgery import Patch, layout, programs

HELD_OUT = programs.held_out()
NOISE = "uniform=1e-3"


def distance_of(program: surgery.Program, d: int) -> int:
    noisy = surgery.circuit(program, d, NOISE)
    return len(noisy.shortest_graphlike_error(canonicalize_circuit_errors=False))


@pytest.mark.parametrize("program", HELD_OUT, ids=lambda program: program.name)
def test_circuits_are_complete_and_of_full_distance(program: surgery.Program) -> None:
    circuit = surgery.circuit(program, 3)
    assert len(circuit.missing_detectors()) == 0  # pyright: ignore[reportArgumentType]
    assert circuit.num_observables == len(surgery.certain(program)) > 0
    surgery.circuit(program, 3, NOISE).detector_error_model(decompose_errors=True)  # raises where matching would lose
    assert distance_of(program, 3) == 3


@pytest.mark.parametrize("name", ["cnot_XX", "domain_wall_X", "move_X"])
def test_distance_five(name: str) -> None:
    program = programs.program_named(name)
    assert len(surgery.circuit(program, 5).missing_detectors()) == 0  # pyright: ignore[reportArgumentType]
    assert distance_of(program, 5) == 5


@pytest.mark.parametrize("program", HELD_OUT, ids=lambda program: program.name)
def test_physical_outcomes_are_distributed_as_logical_ones(program: surgery.Program) -> None:
    """Outcomes of stabilizer circuits are uniform over an affine space: the same space, of the same dimension."""
    circuit, records = surgery.compile_program(program, 3, rounds=1)
    shots = circuit.compile_sampler(seed=7).sample(128)
    keys = program.keys()
    values = np.stack([shots[:, sorted(records[key])].sum(axis=1) % 2 for key in keys], axis=1)
    for parity in surgery.certain(program):
        assert (values[:, [keys.index(key) for key in parity]].sum(axis=1) % 2 == parity.value).all()
    assert gf2.rank((values ^ values[0]).astype(np.uint8)) == len(keys) - len(surgery.certain(program))


SHAPES: dict[str, tuple[surgery.Floor, dict[str, surgery.Basis]]] = {
    "corner": (surgery.Floor(3, 3, {"a": Patch(0, 0), "b": Patch(2, 2, turned=True)}), {"a": "Z", "b": "Z"}),
    "corner with a wall": (surgery.Floor(3, 3, {"a": Patch(0, 0), "b": Patch(2, 2)}), {"a": "Z", "b": "X"}),
    "cross": (
        surgery.Floor(
            3, 3, {"a": Patch(0, 1), "b": Patch(2, 1), "c": Patch(1, 0, turned=True), "e": Patch(1, 2, turned=True)}
        ),
        dict.fromkeys("abce", "Z"),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("same", [True, False])
def test_shapes_of_merges(shape: str, same: bool) -> None:
    floor, paulis = SHAPES[shape]
    other: dict[surgery.Basis, surgery.Basis] = {"X": "Z", "Z": "X"}
    basis: dict[str, surgery.Basis] = paulis if same else {name: other[pauli] for name, pauli in paulis.items()}
    program = surgery.Program(
        shape,
        floor,
        (
            *(surgery.Prepare(name, basis[name]) for name in paulis),
            surgery.Merge(paulis, "product"),
            *(surgery.Idle(name) for name in paulis),
            *(surgery.Measure(name, basis[name], name) for name in paulis),
        ),
    )
    assert len(surgery.circuit(program, 3).missing_detectors()) == 0  # pyright: ignore[reportArgumentType]
    assert len(surgery.certain(program)) == (len(paulis) + 1 if same else len(paulis) - 1)
    assert distance_of(program, 3) == 3


def test_routing_around_a_corner_needs_both_directions_of_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    program = programs.product(2, "Z")
    assert distance_of(program, 5) == 5
    monkeypatch.setattr(layout.Cell, "hooks", lambda self, check: "vertical")
    assert distance_of(program, 5) < 5


def test_twenty_programs_of_two_to_six_patches() -> None:
    assert len(HELD_OUT) == len({program.name for program in HELD_OUT}) == 20
    assert {len(program.floor.patches) for program in HELD_OUT} == {2, 3, 4, 5, 6}
    assert programs.held_out() == HELD_OUT
    for program in HELD_OUT:
        assert programs.program_named(program.name) == program == surgery.Program.from_json(program.to_json())
        assert all(parity.value == 0 for parity in surgery.certain(program))


def test_the_outcome_of_a_merge_is_in_the_observable_that_it_corrects() -> None:
    corrected = programs.cnot("Z", "Z")
    assert [tuple(parity) for parity in surgery.certain(corrected)] == [("m_c",), ("m_t",)]
    bare = surgery.Program(
        "bare", corrected.floor, tuple(op for op in corrected.ops if not isinstance(op, surgery.Correct))
    )
    assert [tuple(parity) for parity in surgery.certain(bare)] == [("m_c",), ("zz", "m_a", "m_t")]


def test_no_noise_no_errors() -> None:
    circuit = surgery.circuit(programs.program_named("random_7_5"), 3, "uniform=0")
    detectors, observables = circuit.compile_detector_sampler(seed=1).sample(64, separate_observables=True)
    assert not detectors.any()
    assert not observables.any()


def test_a_round_has_four_layers_of_gates_unless_a_merge_turns_a_corner() -> None:
    def layers(program: surgery.Program, wanted: int = 4) -> int:
        return surgery.circuit(program, 3, layers=wanted).num_ticks

    rounds = 3 * 3
    assert layers(programs.bell("Z")) == 2 * 3 * 6
    assert layers(programs.product(2, "Z")) == rounds * 6 + 3
    assert layers(programs.product(2, "Z"), 5) == rounds * 7


@pytest.mark.parametrize("pair", [(("merge_zz", "Z"), ("merge_xx", "X")), (("merge_zz", "X"), ("merge_xx", "Z"))])
def test_exchanging_x_and_z_mirrors_the_merge(pair: tuple[tuple[str, surgery.Basis], ...]) -> None:
    masses = []
    for kind, basis in pair:
        model = surgery.calibration(kind, 3, NOISE, basis=basis).detector_error_model()
        masses.append(sum(row.args_copy()[0] for row in model.flattened() if row.type == "error"))  # pyright: ignore[reportAttributeAccessIssue]
    assert masses[0] == pytest.approx(masses[1], rel=5e-3)


def test_calibration_circuits() -> None:
    for kind in surgery.KINDS:
        for basis in ("X", "Z"):
            circuit = surgery.calibration(kind, 3, "circuit=1e-3", rounds=2, basis=basis)
            own = kind == f"merge_{basis.lower() * 2}"
            assert circuit.num_observables == (3 if own else 1)
    with pytest.raises(QmkError, match="no circuit of kind 'distilled_t'"):
        surgery.calibration("distilled_t", 3, None)


def test_an_injected_state_is_not_protected() -> None:
    assert distance_of(surgery.calibration_program("inject_t", "X"), 5) == 1


def test_a_cnot_fails_as_often_as_its_ten_blocks() -> None:
    shots, noise = 20_000, "uniform=2e-3"
    block = rates.measure(surgery.circuit(programs.memory("Z"), 3, noise), shots=shots, seed=3)
    whole = rates.measure(surgery.circuit(programs.cnot("Z", "Z"), 3, noise), shots=shots, seed=4)
    expected = 1 - (1 - block.per_shot) ** 10
    slack = 6 * (10 * block.per_shot**0.5 + whole.per_shot**0.5) / shots**0.5
    assert 0.71 * expected - slack < whole.per_shot < 1.41 * expected + slack


def test_above_threshold_a_larger_distance_fails_more() -> None:
    small, large = (
        rates.measure(surgery.circuit(programs.memory("Z", 2), d, "uniform=1.3e-2"), shots=4000, seed=5).per_shot
        for d in (3, 5)
    )
    assert large > small + 6 * (0.5 / 4000**0.5)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [((4,), "distance 4"), ((51,), "distance 51"), ((3, None, 0), "0 rounds"), ((3, None, 3, 6), "6 layers")],
)
def test_what_makes_no_circuit(arguments: tuple[int, ...], told: str) -> None:
    with pytest.raises(QmkError, match=told):
        surgery.circuit(programs.bell("Z"), *arguments)  # pyright: ignore[reportArgumentType]


def test_t_states_are_refused_with_the_way_out() -> None:
    with pytest.raises(QmkError, match="Stim does not run") as caught:
        surgery.circuit(programs.t_gates(1), 3)
    assert "logical tier" in caught.value.fields["help"]
