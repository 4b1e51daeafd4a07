"""Noise models on Stim circuits: where each error strikes, what is refused, calibrations that drift."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import stim

import qmk
from qmk.base.errors import QmkError
from qmk.models.noise import (
    AmplitudeDamping,
    Calibration,
    Depolarize,
    GateRule,
    NoiseModel,
    Pauli,
    Pauli2,
    Readout,
    Relaxation,
    on_stim,
    resolve,
)


def noisy(text: str, noise: str | NoiseModel) -> str:
    return str(on_stim(stim.Circuit(text), resolve(noise)))


def test_the_preset_of_stims_generator() -> None:
    text = "R 0 1\nI_ERROR[round] 0\nTICK\nH 0\nTICK\nCX 0 1\nTICK\nM 0\nMX 1"
    assert noisy(text, "circuit=0.1").splitlines() == [
        "R 0 1", "X_ERROR(0.1) 0 1", "DEPOLARIZE1(0.1) 0", "TICK", "H 0", "DEPOLARIZE1(0.1) 0", "TICK", "CX 0 1",
        "DEPOLARIZE2(0.1) 0 1", "TICK", "X_ERROR(0.1) 0", "M 0", "Z_ERROR(0.1) 1", "MX 1",
    ]  # fmt: skip


def test_the_same_p_is_not_the_same_noise() -> None:
    """Trap: three presets of one p, three hashes; and the short form ``p=`` names one of them."""
    presets = [resolve(f"{name}=1e-3") for name in ("circuit", "uniform", "si1000", "depolarizing", "phenomenological")]
    assert len({model.hash for model in presets}) == 5
    assert resolve("p=1e-3").hash == resolve("circuit=1e-3").hash
    assert NoiseModel().hash == NoiseModel.from_json(NoiseModel().to_json()).hash


def test_a_flip_is_a_flip_in_every_basis() -> None:
    model = NoiseModel(reset=(Pauli(px=0.1),), before_measure=(Pauli(px=0.2),), readout=(Readout(0.3, 0.3),))
    assert noisy("RX 0\nMX 0\nRY 1\nMY 1\nMR 2", model).splitlines() == [
        "RX 0", "Z_ERROR(0.1) 0", "Z_ERROR(0.2) 0", "MX(0.3) 0", "RY 1", "X_ERROR(0.1) 1", "X_ERROR(0.2) 1",
        "MY(0.3) 1", "X_ERROR(0.2) 2", "MR(0.3) 2", "X_ERROR(0.1) 2",
    ]  # fmt: skip


def test_qubits_wait_between_their_first_and_last_op() -> None:
    model = NoiseModel(idle=(Depolarize(0.1, each=True),), idle_measure=(Depolarize(0.2, each=True),))
    text = "R 0\nTICK\nH 1\nTICK\nCX 0 1\nTICK\nM 1\nTICK\nTICK\nM 0"
    assert noisy(text, model).splitlines() == [
        "R 0", "TICK", "H 1", "DEPOLARIZE1(0.1) 0", "TICK", "CX 0 1", "TICK", "M 1", "DEPOLARIZE1(0.2) 0", "TICK",
        "TICK", "M 0",
    ]  # fmt: skip


def test_relaxation_takes_as_long_as_a_layer() -> None:
    model = NoiseModel(relaxation=(Relaxation(1.0, 1.0, twirl=True),), durations={"1q": 0.5, "2q": 1.0})
    circuit = on_stim(stim.Circuit("R 0 1\nTICK\nH 0\nTICK\nCX 0 1\nTICK\nH 0 1"), model)
    chances = [row.gate_args_copy()[0] for row in circuit if row.name == "PAULI_CHANNEL_1"]  # pyright: ignore[reportAttributeAccessIssue]
    assert chances == pytest.approx([(1 - math.exp(-t)) / 4 for t in (0.5, 1.0, 0.5)])


def test_rules_of_gates_and_qubits() -> None:
    model = NoiseModel(
        gates=(
            GateRule((Pauli2({"ZZ": 0.1}),), gates=("cz",)),
            GateRule((Pauli(0.1, 0.2, 0.3),), arity=1, qubits=("q0",)),
        )
    )
    assert noisy("CZ 0 1\nCX 0 1\nH 0 1", model).splitlines() == [
        "CZ 0 1", "PAULI_CHANNEL_2(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.1) 0 1", "CX 0 1", "H 0 1",
        "PAULI_CHANNEL_1(0.1, 0.2, 0.3) 0",
    ]  # fmt: skip
    assert noisy("M 0\nCX rec[-1] 1", "depolarizing=0.1") == "M 0\nCX rec[-1] 1"


def test_biased_noise_is_biased() -> None:
    (row,) = [row for row in on_stim(stim.Circuit("H 0"), resolve("biased=0.11:10")) if row.name == "PAULI_CHANNEL_1"]
    assert row.gate_args_copy() == pytest.approx([0.005, 0.005, 0.1])  # pyright: ignore[reportAttributeAccessIssue]


def test_a_joint_measurement_is_a_gate_and_a_readout() -> None:
    lines = ["DEPOLARIZE2(0.1) 0 1", "MXX(0.1) 0 1", "DEPOLARIZE2(0.1) 0 1", "MPP(0.1) X0*Z1"]
    assert noisy("MXX 0 1\nMPP X0*Z1", "circuit=0.1").splitlines() == lines
    assert noisy("MZZ 0 1", "uniform=0.1").splitlines() == ["DEPOLARIZE2(0.1) 0 1", "MZZ(0.1) 0 1"]


def test_what_only_writes_records_is_no_op() -> None:
    """Heralded errors keep their chance and padding its bits; neither makes a layer in which others wait."""
    for text in ("HERALDED_ERASE(0.1) 0", "HERALDED_PAULI_CHANNEL_1(0.1, 0, 0, 0) 0", "MPAD 0 1"):
        for noise in ("uniform=0.1", "circuit=0.1", "erasure=0.1"):
            assert noisy(text, noise) == text
    assert "DEPOLARIZE1" not in noisy("R 0\nTICK\nMPAD 1\nTICK\nM 0", "idle=0.1")


def test_corrections_by_records_take_no_time() -> None:
    text = "R 0 1\nM 0\nTICK\nCX rec[-1] 1\nTICK\nM 0 1"
    assert "DEPOLARIZE1" not in noisy(text, "idle=0.1")
    text = "R 0 1 2\nM 0\nTICK\nCX rec[-1] 1\nH 2\nTICK\nM 0 1 2"
    assert "H 2\nDEPOLARIZE1(0.1) 0 1\nTICK" in noisy(text, "idle=0.1")
    slow = noisy("R 0\nM 0\nTICK\nCX rec[-1] 0\nTICK\nM 0", "twirled=1us:1us")
    assert slow.count("PAULI_CHANNEL_1") == 2  # in the layers of the preparation and of the read-out alone


def test_loops_stay_unless_qubits_wait() -> None:
    text = "R 0\nREPEAT 5 {\n    TICK\n    MR 0\n    DETECTOR rec[-1]\n}"
    assert "REPEAT 5 {" in noisy(text, "circuit=0.1")
    flat = on_stim(stim.Circuit(text), resolve("uniform=0.1"))
    assert "REPEAT" not in str(flat)
    assert flat.num_measurements == flat.num_detectors == 5


def test_erasure_is_heralded_and_moves_no_detector() -> None:
    text = "R 0 1\nCX 0 1\nM 0\nCX 0 1\nM 0 1\nDETECTOR rec[-3] rec[-2]\nOBSERVABLE_INCLUDE(0) rec[-1]"
    circuit = on_stim(stim.Circuit(text), resolve("erasure=0.25"))
    assert circuit.num_detectors == 1 + 4
    assert circuit.num_measurements == 3 + 4
    quiet = on_stim(stim.Circuit(text), NoiseModel(erasure=1e-12))
    assert not quiet.compile_detector_sampler(seed=1).sample(1000).any()  # pyright: ignore[reportAttributeAccessIssue]
    heralds = circuit.compile_detector_sampler(seed=1).sample(40_000)[:, :2].mean()  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert abs(heralds - 0.25) < 0.01  # 6 standard errors


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (NoiseModel(gates=(GateRule((AmplitudeDamping(0.1),)),)), "noise.amplitude_damping"),
        (NoiseModel(relaxation=(Relaxation(1.0, 1.0),), durations={"1q": 35e-9}), "exact relaxation"),
        (NoiseModel(readout=(Readout(0.1, 0.2),)), "p01 other than p10"),
    ],
)
def test_what_stim_cannot_express_is_refused(model: NoiseModel, match: str) -> None:
    with pytest.raises(QmkError, match=match) as caught:
        on_stim(stim.Circuit("H 0"), model)
    assert caught.value.kind.name == "UNSUPPORTED"


@pytest.mark.parametrize("noise", ["circuit=0.01", "erasure=0.01"])
def test_noise_of_rounds_is_refused_on_programs(noise: str) -> None:
    with pytest.raises(QmkError, match="a program has no rounds"):
        qmk.run("examples/bell.qasm", shots=10, noise=noise)


def test_a_calibration_drifts(tmp_path: Path) -> None:
    path = tmp_path / "fridge.json"
    path.write_text(
        '{"points": [{"time_s": 0, "gate_2q": 0.01, "readout": 0.1}, {"time_s": 3600, "gate_2q": 0.03},'
        ' {"time_s": 7200, "gate_2q": 0.03, "readout": 0.3}]}'
    )
    models = [resolve(f"{path}@{moment}") for moment in ("0s", "0.5h", "1h", "9h")]
    gates = [model.gates[1].errors[0] for model in models]
    assert [error.args()["p"] for error in gates] == pytest.approx([0.01, 0.02, 0.03, 0.03])
    assert [model.readout[0].p01 for model in models] == pytest.approx([0.1, 0.15, 0.2, 0.3])
    assert len({model.hash for model in models}) == 4
    assert models[1].name == "fridge@1800s"
    (error,) = resolve(f"{path}@1.5h").readout
    assert error.p01 == pytest.approx(0.25)  # across the point that leaves it out


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('{"points": []}', "do not rise"),
        ('{"points": [{"time_s": 1}, {"time_s": 1}]}', "do not rise"),
        ('{"points": [{"time_s": 0, "gate_2q": 2.0}]}', "p is 2.0"),
        ('{"points": [{"time_s": 0, "t1_s": 1e-4}]}', "no durations"),
        ('{"points": [{"time": 0}]}', "unknown field `time`"),
    ],
)
def test_a_bad_calibration_is_refused(text: str, match: str) -> None:
    with pytest.raises(QmkError, match=match):
        Calibration.from_json(text)
