"""QMK in the place of QuTiP's solvers: ``from qmk.integrations.qutip import mesolve``."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast

from qmk.base.errors import QmkError

if importlib.util.find_spec("qutip") is None:
    raise QmkError("UNSUPPORTED", "qmk.integrations.qutip needs QuTiP", help="pip install 'quantum-microkernel[qutip]'")

import numpy as np
import qutip as _qutip  # pyright: ignore[reportMissingTypeStubs]

from qmk.adapters.qutip.model import Model
from qmk.integrations.target import Target, state_of
from qmk.models.arguments import show
from qmk.models.dynamics import matrices
from qmk.sdk.adapter import cannot

__all__ = ["Model", "Result", "mcsolve", "mesolve", "sesolve"]

qutip: Any = _qutip
Array = np.ndarray[Any, np.dtype[Any]]
LARGEST_OF_STATES = 16
"""Levels of a model whose states on the way are given: each comes from the values of so many squared operators."""
FINEST = {"rtol": 1e-9, "atol": 1e-11, "nsteps": 0}
"""What QMK's integration keeps to; a user's option that asks for no more is met."""


class Result:
    """What a solver gives: ``times``; ``expect``, an array for each of ``e_ops``; ``e_data``, the same by its key, or
    by its number in a list. ``final_state`` where ``store_final_state`` is set or there are no ``e_ops``, else None;
    ``states`` at all times where ``store_states`` is set or there are no ``e_ops``, of models of at most
    ``LARGEST_OF_STATES`` levels. State vectors are known up to a global phase. ``solver`` is the method that ran.

    ``mcsolve`` adds ``std_expect`` and ``std_e_data``, the standard deviations over the ``num_trajectories``, and the
    names ``average_expect`` and ``average_e_data`` for the means. ``qmk`` is QMK's own result."""

    def __init__(
        self,
        model: Model,
        keys: Sequence[Any],
        found: Any,
        final_state: Any,
        trajectories: int = 0,
        states: list[Any] | None = None,
    ) -> None:
        self.times: list[float] = model.times.tolist()
        self.qmk, self.final_state, self._states = found, final_state, states
        self.solver: str = found.method
        rows: Any = found.trajectory if keys else {}
        self.e_data: dict[Any, Array] = {}
        deviations: dict[Any, Array] = {}
        for at, key in enumerate(keys):
            self.e_data[key] = _values_of(rows, at)
            if trajectories:
                parts = _parts_of(rows, at)
                squares = np.sum([rows.errors(part) ** 2 for part in parts], axis=0)
                deviations[key] = np.sqrt(squares * (trajectories - 1))
        self.expect = list(self.e_data.values())
        if trajectories:
            self.num_trajectories = trajectories
            self.average_e_data, self.average_expect = self.e_data, self.expect
            self.std_e_data, self.std_expect = deviations, list(deviations.values())

    @property
    def states(self) -> list[Any]:
        """The states at ``times``; none with ``e_ops``, as QuTiP has it, unless ``store_states`` is set. Raises
        UNSUPPORTED for a model of more than ``LARGEST_OF_STATES`` levels."""
        if self._states is None and not self.expect:
            fix = "use final_state, or give e_ops for values on the way"
            what = f"the states on the way are given of at most {LARGEST_OF_STATES} levels"
            raise cannot("qutip", what, "result.states", fix)
        return [] if self._states is None else self._states

    def __repr__(self) -> str:
        return f"<Result of {self.solver}: {len(self.expect)} values at {len(self.times)} times>"


def sesolve(
    H: Any,
    psi0: Any,
    tlist: Any,
    *,
    e_ops: Any = None,
    args: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    server: str | None = None,
    token: str | None = None,
    **run: Any,
) -> Result:
    """``qutip.sesolve`` on QMK. ``server`` and ``token``: a daemon, as ``Target`` takes them; without them the work is
    done in this process. ``run``: options of ``qmk.run``. Raises ``QmkError`` UNSUPPORTED naming what cannot be had."""
    if not (isinstance(psi0, qutip.Qobj) and psi0.isket):
        _refuse("it is not a state vector", "psi0", "give a ket, or use mesolve")
    return _solve("SESolver", Target(server, token, **run), (H, psi0, tlist, None, e_ops), args, options)


def mesolve(
    H: Any,
    rho0: Any,
    tlist: Any,
    c_ops: Any = None,
    *,
    e_ops: Any = None,
    args: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    server: str | None = None,
    token: str | None = None,
    **run: Any,
) -> Result:
    """``qutip.mesolve`` on QMK; see ``sesolve``, which it is where nothing is lost from a state vector, as in QuTiP."""
    return _solve("MESolver", Target(server, token, **run), (H, rho0, tlist, c_ops, e_ops), args, options)


def mcsolve(
    H: Any,
    state: Any,
    tlist: Any,
    c_ops: Any = (),
    *,
    e_ops: Any = None,
    ntraj: int = 500,
    args: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    seeds: Any = None,
    target_tol: Any = None,
    timeout: Any = None,
    server: str | None = None,
    token: str | None = None,
    **run: Any,
) -> Result:
    """``qutip.mcsolve`` on QMK; see ``sesolve``. ``seeds`` is one number, from which those of all trajectories follow;
    the draws are QMK's, not QuTiP's."""
    for name, given in (("target_tol", target_tol), ("timeout", timeout)):
        if given is not None:
            _refuse("there is no such bound", name, "leave it out, and give ntraj")
    if seeds is not None and (isinstance(seeds, bool) or not isinstance(seeds, int)):
        _refuse(f"{show(seeds, 40)} is not one number", "seeds", "give such as seeds=7")
    if not _rows(e_ops):
        _refuse("trajectories give values only", "e_ops", "give operators, or use mesolve for a final state")
    target = Target(server, token, **{"engine": "qutip:mcsolve", "shots": ntraj, "seed": seeds, **run})
    return _solve("MCSolver", target, (H, state, tlist, c_ops, e_ops), args, options, ntraj)


