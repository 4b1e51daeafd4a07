"""Memories on atoms that are lost. Seeds are fixed; bounds are five standard deviations or more."""

from __future__ import annotations

import math

import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.models.noise import Loss, NoiseModel, resolve
from qmk.models.qec import atoms, circuits, codes, memories
from qmk.models.qec.atoms import insertions, steps, symptoms
from qmk.models.qec.atoms.decoding import LossDecoder
from qmk.models.qec.atoms.steps import Check, Event, Life
from qmk.models.qec.decoders.matrix import mechanisms


@pytest.mark.parametrize(("text", "basis"), [("repetition(d=3)", "Z"), ("surface(d=3)", "Z"), ("surface(d=3)", "X")])
def test_without_losses_it_is_the_memory_that_stim_samples(text: str, basis: str) -> None:
    code, noise = codes.parse(text), "circuit=1e-2"
    found = atoms.measure_memory(code, noise, shots=4000, seed=1, basis=basis)
    peer = memories.measure_memory(code, noise, shots=40_000, seed=2, rounds=3, bases=basis, decoder="matching").bases[
        basis
    ]
    assert found.lost_per_shot == 0
    assert found.aware.errors_any == found.blind.errors_any
    p = peer.per_shot
    assert abs(found.aware.per_shot - p) < 5 * math.sqrt(p * (1 - p) * (1 / 4000 + 1 / 40_000))


def test_the_circuit_without_losses_has_the_detectors_of_the_code() -> None:
    memory = steps.memory(codes.parse("surface(d=3)"), 4, "X", resolve("circuit=1e-3,loss=0.1"), "end")
    written = symptoms.circuit_of(memory, noisy=True)
    given = circuits.memory(codes.parse("surface(d=3)"), 4, "X", "circuit=1e-3", both=False).flattened()
    ours, theirs = (
        {(dets, obs): p for dets, obs, p in mechanisms(each.detector_error_model(), decomposed=False)}
        for each in (written, given)
    )
    assert ours.keys() == theirs.keys()
    assert all(ours[key] == pytest.approx(theirs[key]) for key in ours)
    assert written.get_detector_coordinates() == given.get_detector_coordinates()


@pytest.mark.parametrize("check", ["end", "round"])
@pytest.mark.parametrize("text", ["repetition(d=3)", "surface(d=3)"])
def test_one_lost_atom_sets_off_the_detectors_that_its_insertions_say(text: str, check: Check) -> None:
    """Exact: given the moment of a loss, a detector fires with 1/2 where an odd error of it can be, else never."""
    memory = steps.memory(codes.parse(text), 2, "Z", resolve("loss=0.02"), check)
    seen = atoms.sample(memory, 24_000, seed=5)
    alone = seen.lost.sum(axis=1) == 1
    deviations = []
    for number, life in enumerate(memory.lives):
        shots = alone & (seen.lost[:, number] == 1)
        count = int(shots.sum())
        if count < 20:
            continue
        expected = _expected(memory, life)
        fired = seen.dets[shots].sum(axis=0)
        assert not fired[expected == 0].any(), f"life {number} sets off what it cannot"
        some = expected > 0
        spread = np.sqrt(count * expected[some] * (1 - expected[some]))
        deviations.append((fired[some] - count * expected[some]) / spread)
    z = np.concatenate(deviations)
    assert len(z) > 12
    assert np.abs(z).max() < 6
    assert abs(np.mean(z**2) - 1) < 6 * math.sqrt(2 / len(z))


def _expected(memory: steps.Steps, life: Life) -> np.ndarray:
    detectors = symptoms.circuit_of(memory).num_detectors
    expected, kept = np.zeros(detectors), 1.0
    for index, event in enumerate(life.events):
        if event.kind != "loss":
            continue
        weight = kept * event.p / insertions.chance(life)
        kept *= 1 - event.p
        cut = Life(life.qubit, [Event(event.step, "loss", 1.0), *life.events[index + 1 :]], life.end, life.replaced)
        cut.events = [each for each in cut.events if each.kind != "loss" or each.p == 1.0]
        places = [row[:3] for row in insertions.insertions(cut)]
        for number in {d for dets, _ in (symptoms.symptoms(memory, places) if places else []) for d in dets}:
            expected[number] += weight / 2
    return expected


@pytest.mark.parametrize("noise", ["loss=0.01", "circuit=1e-3,loss=0.01"])
def test_data_are_looked_for_between_rounds_and_at_the_end(noise: str) -> None:
    memory = steps.memory(codes.parse("repetition(d=3)"), 3, "Z", resolve(noise), "round")
    assert [life.qubit for life in memory.lives] == [3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2]
    assert [life.replaced for life in memory.lives] == [life.qubit < 3 for life in memory.lives[:-3]] + [False] * 3


@pytest.mark.parametrize("check", ["end", "round"])
@pytest.mark.parametrize("text", ["repetition(d=3)", "surface(d=3)"])
def test_one_lost_atom_is_no_logical_error(text: str, check: Check) -> None:
    """Distance 3 mends two erasures; knowing of one must be enough. Ignoring it is not."""
    memory = steps.memory(codes.parse(text), 3, "Z", resolve("loss=0.01"), check)
    seen = atoms.sample(memory, 8000, seed=3)
    one = seen.lost.sum(axis=1) == 1
    assert one.sum() > 1000
    decoder = LossDecoder(memory)
    known = decoder.decode(seen.dets[one], seen.lost[one])
    assert not (known ^ seen.observables[one]).any()


