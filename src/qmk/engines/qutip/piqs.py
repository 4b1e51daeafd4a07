"""Identical two-level systems, in the states that are the same for every order of them (QuTiP's ``piqs``; N. Shammah et
al., Phys. Rev. A 98, 063815, 2018): of N spins (N/2 + 1)^2 states instead of 2^N."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import qutip as _qutip  # pyright: ignore[reportMissingTypeStubs]
import qutip.piqs as _piqs  # pyright: ignore[reportMissingTypeStubs]

from qmk.exact.rng import Rng
from qmk.models.dynamics.matrices import Array, complex_of, local
from qmk.qvm.families.dynamics import Collapse, Envelope, Model, Term, subsystems
from qmk.sdk.engine import Unsupported

qutip: Any = _qutip
piqs: Any = _piqs
PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=complex)
CLOSE = 1e-12
Coefficient = Callable[[Envelope], Any]


def _refusal(why: str) -> Unsupported:
    return Unsupported(f"{why}: method piqs takes spins of two levels that are all alike")


def problem(model: Model, options: Mapping[str, Any], coefficient: Coefficient) -> Callable[[], dict[str, Any]]:
    """What solves a model: it gives values, the final density matrix and how shots are drawn, as fields of
    ``solve.Solved``. Raises ``Unsupported`` for what is not alike of all spins."""
    n = len(model.levels)
    if set(model.levels) != {2} or n < 2:
        raise _refusal(f"levels {list(model.levels)[:8]}")
    spins = _Spins(n)
    level = _level(model)
    groups: dict[Envelope | None, list[Term]] = {}
    for term in model.hamiltonian:
        groups.setdefault(term.time, []).append(term)
    parts = [(spins.operator(terms, "hamiltonian"), time) for time, terms in groups.items()]
    whole: Any = piqs.Dicke(n, **_rates(model.collapse, n)).liouvillian()
    for matrix, time in parts:
        if abs((matrix - matrix.dag()).full()).max() > CLOSE * max(1.0, abs(matrix.full()).max()):
            raise _refusal("a Hamiltonian that is not Hermitian, for each of its envelopes")
        moved = qutip.liouvillian(matrix)
        whole = whole + (moved if time is None else qutip.QobjEvo([[moved, coefficient(time)]]))
    observed = {name: spins.operator(terms, f"observables['{name}']") for name, terms in model.observables.items()}
    start = piqs.dicke(n, n / 2, n / 2 - n * level)
    ones = np.array([round(n / 2 - m) for j in np.arange(n / 2, -0.1, -1) for m in np.arange(j, -j - 0.1, -1)])

    def run() -> dict[str, Any]:
        ran = qutip.mesolve(whole, start, np.array(model.times), e_ops=observed, options=dict(options))
        final = ran.final_state.full()
        return {
            "values": {name: np.real(np.array(ran.e_data[name], dtype=np.complex128)) for name in observed},
            "final": final,
            "draws": _Draws(n, np.bincount(ones, np.maximum(final.diagonal().real, 0.0), n + 1)),
            "notes": {"solver": "piqs", "dicke_states": len(ones)},
        }

    return run


class _Draws:
    """``chances[k]``: that k of n spins are in level 1. Which ones is then any choice."""

    def __init__(self, n: int, chances: Array) -> None:
        self._n, self._edges = n, np.cumsum(chances / chances.sum())

    def __call__(self, shots: int, rng: Rng) -> Array:
        ones = np.minimum(np.searchsorted(self._edges, rng.uniform(shots), side="right"), self._n)
        order = rng.uniform(shots * self._n).reshape(shots, self._n).argsort(axis=1).argsort(axis=1)
        return ((order < ones[:, None]) << np.arange(self._n - 1, -1, -1, dtype=np.int64)).sum(axis=1)


class _Spins:
    """Sums over all of n spins, and over all pairs of them, as matrices in Dicke's basis."""

    def __init__(self, n: int) -> None:
        self.n = n
        spins = [2 * piqs.jspin(n, axis) for axis in "xyz"]
        self.sums = [n * qutip.qeye(spins[0].dims[0]), *spins]

    def operator(self, terms: Sequence[Term], place: str) -> Any:
        """Raises ``Unsupported`` where spins, or pairs of them, differ."""
        ones, pairs = np.zeros((self.n, 4), dtype=complex), dict[tuple[int, int], Array]()
        constant = 0j
        for term in terms:
            local_of = _by_spin(term)
            factor, on = complex_of(term.factor), sorted(local_of)
            if len(on) > 2:
                raise _refusal(f"{place}: a term of {len(on)} spins")
            if not on:
                constant += factor
            elif len(on) == 1:
                ones[on[0]] += factor * local_of[on[0]]
            else:
                found = factor * np.outer(local_of[on[0]], local_of[on[1]])
                pairs[on[0], on[1]] = pairs.get((on[0], on[1]), 0) + found
        if abs(ones - ones[0]).max() > CLOSE * max(1.0, abs(ones).max()):
            raise _refusal(f"{place}: its spins differ")
        single = ones[0].copy()
        if pairs:
            first = next(iter(pairs.values()))
            every = [pairs.get(pair, 0 * first) for pair in itertools.combinations(range(self.n), 2)]
            if max(abs(one - first).max() for one in [*every, first.T]) > CLOSE * max(1.0, abs(first).max()):
                raise _refusal(f"{place}: its pairs of spins differ")
        else:
            first = np.zeros((4, 4), dtype=complex)
        result = (constant / self.n) * self.sums[0]
        for a, b in itertools.product(range(4), repeat=2):
            if first[a, b]:  # a sum over pairs is half that over all i, j without i = j
                result = result + 0.5 * first[a, b] * (self.sums[a] @ self.sums[b])
                single -= 0.5 * first[a, b] * _paulis_of(PAULIS[a] @ PAULIS[b])
        return sum((c * s for c, s in zip(single, self.sums, strict=True) if c), result)


