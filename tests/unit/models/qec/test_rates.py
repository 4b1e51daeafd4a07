"""Counts of the sampling loop: the same on any number of workers, with intervals, in stated units."""

from __future__ import annotations

import math

import pytest
import stim

from qmk.base.errors import QmkError
from qmk.models.qec import batches, codes, decoders, rates
from qmk.models.qec.circuits import memory
from qmk.models.qec.intervals import clopper_pearson, incomplete_beta

CIRCUIT = memory(codes.parse("surface(d=3)"), 3, "Z", "circuit=1e-2")


def test_counts_do_not_depend_on_the_number_of_workers_nor_on_when_they_stop() -> None:
    for most in (None, 300):
        found = [rates.measure(CIRCUIT, shots=40_000, max_errors=most, seed=4, workers=w) for w in (1, 2)]
        assert len({(r.shots, r.errors_any, r.errors) for r in found}) == 1
    assert 300 <= found[0].errors_any < 1200
    assert found[0].shots < 40_000


def test_an_early_stop_leaves_the_interval_true() -> None:
    """Stopping at three errors, the rate reads high by about a third at worst; 95 % of the intervals hold the truth."""
    circuit = stim.Circuit("X_ERROR(0.003) 0\nM 0\nOBSERVABLE_INCLUDE(0) rec[-1]\nM 1\nDETECTOR rec[-1]")
    found = [rates.measure(circuit, shots=100_000, max_errors=3, seed=seed) for seed in range(200)]
    assert all(rate.errors_any >= 3 and rate.shots < 100_000 for rate in found)
    held = sum(low <= 0.003 <= high for low, high in (rate.interval() for rate in found))
    assert held >= 176  # 190 and more are due, with a spread of 3: fails 1e-6
    assert 0.9 < sum(rate.per_shot for rate in found) / 200 / 0.003 < 1.4


def test_another_seed_counts_other_shots() -> None:
    a, b = (rates.measure(CIRCUIT, shots=20_000, seed=seed) for seed in (1, 2))
    assert a.errors_any != b.errors_any
    assert abs(a.errors_any - b.errors_any) < 5.5 * math.sqrt(a.errors_any + b.errors_any)  # fails 4e-8


def test_counts_are_those_of_a_plain_loop() -> None:
    """One error, one check, one observable beside it: P(error of the observable) is known exactly."""
    lines = ["X_ERROR(0.1) 0", "X_ERROR(0.02) 1", "M 0 1", "DETECTOR rec[-2]"]
    lines += ["OBSERVABLE_INCLUDE(0) rec[-2]", "OBSERVABLE_INCLUDE(1) rec[-1]"]
    circuit = stim.Circuit("\n".join(lines))
    rate = rates.measure(circuit, shots=100_000, seed=1)
    assert rate.errors[0] == 0
    assert rate.errors_any == rate.errors[1]
    assert abs(rate.per_shot - 0.02) < 5.5 * math.sqrt(0.02 / 100_000)


def test_batches_cover_the_shots_and_grow_to_the_decoders_size() -> None:
    sizes = [shots for _, shots in batches.schedule(decoders.get("matching"), 100_000)]
    assert sum(sizes) == 100_000
    assert sizes[:5] == [1024, 2048, 4096, 8192, 16384]
    assert max(sizes) == 16384
    assert [s for _, s in batches.schedule(decoders.get("tesseract"), 130)] == [64, 64, 2]


def test_units() -> None:
    one = rates.Rate(1000, 100, (100,), 0.0, {})
    several = rates.Rate(1000, 100, (60, 50), 0.0, {})
    q = one.per_round(7)
    assert (1 - (1 - 2 * q) ** 7) / 2 == pytest.approx(one.per_shot)
    assert 1 - (1 - several.per_round(7)) ** 7 == pytest.approx(several.per_shot)
    assert rates.flip_per_round(0.7, 3) == 0.5
    low, high = one.interval()
    assert low < 0.1 < high
    assert one.interval_per_round(7)[0] < q < one.interval_per_round(7)[1]
    with pytest.raises(QmkError, match="rounds"):
        one.per_round(0)


def test_intervals_have_their_tails() -> None:
    """Of the bounds, the chance of as many successes or more (fewer) is what is left out."""
    for k, n in ((0, 10), (3, 10), (10, 10), (5, 10_000_000), (4321, 1_000_000)):
        low, high = clopper_pearson(k, n, 0.9)
        if k:
            assert incomplete_beta(k, n - k + 1, low) == pytest.approx(0.05, rel=1e-5)
        if k < n:
            assert incomplete_beta(k + 1, n - k, high) == pytest.approx(0.95, rel=1e-5)
    assert clopper_pearson(0, 10)[1] == pytest.approx(1 - 0.025 ** (1 / 10))
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_provenance_names_what_decides_the_counts() -> None:
    rate = rates.measure(CIRCUIT, "union_find", shots=10, seed=9)
    assert rate.provenance["decoder"] == "union_find"
    assert rate.provenance["seed"] == 9
    assert rate.provenance["circuit"] == rates.digest(CIRCUIT)
    assert rate.provenance["stim"] == stim.__version__  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("given", [{"shots": 0}, {"shots": 5, "workers": 0}, {"shots": 5, "max_errors": 0}])
def test_numbers_out_of_range_are_refused(given: dict[str, int]) -> None:
    with pytest.raises(QmkError) as refused:
        rates.measure(CIRCUIT, seed=1, **given)  # type: ignore[arg-type]
    assert refused.value.kind.name == "INVALID_PARAMS"


def test_a_worker_says_what_it_refuses() -> None:
    circuit = stim.Circuit("MPP X0\nH 0\nM 0\nDETECTOR rec[-1]\nM 1\nOBSERVABLE_INCLUDE(0) rec[-1]\nM 0")
    for workers in (1, 2):
        with pytest.raises(QmkError):
            rates.measure(circuit + stim.Circuit("H 2\nM 2\nDETECTOR rec[-1]"), shots=9, seed=1, workers=workers)
    with pytest.raises(QmkError, match="no observable"):
        rates.measure(stim.Circuit("M 0\nDETECTOR rec[-1]"), shots=9, seed=1)


def test_a_circuit_that_would_take_all_memory_is_refused_at_once() -> None:
    circuit = memory(codes.parse("surface(d=3)"), 1_000_000, "Z", "circuit=1e-3")
    with pytest.raises(QmkError, match="detectors, more than 2000000"):
        rates.measure(circuit, "matching", shots=1, seed=1)


def test_a_decoder_of_whole_errors_that_gets_a_basis_too_many_is_warned_of(recwarn: pytest.WarningsRecorder) -> None:
    one = memory(codes.parse("surface(d=3)"), 3, "Z", "circuit=1e-2", both=False)
    rates.measure(CIRCUIT, "matching", shots=10, seed=1)
    rates.measure(one, "bp_lsd", shots=10, seed=1)
    assert not recwarn.list
    rates.measure(CIRCUIT, "bp_lsd", shots=10, seed=1)
    (warning,) = recwarn.list
    assert str(warning.message).startswith("bp_lsd(order=0,iterations=100) looks at errors as a whole and gets 8 of ")
    assert warning.filename == __file__
