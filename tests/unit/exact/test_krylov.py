"""Exponentials in Krylov spaces against diagonalised matrices."""

from __future__ import annotations

import numpy as np
import pytest

from qmk.exact.krylov import exponential


def hermitian(n: int, scale: float) -> np.ndarray:
    rng = np.random.default_rng(n)
    made = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    return scale * (made + made.conj().T) / np.sqrt(8 * n)


@pytest.mark.parametrize("first", [0, 8, 40])
@pytest.mark.parametrize(("n", "dt"), [(1, -1j), (2, -5j), (50, -0.01j), (50, -3j), (200, -3j), (50, 0.7)])
def test_it_is_the_exponential(n: int, dt: complex, first: int) -> None:
    h = hermitian(n, 2.0)
    given = np.random.default_rng(0).normal(size=n) + 0j
    made, vectors = exponential(h.__matmul__, given, dt, error=1e-9, most=40, first=first)  # pyright: ignore[reportArgumentType]
    values, states = np.linalg.eigh(h)
    exact = states @ (np.exp(dt * values) * (states.conj().T @ given))
    assert np.linalg.norm(made - exact) < 1e-8 * np.linalg.norm(exact)
    assert vectors <= min(n, 40)


def test_where_the_vectors_are_not_enough_the_step_is_cut() -> None:
    h, asked = hermitian(300, 20.0), []

    def apply(x: np.ndarray) -> np.ndarray:
        asked.append(None)
        return h @ x

    given = np.ones(300, dtype=complex)
    made, vectors = exponential(apply, given, -1j, error=1e-10, most=20, first=20)
    values, states = np.linalg.eigh(h)
    exact = states @ (np.exp(-1j * values) * (states.conj().T @ given))
    assert np.linalg.norm(made - exact) < 1e-7 * np.linalg.norm(exact)
    assert (vectors, len(asked) > 40) == (1, True)


def test_a_vector_that_the_matrix_keeps_takes_one() -> None:
    made, vectors = exponential(lambda x: 3.0 * x, np.ones(4, dtype=complex), -2j, error=1e-9, most=10, first=5)
    assert vectors == 1
    assert made == pytest.approx(np.exp(-6j) * np.ones(4))