def _paulis_of(matrix: Array) -> Array:
    return np.einsum("aij,ji->a", PAULIS, matrix) / 2


def _by_spin(term: Term) -> dict[int, Array]:
    """The product on each spin, in Pauli matrices."""
    found: dict[int, Array] = {}
    for part in term.of:
        on = subsystems(part.on)
        if len(on) != 1:
            raise _refusal("a matrix on several subsystems")
        found[on[0]] = found.get(on[0], np.eye(2)) @ local(part, (2,) * (on[0] + 1)).toarray()
    return {spin: _paulis_of(matrix) for spin, matrix in found.items()}


def _level(model: Model) -> int:
    levels = dict.fromkeys(range(len(model.levels)), 0)
    for start in model.initial:
        if start.level is None:
            raise _refusal("an initial state that is not a level")
        levels[subsystems(start.on)[0]] = start.level
    if len(set(levels.values())) > 1:
        raise _refusal("spins that start in different levels")
    return levels[0]


_KINDS = {"pumping": (0, 1, 1j, 0), "emission": (0, 1, -1j, 0), "dephasing": (0, 0, 0, 1)}
"""Operators of a spin whose dissipation piqs has: s+, s- and sz, in Pauli matrices."""


def _rates(rows: Sequence[Collapse], n: int) -> dict[str, float]:
    """Rates by piqs' names: of each spin, and of all together."""
    each = {kind: [0.0] * n for kind in _KINDS}
    rates: dict[str, float] = {}
    for at, row in enumerate(rows):
        if row.time is not None:
            raise _refusal(f"collapse[{at}]: its rate changes in time")
        found: dict[int, Array] = {}
        for term in row.operator:
            for spin, paulis in _by_spin(term).items():
                found[spin] = found.get(spin, 0) + complex_of(term.factor) * paulis
            if len(term.of) != 1:
                raise _refusal(f"collapse[{at}]: a product of operators")
        rows_of = list(found.values())
        if len(found) not in (1, n) or any(abs(one - rows_of[0]).max() > CLOSE for one in rows_of):
            raise _refusal(f"collapse[{at}]: it is neither of one spin nor alike of all")
        kind = next((k for k, form in _KINDS.items() if _share(rows_of[0], form) is not None), None)
        if kind is None:
            raise _refusal(f"collapse[{at}]: it is none of sp, sm and sz")
        rate = row.rate * float(_share(rows_of[0], _KINDS[kind]) or 0.0)
        if len(found) == 1:
            each[kind][next(iter(found))] += rate
        else:
            rates[f"collective_{kind}"] = rates.get(f"collective_{kind}", 0.0) + rate
    for kind, of_spins in each.items():
        if not math.isclose(min(of_spins), max(of_spins), rel_tol=CLOSE):
            raise _refusal(f"its spins differ in {kind}")
        rates[kind] = of_spins[0]
    return rates


def _share(paulis: Array, form: Sequence[complex]) -> float | None:
    """The rate that goes with a multiple of an operator; None where it is not a multiple. piqs has jz = sz / 2, and s+
    and s- are half of the sums of Pauli matrices in ``form``."""
    shape = np.array(form, dtype=complex)
    scale = np.vdot(shape, paulis) / np.vdot(shape, shape)
    return 4 * abs(scale) ** 2 if abs(paulis - scale * shape).max() <= CLOSE and abs(scale) > 0 else None