@pytest.mark.parametrize("check", ["end", "round"])
def test_knowing_the_losses_helps_and_so_does_distance(check: Check) -> None:
    found = [
        atoms.measure_memory(
            codes.parse(f"repetition(d={d})"), "circuit=5e-3,loss=2e-2", shots=20_000, seed=1, check=check
        )
        for d in (3, 5)
    ]
    assert found[1].sigmas > 4
    small, large = (memory.aware for memory in found)
    assert large.errors_any + 4 * math.sqrt(small.errors_any) < small.errors_any
    assert found[0].lost_per_shot < found[1].lost_per_shot


def test_surface_codes_gain_from_knowing_the_losses() -> None:
    found = atoms.measure_memory(
        codes.parse("surface(d=3)"), "circuit=1e-3,loss=1e-2", shots=3000, seed=1, check="round"
    )
    assert found.sigmas > 4
    data = found.as_dict()
    assert data["lost_per_shot"] == pytest.approx(found.lost_per_shot)
    assert data["aware"]["error_per_round"] < data["blind"]["error_per_round"]  # type: ignore[index]
    assert data == {
        **atoms.measure_memory(
            codes.parse("surface(d=3)"), "circuit=1e-3,loss=1e-2", shots=3000, seed=1, check="round"
        ).as_dict(),
        "aware": data["aware"],
        "blind": data["blind"],
    }


TIMED = NoiseModel(loss_rate=50.0, durations={"2q": 1e-4, "measure": 1e-3, "reset": 2e-4}, idle=(Loss(p=2e-3),))


def test_atoms_are_lost_by_time_and_while_they_wait() -> None:
    """Two rounds of three data atoms: in a round layers of a reset, two gates and, but for the last, a measurement."""
    memory = steps.memory(codes.parse("repetition(d=3)"), 2, "Z", TIMED, "end")
    by_time = {name: -math.expm1(-50.0 * seconds) for name, seconds in TIMED.durations.items()}
    data = [[event.p for event in life.events if event.kind == "loss"] for life in memory.lives if life.qubit < 3]
    r, g, m = by_time["reset"], by_time["2q"], by_time["measure"]
    ancillas = [[event.p for event in life.events if event.kind == "loss"] for life in memory.lives if life.qubit == 3]
    assert ancillas == [[pytest.approx(p) for p in (r, g, g)]] * 2
    # data atom 0 has a gate in the first of the two layers, atom 1 in both, atom 2 in the second; the first reset loads
    middle = [r, g, g, m, r, g, g]
    assert sorted(data[1]) == pytest.approx(sorted([*middle, 2e-3, 2e-3]))
    assert sorted(data[0]) == pytest.approx(sorted([*middle, *[2e-3] * 4]))
    seen = atoms.sample(memory, 20_000, seed=4)
    chances = np.array([insertions.chance(life) for life in memory.lives])
    spread = np.sqrt(chances * (1 - chances) / 20_000)
    assert (abs(seen.lost.mean(axis=0) - chances) < 5 * spread).all()


def test_one_atom_lost_by_time_is_no_logical_error_and_knowing_it_helps() -> None:
    memory = steps.memory(codes.parse("repetition(d=3)"), 3, "Z", TIMED, "round")
    seen = atoms.sample(memory, 8000, seed=3)
    one = seen.lost.sum(axis=1) == 1
    assert one.sum() > 1000
    decoder = LossDecoder(memory)
    known = decoder.decode(seen.dets[one], seen.lost[one])
    assert not (known ^ seen.observables[one]).any()
    aware, blind = (
        (decoder.decode(seen.dets, seen.lost, use) ^ seen.observables).ravel() for use in ("aware", "blind")
    )
    rescued, spoilt = int((blind & ~aware & 1).sum()), int((aware & ~blind & 1).sum())
    assert rescued - spoilt > 5 * math.sqrt(rescued + spoilt)


def test_leakage_with_one_chance_is_loss() -> None:
    code = codes.parse("repetition(d=3)")
    leaky, lossy = (steps.memory(code, 2, "Z", resolve(text), "end") for text in ("leak=0.02:0.02", "loss=0.02"))
    assert leaky.steps == lossy.steps
    assert leaky.lives == lossy.lives


def test_what_it_cannot_say_is_refused() -> None:
    code = codes.parse("repetition(d=3)")
    for noise in ("loss_rate=0.1", "erasure=0.1", "idle=0.01,leak=0.1:0.2"):
        with pytest.raises(QmkError) as refused:
            atoms.measure_memory(code, noise, shots=10, seed=1)
        assert refused.value.kind.name == "UNSUPPORTED"
    with pytest.raises(QmkError, match=r"memory of shyps"):
        atoms.measure_memory(codes.parse("shyps(r=3)"), "loss=0.1", shots=10, seed=1)
    with pytest.raises(QmkError, match="no checks of X"):
        atoms.measure_memory(code, "loss=0.1", shots=10, seed=1, basis="X")
    with pytest.raises(QmkError, match="check: there is no 'never'"):
        atoms.measure_memory(code, "loss=0.1", shots=10, seed=1, check="never")  # type: ignore[arg-type]
    with pytest.raises(QmkError, match="more than 20000"):
        atoms.measure_memory(codes.parse("surface(d=99)"), "loss=0.1", shots=10, seed=1)
    with pytest.raises(QmkError, match="shots: 0"):
        atoms.measure_memory(code, "loss=0.1", shots=0, seed=1)
