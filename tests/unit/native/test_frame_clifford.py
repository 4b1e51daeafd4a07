"""The frame simulator against stim on Clifford circuits of many qubits.

Without noise, the outcomes of a Clifford circuit with parities for feed-forward are uniform on an affine space over
the field of two elements: two samplers agree when the spans of their samples do, which is no statistical question
once there are many more samples than dimensions (a missed dimension has a chance of 2^-(shots - dimensions)).
"""

from __future__ import annotations

import random

import numpy as np
import pytest
import stim
from qmk_native import FramePlan

from qmk.ir.native_circuit import circuit_of
from qmk.ir.program import Gate, Instruction, Measure, PauliNoise, Program, Reset

NAMES = {
    "h": "H", "s": "S", "sdg": "S_DAG", "x": "X", "y": "Y", "z": "Z", "sx": "SQRT_X", "sxdg": "SQRT_X_DAG",
    "cnot": "CX", "cz": "CZ", "cy": "CY", "swap": "SWAP", "iswap": "ISWAP", "iswapdg": "ISWAP_DAG",
}  # fmt: skip


def random_clifford(dice: random.Random, qubits: int, length: int, noise: float) -> tuple[Program, stim.Circuit]:
    """The same circuit twice; a tenth measures or resets, some Paulis are under a measured bit."""
    items: list[Instruction] = []
    text = stim.Circuit()
    cbits = 0
    for _ in range(length):
        q = dice.randrange(qubits)
        draw = dice.random()
        if draw < 0.07:
            items.append(Measure(q, cbits))
            text.append("M", [q])
            cbits += 1
        elif draw < 0.1:
            items.append(Reset(q))
            text.append("R", [q])
        elif draw < 0.13 and cbits:
            bit = dice.randrange(cbits)
            name = dice.choice("xz")
            items.append(Gate(name, (q,), cond=("bit", bit)))
            text.append("CX" if name == "x" else "CZ", [stim.target_rec(bit - cbits), q])
        elif draw < 0.13 + noise:
            chances = [dice.random() / 20 for _ in range(3)]
            items.append(PauliNoise(q, *chances))
            text.append("PAULI_CHANNEL_1", [q], chances)
        else:
            name = dice.choice(list(NAMES))
            targets = dice.sample(range(qubits), 2 if name in ("cnot", "cz", "cy", "swap", "iswap", "iswapdg") else 1)
            items.append(Gate(name, tuple(targets)))
            text.append(NAMES[name], targets)
    for q in range(qubits):
        items.append(Measure(q, cbits))
        text.append("M", [q])
        cbits += 1
    return Program(qubits, cbits, tuple(items), (), {}), text


def sampled(program: Program, shots: int, seed: int) -> np.ndarray:
    plan = FramePlan(circuit_of(program))
    assert plan.width == 0
    bits = plan.run(shots, seed).bits()
    return np.frombuffer(bits, dtype=np.uint8).reshape(shots, program.n_cbits)


def rank(rows: np.ndarray) -> int:
    basis: dict[int, int] = {}
    for row in rows:
        value = int.from_bytes(np.packbits(row).tobytes())
        while value and value.bit_length() in basis:
            value ^= basis[value.bit_length()]
        if value:
            basis[value.bit_length()] = value
    return len(basis)


@pytest.mark.parametrize("qubits", [3, 20, 64, 65, 140, 300])
def test_outcomes_span_the_space_that_stim_finds(qubits):
    dice = random.Random(qubits)
    for seed in range(3):
        program, text = random_clifford(dice, qubits, 6 * qubits, 0.0)
        shots = 2 * qubits + 200
        mine = sampled(program, shots, seed)
        theirs = text.compile_sampler(seed=seed).sample(shots).astype(np.uint8)
        both = np.concatenate([mine ^ mine[0], theirs ^ mine[0]])
        assert rank(both[:shots]) == rank(both) == rank(theirs ^ theirs[0])


def test_noise_flips_the_parities_that_stim_flips():
    """Of 300 parities, two samples of 40,000 shots differ by 9 standard deviations with a chance below 1e-16."""
    dice = random.Random(5)
    shots = 40_000
    for seed in range(4):
        program, text = random_clifford(dice, 12, 150, 0.25)
        mine = sampled(program, shots, seed)
        theirs = text.compile_sampler(seed=seed).sample(shots).astype(np.uint8)
        for _ in range(300):
            chosen = dice.sample(range(program.n_cbits), dice.randint(1, 4))
            a, b = ((bits[:, chosen].sum(axis=1) % 2).mean() for bits in (mine, theirs))
            middle = (a + b) / 2
            assert abs(a - b) <= 9 * np.sqrt(2 * middle * (1 - middle) / shots) + 1e-3
