"""Matrices on a state from zeros, against numpy; and density matrices against sums over Kraus operators."""

from __future__ import annotations

import random

import numpy as np
import pytest
import qmk_native

from qmk.exact.density import density_matrix, kraus_operators
from qmk.ir.program import Gate, Instruction, KrausNoise, PauliNoise, PauliNoise2, Program, Reset
from qmk.ir.unitary import apply


def test_matrices_with_controls() -> None:
    rng = np.random.default_rng(3)
    for n in (1, 2, 5, 7):
        state, steps = np.zeros((2,) * n, dtype=complex), []
        state[(0,) * n] = 1
        for _ in range(12):
            k = int(rng.integers(1, min(n, 4) + 1))
            on = rng.permutation(n).tolist()
            qubits, controls = tuple(on[:k]), tuple(on[k : k + 1]) if k < 3 else ()
            matrix = (rng.normal(size=(2**k, 2**k)) + 1j * rng.normal(size=(2**k, 2**k))) / 2**k
            whole = np.eye(2 ** (k + len(controls)), dtype=complex)
            whole[-(2**k) :, -(2**k) :] = matrix
            state = apply(state, whole, (*controls, *qubits))
            steps.append(([(z.real, z.imag) for z in matrix.reshape(-1).tolist()], qubits, controls))
        found = np.frombuffer(qmk_native.apply_matrices(n, steps), dtype=complex)
        assert np.allclose(found, state.reshape(-1), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "step",
    [([(1.0, 0.0)] * 4, (2,), ()), ([(1.0, 0.0)] * 3, (0,), ()), ([(1.0, 0.0)] * 4, (0,), (0,)), ([], (), ())],
)
def test_what_does_not_fit_is_refused(step: tuple[list[tuple[float, float]], tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="matrix"):
        qmk_native.apply_matrices(2, [step])
    with pytest.raises(MemoryError):
        qmk_native.apply_matrices(20, [], memory_limit=1000)


def item_at_random(rng: random.Random) -> Instruction:
    a, b, c = rng.sample(range(4), 3)
    share = rng.random() / 5
    damping = (((1, 0), (0, (1 - share) ** 0.5)), ((0, share**0.5), (0, 0)))
    return rng.choice(
        [
            Gate("u", (a,), (rng.random(), rng.random(), rng.random())),
            Gate("cp", (a, b), (rng.random(),)),
            Gate("cnot", (a, b)),
            Gate("swap", (a, b)),
            Gate("cswap", (a, b, c)),
            Gate("gphase", (), (0.3,)),
            PauliNoise(a, share, 0.1, 0.05),
            PauliNoise2((a, b), tuple(share if k in (2, 9) else 0.0 for k in range(15))),
            PauliNoise2((a, b), (0.0, 0.0, share, *[0.0] * 12)),
            KrausNoise((b,), damping),
            Reset(c),
        ]
    )


@pytest.mark.parametrize("seed", range(8))
def test_density_matrices(seed: int) -> None:
    rng = random.Random(seed)
    items = tuple(item_at_random(rng) for _ in range(25))
    rho = np.zeros((2,) * 8, dtype=complex)
    rho[(0,) * 8] = 1
    for item in items:
        qubits, operators = kraus_operators(item)
        columns = tuple(4 + qubit for qubit in qubits)
        rho = np.sum([apply(apply(rho, k, qubits), k.conj(), columns) for k in operators], axis=0)
    found = density_matrix(Program(4, 0, items, (), {}))
    assert np.allclose(found, np.asarray(rho).reshape(16, 16), rtol=0, atol=1e-12)
