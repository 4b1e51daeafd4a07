"""Pauli transfer matrices of error channels."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

from qmk.qvm.matrices import PAULI, kron
from qmk.qvm.op import Matrix


def transfer_matrix(operators: Sequence[Matrix]) -> tuple[tuple[float, ...], ...]:
    """The Pauli transfer matrix of a channel by its Kraus operators: entry (i, j) is tr(P_i E(P_j)) / 2^n, Paulis in
    the order II, IX, .. ZZ. A Pauli channel has a diagonal one."""
    import numpy as np  # the daemon reads programs without it

    kraus = np.array(operators, dtype=np.complex128)
    size = kraus.shape[1]
    letters = itertools.product("IXYZ", repeat=size.bit_length() - 1)
    paulis = np.array([functools.reduce(kron, (PAULI[letter] for letter in name)) for name in letters])
    images = np.einsum("kab,jbc,kdc->jad", kraus, paulis, kraus.conj(), optimize=True)
    found = np.einsum("iba,jab->ij", paulis, images).real / size
    return tuple(map(tuple, found.tolist()))
