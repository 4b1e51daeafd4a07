"""Hands a model to QuTiP's solvers, and takes values and final states back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np
import qutip as _qutip  # pyright: ignore[reportMissingTypeStubs]

from qmk.base.seeds import substream
from qmk.engines.qutip import LOCAL_ERROR, piqs
from qmk.exact.rng import Rng
from qmk.models.dynamics import matrices
from qmk.models.dynamics.matrices import Array, Matrix
from qmk.qvm.families.dynamics import Envelope, Model
from qmk.sdk.engine import Unsupported

qutip: Any = _qutip
OPTIONS: Mapping[str, Any] = {
    "rtol": LOCAL_ERROR,
    "atol": LOCAL_ERROR / 100,
    "nsteps": 10_000_000,
    "progress_bar": "",
    "normalize_output": False,
    "store_final_state": True,
    "store_states": False,
}


class Solved(msgspec.Struct, frozen=True):
    """``values[name]`` and ``errors[name]``, shape (times,). ``final``: the state, a vector or a matrix over all states
    of the subsystems, or one vector a trajectory. ``places``: the index of each state among those of the qubits."""

    values: dict[str, Any]
    errors: dict[str, Any]
    final: Any
    places: Any
    notes: dict[str, Any]
    each_shot: bool = False
    draws: Any = None

    @property
    def nbytes(self) -> int:
        return 0 if self.final is None else int(self.final.nbytes)

    def draw(self, shots: int, rng: Rng) -> Array:
        """Indexes among the states of the qubits, shape (shots,)."""
        if self.draws is not None:
            return self.draws(shots, rng)
        if self.each_shot:
            chances = np.abs(self.final) ** 2
        elif self.final.ndim == 1:
            chances = np.abs(self.final[None]) ** 2
        else:
            chances = np.maximum(self.final.diagonal().real, 0.0)[None]
        edges = np.cumsum(chances, axis=1)
        edges /= edges[:, -1:]
        where = rng.uniform(shots)
        if self.each_shot:
            found = (edges <= where[:, None]).sum(axis=1)
        else:
            found = np.searchsorted(edges[0], where, side="right")
        return self.places[np.minimum(found, edges.shape[1] - 1)]


Problem = Callable[[int, int], Solved]
"""Solves a model with a number of trajectories, where the method has them, and a seed."""


def problem(model: Model, method: str) -> Problem:
    """Raises ``Unsupported`` for what is unphysical, and what the method does not have."""
    if method == "piqs":
        run = piqs.problem(model, OPTIONS, coefficient)
        errors = {name: np.zeros(len(model.times)) for name in model.observables}
        return lambda shots, seed: Solved(errors=errors, places=None, **run())
    why = next(matrices.faults(model), "")
    if why:
        raise Unsupported(why)
    start = matrices.state(model)
    if method == "mcsolve" and start.ndim == 2:
        raise Unsupported("a mixed initial state: method mcsolve starts from one state; use mesolve")
    return _Problem(model, method, start)


class _Problem:
    """A model as QuTiP has it."""

    def __init__(self, model: Model, method: str, start: Array) -> None:
        parts, jumps = matrices.hamiltonian(model), matrices.collapses(model)
        self._energy = sum_of(parts, len(start))
        self._jumps = [_with(matrix, time, root=True) for matrix, time in jumps]
        self._observed = {name: _qobj(matrices.operator(row, model.levels)) for name, row in model.observables.items()}
        self._options = {**OPTIONS, **_steps([time for _, time in (*parts, *jumps)], model)}
        self._times, self._places = np.array(model.times), matrices.of_qubits(model.levels)
        self._start = start
        self._method = "sesolve" if method == "mcsolve" and not jumps else method

    def __call__(self, shots: int, seed: int) -> Solved:
        if self._method == "mcsolve":
            return self._trajectories(shots, seed)
        start, options = self._start, self._options
        if self._method == "sesolve":
            psi = qutip.Qobj(start[:, None])
            ran = qutip.sesolve(self._energy, psi, self._times, e_ops=self._observed, options=options)
            final = ran.final_state.full()[:, 0]
        else:
            rho = qutip.Qobj(start if start.ndim == 2 else np.outer(start, start.conj()))
            ran = qutip.mesolve(
                self._energy, rho, self._times, c_ops=self._jumps, e_ops=self._observed, options=options
            )
            final = ran.final_state.full()
        values = {name: real(ran.e_data[name]) for name in self._observed}
        errors = {name: np.zeros(len(self._times)) for name in self._observed}
        return Solved(values, errors, final, self._places, self._notes)

    @property
    def _notes(self) -> dict[str, Any]:
        return {"solver": self._method, "local_error": LOCAL_ERROR}

    def _trajectories(self, shots: int, seed: int) -> Solved:
        options = {key: value for key, value in self._options.items() if key != "normalize_output"}
        options |= {"keep_runs_results": True, "norm_tol": 1e-6, "norm_steps": 20}
        seeds = [np.random.SeedSequence(substream(seed, "qutip", at)) for at in range(shots)]
        ran = qutip.mcsolve(
            self._energy,
            qutip.Qobj(self._start[:, None]),
            self._times,
            self._jumps,
            e_ops=self._observed,
            ntraj=shots,
            seeds=seeds,
            options=options,
        )
        rows = {name: real(ran.runs_e_data[name]) for name in self._observed}
        values = {name: row.mean(axis=0) for name, row in rows.items()}
        errors = {name: row.std(axis=0, ddof=min(1, shots - 1)) / np.sqrt(shots) for name, row in rows.items()}
        final = np.array([state.full()[:, 0] for state in ran.runs_final_states])
        return Solved(values, errors, final, self._places, {**self._notes, "trajectories": shots}, each_shot=True)


def real(given: Any) -> Array:
    """The values of Hermitian operators."""
    found: Array = np.array(given, dtype=np.complex128)
    return np.real(found)


def sum_of(parts: list[tuple[Matrix, Envelope | None]], size: int) -> Any:
    """A Hamiltonian as QuTiP has it, with zero where there is none."""
    found = [_with(matrix, time) for matrix, time in parts] or [_qobj(matrices.sparse.csr_matrix((size, size)))]
    return sum(found[1:], found[0])


def _qobj(matrix: Matrix) -> Any:
    return qutip.Qobj(matrix.astype(complex))


def _with(matrix: Matrix, time: Envelope | None, root: bool = False) -> Any:
    return _qobj(matrix) if time is None else qutip.QobjEvo([[_qobj(matrix), coefficient(time, root)]])


def coefficient(time: Envelope, root: bool = False) -> Any:
    """An envelope as QuTiP has it. ``root``: its square root."""
    if time.times and not root:
        return qutip.coefficient(np.array(time.values), tlist=np.array(time.times), order=time.order)

    def value(t: float) -> float:
        found = float(matrices.values(time, np.array(t)))
        return max(0.0, found) ** 0.5 if root else found

    return qutip.coefficient(value)


def _steps(envelopes: list[Envelope | None], model: Model) -> dict[str, float]:
    """The longest step at which no pulse can be stepped over."""
    span = model.times[-1] - model.times[0]
    found = [span]
    for time in envelopes:
        if time is not None and time.sigma is not None:
            found.append(time.sigma / 2)
        elif time is not None and time.times:
            gaps = np.diff(time.times)
            found.append(max(float(gaps.min()), span / 4096))
    return {"max_step": min(found)} if min(found) < span else {}
