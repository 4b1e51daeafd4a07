"""Exponentials of Hermitian matrices on a vector, in its Krylov space (Lanczos; Park and Light, J. Chem. Phys. 85, 5870
(1986))."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.complex128]

_CLOSED = 1e-12
"""The norm below which a vector adds nothing to the space."""


def exponential(
    apply: Callable[[Vector], Vector], given: Vector, dt: complex, *, error: float, most: int, first: int
) -> tuple[Vector, int]:
    """``e^(dt H) given`` to about ``error`` of its norm, and how many vectors it took; ``apply`` is H.

    Whether they are enough is asked from ``first`` vectors on, or sooner where the next term of the series is small.
    Where ``most`` are not enough, ``dt`` is cut in half, and the count told is 1.
    """
    size = float(np.linalg.norm(given))
    basis: list[Vector] = [given / size]
    inner = np.zeros((most, most))  # its lower half is read
    beta, term = 0.0, 1.0
    for count in range(1, most + 1):
        made = apply(basis[-1])
        alpha = float(np.vdot(basis[-1], made).real)
        inner[count - 1, count - 1] = alpha
        made = made - alpha * basis[-1]
        if count > 1:
            made -= beta * basis[-2]
        beta = float(np.linalg.norm(made))
        term *= abs(dt) * beta / count
        closed = beta < _CLOSED or count == len(given)
        if closed or term < error or count >= min(first, most):
            values, vectors = np.linalg.eigh(inner[:count, :count])
            weights: Vector = vectors @ (np.exp(dt * values) * vectors[0])
            if closed or abs(dt) * beta * abs(weights[-1]) < error:
                return size * (weights @ np.array(basis)), count
        if count < most:
            inner[count, count - 1] = beta
            basis.append(made / beta)
    for _ in range(2):
        given, _ = exponential(apply, given, 0.5 * dt, error=error, most=most, first=first)
    return given, 1