def _solve(
    solver: str,
    target: Target,
    given: tuple[Any, Any, Any, Any, Any],
    args: Mapping[str, Any] | None,
    options: Mapping[str, Any] | None,
    trajectories: int = 0,
) -> Result:
    energy, start, times, losses, watched = given
    final, stored = _read(getattr(qutip, solver), options or {})
    rows = _rows(watched)
    if (final or stored) and trajectories:
        name = "store_final_state" if final else "store_states"
        _refuse("the mean state of trajectories is not given", f"options['{name}']", "use mesolve")
    final = final or not rows
    units = _units(start, stored, bool(rows))
    model = Model(energy, start, times, losses, [*rows.values(), *units], args=args)
    pure = start.isket and "collapse" not in model.document
    asked = {"state": final and pure, "density": final and not pure, "trajectory": bool(rows or units)}
    try:
        shots = {} if trajectories else {"shots": 1}
        found = target.result(model, **asked, counts=False, options={"format": "dynamics", **shots})
    finally:
        target.close()
    states = _states(model, found.trajectory, len(rows), pure) if units else None
    return Result(model, list(rows), found, _state(model, found, pure) if final else None, trajectories, states)


def _parts_of(rows: Any, at: int) -> list[str]:
    """The names of the values of operator ``at``: of one that is not Hermitian its real and imaginary parts."""
    return [f"e{at}"] if f"e{at}" in rows else [f"re(e{at})", f"im(e{at})"]


def _values_of(rows: Any, at: int) -> Array:
    real, *imaginary = (rows[part] for part in _parts_of(rows, at))
    return real + 1j * imaginary[0] if imaginary else real


def _units(start: Any, stored: bool, has_rows: bool) -> list[Any]:
    """The operators |k><j| with j <= k, whose values are the entries (j, k) of a density matrix; none where no states
    on the way are wanted. Raises UNSUPPORTED where they are asked for by name and the model is too large."""
    if not stored and has_rows:
        return []
    if not isinstance(start, qutip.Qobj) or start.shape[0] > LARGEST_OF_STATES:
        if stored:
            what = f"the states on the way are given of at most {LARGEST_OF_STATES} levels"
            _refuse(what, "options['store_states']", "give e_ops for values on the way")
        return []
    size, dims = start.shape[0], [start.dims[0]] * 2
    found: list[Any] = []
    for j in range(size):
        for k in range(j, size):
            unit = np.zeros((size, size))
            unit[k, j] = 1
            found.append(qutip.Qobj(unit, dims=dims))
    return found


def _states(model: Model, rows: Any, first: int, pure: bool) -> list[Any]:
    """The states at all times, from the values of ``_units``, which begin with number ``first``. A state vector is the
    column of its largest chance: the phase of that level is 1."""
    size = math.prod(model.levels)
    entries = np.zeros((len(model.times), size, size), complex)
    at = first
    for j in range(size):
        for k in range(j, size):
            entries[:, j, k] = _values_of(rows, at)
            entries[:, k, j] = entries[:, j, k].conj()
            at += 1
    if not pure:
        return [qutip.Qobj(each, dims=[model.levels] * 2) for each in entries]
    found: list[Any] = []
    for each in cast("list[Any]", list(entries)):
        column = each[:, int(np.argmax(np.real(np.diagonal(each))))]
        found.append(qutip.Qobj(column / np.linalg.norm(column), dims=[model.levels, [1]]))
    return found


def _state(model: Model, found: Any, pure: bool) -> Any:
    """The state among the levels of the subsystems, out of that of the qubits that hold them."""
    places = matrices.of_qubits(model.levels)
    if pure:
        return qutip.Qobj(state_of(found)[places], dims=[model.levels, [1]])
    return qutip.Qobj(found.density[np.ix_(places, places)], dims=[model.levels] * 2)


def _rows(given: Any) -> dict[Any, Any]:
    """Operators by the keys that QuTiP gives them."""
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return dict(cast("Mapping[Any, Any]", given))
    return dict(enumerate(cast("list[Any]", given) if isinstance(given, (list, tuple)) else [given]))


def _read(solver: Any, options: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether the final state is wanted, and whether those on the way are. Raises UNSUPPORTED for an option that QMK
    does not keep to: all may have the value that they have in QuTiP by themselves. No bar of progress is drawn."""
    usual = dict(solver.solver_options)
    usual |= solver.avail_integrators()[usual["method"]].integrator_options
    for name, value in options.items():
        if name not in usual:
            _refuse("there is no such option", f"options['{name}']", f"there are {', '.join(usual)}")
        if name in FINEST:
            kept = isinstance(value, (int, float)) and not math.isnan(value) and value >= FINEST[name]
        elif name in ("progress_bar", "progress_kwargs"):
            kept = True
        elif name in ("store_final_state", "normalize_output", "store_states"):
            kept = isinstance(value, bool) or value == usual[name]
        else:
            kept = value == usual[name]
        if not kept:
            _refuse(f"it cannot be {show(value, 40)}", f"options['{name}']", "leave it out")
    return bool(options.get("store_final_state", False)), bool(options.get("store_states", False))


def _refuse(what: str, place: str, fix: str) -> NoReturn:
    raise cannot("qutip", what, place, fix)
