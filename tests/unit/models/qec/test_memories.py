"""Memories, thresholds and profiles."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.models.noise import resolve
from qmk.models.qec import codes, memories
from qmk.models.qec.memories import Memory, crossing, in_rounds, noise_at, threshold
from qmk.models.qec.profile import Budget, Profile
from qmk.models.qec.rates import Rate

GOOD = b"""{"qec_scheme": {"code": "surface", "distance": 9, "noise": "circuit=1e-3", "physical_qubit_count": 161},
"error_budget": {"logical": 5e-4, "t_states": 3e-4, "rotations": 2e-4},
"decoder": {"name": "matching", "cycle_time_us": 1.0, "us_per_round": 0.25, "cores": 2,
"window": {"commit_rounds": 9, "buffer_rounds": 9}, "latency_us": [5, 12]}}"""


def point(d: int, p: float, per_round: float) -> Memory:
    code = codes.parse(f"surface(d={d})")
    errors = round(per_round * 1_000_000)
    return Memory(code, "circuit", "", "matching", 1, {"Z": Rate(1_000_000, errors, (errors,), 0.0, {})}, p)


def test_both_bases_count_and_units_are_named() -> None:
    """Trap: a memory of Z alone leaves out half; and rates per shot, round and cycle are different numbers."""
    found = memories.measure_memory(codes.parse("surface(d=3)"), "circuit=1e-2", shots=4000, seed=3)
    assert set(found.bases) == {"X", "Z"}
    assert found.rounds == 9
    data = found.as_dict()
    alone = found.per_round
    assert data["block_per_round"] == pytest.approx(alone["X"] + alone["Z"])
    assert data["block_per_cycle"] == pytest.approx(1 - (1 - found.block_per_round) ** 3)
    assert alone["X"] < found.bases["X"].per_shot / 5
    low, high = found.bounds_per_round
    assert low < found.block_per_round < high
    assert found.noise == "circuit=1e-2"
    assert len(found.noise_hash) == 64


def test_the_seed_fixes_the_counts() -> None:
    code = codes.parse("bacon_shor(d=3)")
    counts = [
        memories.measure_memory(code, "circuit=1e-2", shots=3000, seed=seed, bases="Z").bases["Z"].errors_any
        for seed in (1, 1, 2)
    ]
    assert counts[0] == counts[1] != counts[2]


def test_a_threshold_is_where_curves_cross() -> None:
    values = (2e-3, 4e-3, 8e-3, 1.6e-2)
    found = threshold([point(d, p, 0.1 * (p / 0.01) ** ((d + 1) / 2)) for d in (3, 5) for p in values])
    assert [(low, high) for low, high, _ in found.crossings] == [(3, 5)]
    assert found.crossings[0][2] == pytest.approx(0.01, rel=0.02)
    assert found.best == {2e-3: 5, 4e-3: 5, 8e-3: 5, 1.6e-2: 3}
    assert found.pseudo == {5: pytest.approx(0.1**2.5, rel=0.01)}  # at d = 3 the block is worse at each of these p
    lower = threshold([point(3, p, 0.1 * (p / 0.01) ** 2) for p in (5e-4, 2e-3)])
    assert lower.pseudo == {3: pytest.approx(1e-3, rel=0.01)}
    assert found.suppression()[0] == (2e-3, 3, 5, pytest.approx(5, rel=0.02))


def test_a_code_without_threshold_has_a_best_distance() -> None:
    """Trap: a rate that shrinks with the distance for ever. Bacon-Shor at 5e-3 is best at 3."""
    chances = {3: 8.5e-3, 5: 1.0e-2, 7: 1.6e-2}
    made = [
        memories.measure_memory(
            codes.parse(f"bacon_shor(d={d})"), "circuit=5e-3", shots=20_000, seed=1, bases="Z", p=5e-3
        )
        for d in (3, 5)
    ]
    assert threshold(made).best == {5e-3: 3}  # 1500 and 2600 failures: 15 % apart, 3.5 % known; seeded
    for memory in made:
        assert memory.block_per_round == pytest.approx(chances[memory.code.distance], rel=0.15)


def test_above_threshold_distance_makes_it_worse() -> None:
    rates = [
        memories.measure_memory(
            codes.parse(f"surface(d={d})"), "circuit=2e-2", shots=2000, seed=1, bases="Z"
        ).block_per_round
        for d in (3, 5)
    ]
    assert rates[1] > 1.1 * rates[0]


def test_crossing_interpolates_in_logarithms() -> None:
    assert crossing([(1e-3, -1.0), (1e-2, 1.0)]) == pytest.approx(math.sqrt(1e-5))
    assert crossing([(1e-3, 1.0), (1e-2, 2.0)]) is None
    assert in_rounds(0.5, 2) == 0.75


def test_noise_of_a_curve() -> None:
    assert noise_at("circuit", 1e-3) == "circuit=0.001"
    assert noise_at("biased=P:100,readout=P", 0.02) == "biased=0.02:100,readout=0.02"
    with pytest.raises(QmkError, match="has no P"):
        noise_at("biased=1e-3:100", 0.02)


def test_what_was_asked_for_is_run_or_refused() -> None:
    for given, match in (({"rounds": 0}, "0 rounds"), ({"rounds": -1}, "-1 rounds"), ({"bases": ""}, "none is given")):
        with pytest.raises(QmkError, match=match):
            memories.measure_memory(codes.parse("surface"), "circuit=1e-2", shots=10, seed=1, **given)  # type: ignore[arg-type]


def test_heralds_are_used_or_refused() -> None:
    """Matching would decode a lost qubit as if nobody had noticed: fifteen times as many failures on these shots."""
    code = codes.parse("surface(d=3)")
    found = memories.measure_memory(code, "erasure=0.02", shots=2000, seed=1, rounds=3, bases="Z")
    assert found.decoder == "correlated"
    assert found.bases["Z"].errors_any < 40  # 13; matching had 190
    for name in ("matching", "union_find", "matching@3+3"):
        with pytest.raises(QmkError, match="heralds of lost qubits") as refused:
            memories.measure_memory(code, "erasure=0.02", shots=10, seed=1, decoder=name)
        assert refused.value.kind.name == "UNSUPPORTED"


def test_the_honeycomb_code_is_decoded_with_correlations() -> None:
    """An error of two qubits between two measurements flips detectors of several colours: the first pass of matching
    takes it for several errors. Half as many failures at p = 5e-3, 400 against 800 of these shots."""
    code = codes.parse("honeycomb").with_distance(4)
    given = {"shots": 10_000, "seed": 1, "rounds": 8, "bases": "Z"}
    best, plain = (
        memories.measure_memory(code, "depolarizing=5e-3,readout=5e-3", decoder=decoder, **given)  # type: ignore[arg-type]
        for decoder in (None, "matching")
    )
    assert best.decoder == "correlated"
    assert best.bases["Z"].errors_any < 0.6 * plain.bases["Z"].errors_any


def test_a_profile_is_read() -> None:
    found = Profile.parse(GOOD)
    assert found.code.spec == "surface(d=9)"
    assert isinstance(found.error_budget, Budget)
    assert found.error_budget.total == pytest.approx(1e-3)
    assert found.noise is not None
    assert found.decoder.load(8) == 1.0
    toml = b'error_budget = 1e-3\n[qec_scheme]\ncode = "gross"\n[decoder]\nname = "bp_lsd"\n'
    assert Profile.parse(toml, toml=True).code.k == 12


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        (b"161", b"162", "162, and surface\\(d=9\\) has 161 .*Azure"),
        (b'"cores": 2', b'"max_syndrome_weight": 10', "max_syndrome_weight is a parameter of no decoder"),
        (b'"matching"', b'"mwpm"', "no 'mwpm'"),
        (b'"surface"', b'"surfaces"', "there is no code 'surfaces'"),
        (b"circuit=1e-3", b"circuit=2", "p is 2.0"),
        (b"5e-4", b"1.5", "error budget is 1.5"),
        (b'"commit_rounds": 9', b'"commit_rounds": 0', "commits at least 1 round"),
        (b'"distance"', b'"distanse"', "unknown field `distanse`"),
        (b"1.0,", b"-1.0,", "is not above 0"),
        (b"[5, 12]", b"[12, 5]", "above that at the 99th"),
        (b'"cores": 2', b'"weights": "no.json"', "cannot read 'no.json'"),
    ],
)
def test_a_bad_profile_is_refused(old: bytes, new: bytes, match: str) -> None:
    with pytest.raises(QmkError, match=match) as caught:
        Profile.parse(GOOD.replace(old, new))
    assert caught.value.kind.name == "INVALID_PARAMS"


@pytest.mark.parametrize(
    ("data", "toml"), [(b"[" * 200_000, False), (b"a=" + b"[" * 20_000, True), (b"a=" + b"1" * 5000, True)]
)
def test_a_profile_that_no_parser_can_hold_is_refused(data: bytes, toml: bool) -> None:
    with pytest.raises(QmkError, match="profile: "):
        Profile.parse(data, toml=toml)


def test_a_profile_says_which_file(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    for text, says in (("decoder = 3\n", "m.toml'"), ("error_budget =\n", "m.toml'"), ("", "m.toml'")):
        file.write_text(text)
        with pytest.raises(QmkError, match=says):
            Profile.load(file)
    file.write_text('[qec_scheme]\ncode = "surface"\n[decoder]\nus_per_round = nan\n')
    with pytest.raises(QmkError, match="is not above 0"):
        Profile.load(file)


def test_a_calibration_wants_a_moment_and_its_file(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text('{"points": [{"time_s": 0, "gate_2q": 1e-3}]}')
    with pytest.raises(QmkError, match=r"c\.json': a calibration, without a moment"):
        resolve(str(file))
    for moment in ("nan", "inf", "-inf"):
        with pytest.raises(QmkError, match=r"a calibration at -?(nan|inf) s"):
            resolve(f"{file}@{moment}")
    with pytest.raises(QmkError, match=r"cannot read '.*no\.json':"):
        resolve(str(tmp_path / "no.json") + "@5s")
    file.write_text('{"points": [{"time_s": 0, "gate_3q": 1e-3}]}')
    with pytest.raises(QmkError, match=r"c\.json': .*gate_3q"):
        resolve(f"{file}@0s")
