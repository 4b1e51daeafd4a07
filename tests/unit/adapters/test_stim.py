"""Adapter ``stim``: numbers in full, and random circuits there and back."""

from __future__ import annotations

import random

import pytest
import stim

import qmk
from qmk.circuit import objects
from qmk.models.qec import rates, sampling_worker
from qmk.models.stim_text import to_text

FINE = 0.123456789012345
"""More digits than Stim prints."""
UNITARIES = [name for name, data in stim.gate_data().items() if data.is_unitary and name not in ("SPP", "SPP_DAG")]


def _args(circuit: stim.Circuit) -> list[tuple[float, ...]]:
    rows = [row for row in circuit.flattened() if isinstance(row, stim.CircuitInstruction)]
    return sorted(
        tuple(row.gate_args_copy())
        for row in rows
        if row.gate_args_copy() and row.name not in ("DETECTOR", "OBSERVABLE_INCLUDE")
        for _ in row.target_groups()
    )


def _random(seed: int) -> stim.Circuit:
    """Gates of all kinds, measurements, resets, feedback, detectors' rows and Pauli noise on four qubits."""
    rng = random.Random(seed)
    made, records = stim.Circuit(), 0
    for _ in range(rng.randrange(10, 30)):
        pair = rng.sample(range(4), 2)
        match rng.randrange(10):
            case 0:
                name = rng.choice(["M", "MX", "MY", "MR", "MRX", "R", "RX", "RY"])
                made.append(name, pair)
                records += 2 * (name[0] == "M")
            case 1:
                made.append(rng.choice(["MXX", "MYY", "MZZ"]), pair)
                records += 1
            case 2:
                made.append_from_stim_program_text(f"MPP {'!' * rng.randrange(2)}X{pair[0]}*Z{pair[1]}")
                records += 1
            case 3 if records:
                gate = rng.choice(["CX", "CY", "CZ"])
                made.append_from_stim_program_text(f"{gate} rec[-{rng.randint(1, records)}] {pair[0]}")
            case 4:
                made.append(rng.choice(["X_ERROR", "Y_ERROR", "Z_ERROR", "DEPOLARIZE1"]), pair[:1], rng.random() / 4)
            case 5:
                made.append("DEPOLARIZE2", pair, rng.random() ** 9 / 4)
            case 6:
                made.append("PAULI_CHANNEL_1", pair[:1], [rng.random() / 9 for _ in range(3)])
            case _:
                name = rng.choice(UNITARIES)
                made.append(name, pair if stim.gate_data(name).is_two_qubit_gate else pair[:1])
        made.append("TICK", [])  # two MR that Stim joins have flows that Stim itself does not find again
    made.append("M", [0, 1, 2, 3])
    return made


def check_round_trip(seed: int) -> None:
    circuit = _random(seed)
    back = objects.write(qmk.Circuit.from_object(circuit), "stim")
    assert back.num_measurements == circuit.num_measurements
    assert _args(back) == _args(circuit)
    flows = circuit.without_noise().flow_generators()
    assert back.without_noise().has_all_flows(flows), (circuit, back)


def test_circuits_go_there_and_back() -> None:
    for seed in range(25):
        check_round_trip(seed)


def test_every_number_is_in_the_text() -> None:
    text = f"X_ERROR[a(1)\\C]({FINE!r}) 0\nREPEAT[tag] 3 {{\n    REPEAT 2 {{\n        M({FINE / 3!r}) !0\n    }}\n}}\n"
    circuit = stim.Circuit(f"{text}DETECTOR({FINE!r}, 2) rec[-1]\nOBSERVABLE_INCLUDE(0) rec[-1]\n")
    assert stim.Circuit(str(circuit)) != circuit
    assert stim.Circuit(to_text(circuit)) == circuit
    plain = stim.Circuit("H 0\nX_ERROR(0.1) 0\nM 0")
    assert to_text(plain) == str(plain)


def test_a_chance_arrives_in_full() -> None:
    (channel,) = (op for op in qmk.Circuit.from_object(stim.Circuit(f"DEPOLARIZE1({FINE!r}) 0\nM 0")) if op.args)
    assert FINE in channel.args.values()


class _Taken(Exception):
    pass


def test_processes_that_sample_get_the_circuits_own_chances(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "X_ERROR({}) 0\nM 0\nOBSERVABLE_INCLUDE(0) rec[-1]\nDETECTOR rec[-1]"
    fine, coarse = (stim.Circuit(text.format(chance)) for chance in (FINE, f"{FINE:.6g}"))
    jobs: list[sampling_worker.Job] = []

    def take(job: sampling_worker.Job, workers: int) -> None:
        jobs.append(job)
        raise _Taken

    monkeypatch.setattr(rates, "Pool", take)
    with pytest.raises(_Taken):
        rates.measure(fine, shots=2000, seed=3, workers=2)
    assert stim.Circuit(jobs[0].circuit) == fine
    assert rates.digest(fine) != rates.digest(coarse)
