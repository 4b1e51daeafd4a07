"""Evolutions of open systems for the engine kit: ``dynamics.evolve`` with its exact end and values, from formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qmk.sdk.kit.evolutions import Args, Array, Evolution


def _one(op: str, on: int = 0, factor: float = 1.0, **more: Any) -> Args:
    return {"factor": factor, "of": [{"op": op, "on": on}], **more}


def _two(a: str, i: int, b: str, j: int, factor: float) -> Args:
    return {"factor": factor, "of": [{"op": a, "on": i}, {"op": b, "on": j}]}


def _program(name: str, args: Args, final: Array, values: dict[str, list[float]]) -> Evolution:
    return Evolution(name, (("dynamics.evolve", args),), final, values)


def _on_all(op: str, n: int, factor: float = 1.0) -> list[Args]:
    return [_one(op, k, factor) for k in range(n)]


def _power(matrix: Array, n: int) -> Array:
    """The product of n copies."""
    out = np.ones((1,) * matrix.ndim, dtype=np.complex128)
    for _ in range(n):
        out = np.kron(out, matrix)
    return out


def _turned_spins(n: int = 3, field: float = 1.1) -> Evolution:
    """Each turns about x by ``field`` times the time, and is at cos(field t) along z."""
    times = [0.0, 0.6, 1.2]
    half = field * times[-1] / 2
    args = {"levels": [2] * n, "hamiltonian": _on_all("sx", n, field / 2), "times": times}
    final = _power(np.array([math.cos(half), -1j * math.sin(half)]), n)
    along = [n * math.cos(field * t) for t in times]
    return _program("three turned spins", {**args, "observables": {"sz": _on_all("sz", n)}}, final, {"sz": along})


def _cavity(g: float = 0.7) -> Evolution:
    """An excited atom in a cavity with two photons: their number rises by sin^2(g sqrt(3) t)."""
    times = [0.0, 0.5, 0.9]
    turned = [g * math.sqrt(3) * t for t in times]
    final = np.zeros(8, dtype=np.complex128)
    final[0b100], final[0b111] = math.cos(turned[-1]), -1j * math.sin(turned[-1])
    args = {
        "levels": [4, 2],
        "hamiltonian": [_two("a", 0, "sp", 1, g), _two("adag", 0, "sm", 1, g)],
        "initial": [{"on": 0, "level": 2}, {"on": 1, "level": 0}],
        "times": times,
        "observables": {"n": [_one("n")]},
    }
    return _program("an atom in a cavity", args, final, {"n": [2 + math.sin(angle) ** 2 for angle in turned]})


def _pulse() -> Evolution:
    """The angle is twice the area under the envelope: 0.6 after the first line, 1.4 after the second."""
    time = {"times": [0.0, 1.0, 2.0], "values": [0.0, 1.2, 0.4]}
    args = {"levels": [2], "hamiltonian": [_one("sx", time=time)], "times": time["times"]}
    final = np.array([math.cos(1.4), -1j * math.sin(1.4)])
    along = [1.0, math.cos(1.2), math.cos(2.8)]
    return _program("a pulse along lines", {**args, "observables": {"sz": [_one("sz")]}}, final, {"sz": along})


def _decay(t1: float = 1.5, dephasing: float = 0.15) -> Evolution:
    """<|0><0|> falls as exp(-t / T1), the coherence as exp(-t / (2 T1) - 2 rate t)."""
    times = [0.0, 0.7, 1.4]
    up, across = (
        [p * math.exp(-t / T) for t in times] for p, T in ((0.64, t1), (0.96, 1 / (0.5 / t1 + 2 * dephasing)))
    )
    args = {
        "levels": [2],
        "hamiltonian": [],
        "collapse": [{"rate": 1 / t1, "operator": [_one("sm")]}, {"rate": dephasing, "operator": [_one("sz")]}],
        "initial": [{"on": 0, "vector": [[0, 0.8, 0.0], [1, 0.6, 0.0]]}],
        "times": times,
        "observables": {"up": [_one("|0><0|")], "sx": [_one("sx")]},
    }
    final = np.array([[up[-1], across[-1] / 2], [across[-1] / 2, 1 - up[-1]]])
    return _program("a qubit that decays and dephases", args, final, {"up": up, "sx": across})


def _damped_cavity(kappa: float = 0.5, photons: int = 3) -> Evolution:
    """Each photon stays with probability exp(-kappa t)."""
    times = [0.0, 0.6, 1.2]
    stay = math.exp(-kappa * times[-1])
    chances = [math.comb(photons, k) * stay**k * (1 - stay) ** (photons - k) for k in range(photons + 1)]
    args = {
        "levels": [5],
        "hamiltonian": [_one("n", 0, 2.0)],
        "collapse": [{"rate": kappa, "operator": [_one("a")]}],
        "initial": [{"on": 0, "level": photons}],
        "times": times,
        "observables": {"n": [_one("n")]},
    }
    final = np.diag([*chances, *(0.0,) * (8 - len(chances))])
    return _program("a damped cavity", args, final, {"n": [photons * math.exp(-kappa * t) for t in times]})


def _mixed_start() -> Evolution:
    """A mixture of 0 and 1, turned about x by 1.3."""
    turn = np.array([[math.cos(0.65), -1j * math.sin(0.65)], [-1j * math.sin(0.65), math.cos(0.65)]])
    args = {
        "levels": [2],
        "hamiltonian": [_one("sx", 0, 0.5)],
        "initial": [{"on": 0, "density": [[0, 0, 0.25, 0.0], [1, 1, 0.75, 0.0]]}],
        "times": [0.0, 1.3],
        "observables": {"sz": [_one("sz")]},
    }
    final = turn @ np.diag([0.25, 0.75]) @ turn.conj().T
    return _program("a mixed start", args, final, {"sz": [-0.5, -0.5 * math.cos(1.3)]})


def _decay_alone(n: int = 3, rate: float = 0.6) -> Evolution:
    times = [0.0, 0.5, 1.0]
    stay = math.exp(-rate * times[-1])
    args = {
        "levels": [2] * n,
        "hamiltonian": [],
        "collapse": [{"rate": rate, "operator": [_one("sm", k)]} for k in range(n)],
        "times": times,
        "observables": {"up": _on_all("|0><0|", n)},
    }
    final = _power(np.diag([stay, 1 - stay]), n)
    return _program("spins that decay alone", args, final, {"up": [n * math.exp(-rate * t) for t in times]})


def _decay_together(rate: float = 0.4) -> Evolution:
    """Two excited spins pass through the symmetric state: exp(-2 rate t), 2 rate t exp(-2 rate t), and the rest."""
    times = [0.0, 0.5, 1.0]
    rows = [(math.exp(-2 * rate * t), 2 * rate * t * math.exp(-2 * rate * t)) for t in times]
    both, middle = rows[-1]
    final = np.diag([both, middle / 2, middle / 2, 1 - both - middle])
    final[1, 2] = final[2, 1] = middle / 2
    args = {
        "levels": [2, 2],
        "hamiltonian": [],
        "collapse": [{"rate": rate, "operator": _on_all("sm", 2)}],
        "times": times,
        "observables": {"up": _on_all("|0><0|", 2)},
    }
    return _program("spins that decay together", args, final, {"up": [2 * a + b for a, b in rows]})


def open_evolutions() -> list[Evolution]:
    return [
        _turned_spins(),
        _cavity(),
        _pulse(),
        _decay(),
        _damped_cavity(),
        _mixed_start(),
        _decay_alone(),
        _decay_together(),
    ]


def skew() -> Evolution:
    """A Hamiltonian that is not Hermitian, of alike spins: no state follows from it."""
    return _program(
        "a Hamiltonian that is not Hermitian",
        {"levels": [2, 2], "hamiltonian": _on_all("sm", 2), "times": [0.0, 1.0]},
        np.eye(1, 4)[0],
        {},
    )
