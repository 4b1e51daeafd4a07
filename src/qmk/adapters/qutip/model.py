"""``Model``: a Hamiltonian, collapse operators, observables, a state and times as QuTiP's solvers take them, written as
a document of the format "dynamics"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

import msgspec
import numpy as np
import qutip as _qutip  # pyright: ignore[reportMissingTypeStubs]

from qmk.base.limits import LIMITS
from qmk.formats import expression
from qmk.formats.expression_syntax import ExpressionError
from qmk.models.arguments import show
from qmk.models.dynamics import checks, matrices
from qmk.sdk.adapter import cannot

qutip: Any = _qutip
Array = np.ndarray[Any, np.dtype[Any]]
Curve = Callable[[Array], Array]

SAMPLING_ERROR = 1e-9
"""How far a function may be from the spline through its samples, of its largest value, midway between samples."""


def read(program: object, params: Any) -> NoReturn:
    """Raises UNSUPPORTED: an operator alone says neither state nor times."""
    what = f"a {type(program).__name__} alone is not a program: it has neither an initial state nor times"
    raise cannot("qutip", what, show(program, 40), "give qmk.integrations.qutip.Model(H, psi0, tlist, c_ops, e_ops)")


class Model:
    """What ``qutip.mesolve`` takes, as a program for QMK.

    ``H``: a ``Qobj``, a ``QobjEvo``, or a list of ``Qobj`` and [``Qobj``, coefficient]. A coefficient is an array of
    values at ``tlist``, which stays the cubic spline that it is for QuTiP; a text in t and ``args``, which QMK's own
    evaluator reads; a function of t, or QuTiP's ``Coefficient``. Texts and functions are sampled until the spline is
    within ``error`` of them, of their largest value, midway between samples; ``sampled`` has what was reached.

    ``e_ops``: a list, or a mapping of names. The value of an operator that is not Hermitian is two observables,
    re(name) and im(name). ``measure``: the subsystems that are measured at the end, all if None.

    ``document`` is the model as docs/spec/dynamics.md has it, ``to_qmk()`` its text. Raises ``QmkError`` UNSUPPORTED
    naming what cannot be said, and where.
    """

    def __init__(
        self,
        H: Any,
        psi0: Any,
        tlist: Any,
        c_ops: Any = (),
        e_ops: Any = (),
        *,
        args: Mapping[str, Any] | None = None,
        measure: Sequence[int] | None = None,
        error: float = SAMPLING_ERROR,
    ) -> None:
        given: Any = {} if args is None else args
        if not isinstance(given, Mapping) or not all(
            isinstance(name, str) for name in cast("Mapping[Any, Any]", given)
        ):
            _refuse(f"{show(args, 40)} are not values by name", "args", "give such as {'w': 2.0}")
        allowed: Any = error
        if isinstance(allowed, bool) or not isinstance(allowed, (int, float)) or not 0 < allowed < 1:
            _refuse(f"{show(allowed, 40)} is not an error between 0 and 1", "error", "give such as 1e-9")
        self._args, self._error = dict(cast("Mapping[str, Any]", given)), float(allowed)
        self.sampled: dict[str, float] = {}
        self.times = _array(tlist, np.float64, "tlist")
        if self.times.ndim != 1 or not 2 <= len(self.times) <= LIMITS.field_knots:
            _refuse("it is not two or more times in a row", "tlist", "give such as numpy.linspace(0, 10, 101)")
        self.levels = _levels_of(psi0)
        self.document: dict[str, Any] = {
            "format": "qmk.dynamics",
            "version": 1,
            "levels": self.levels,
            "times": self.times.tolist(),
            "hamiltonian": [term for part in self._parts(H, "H") for term in self._terms(*part)],
            "initial": [self._start(psi0)],
        }
        if c_ops is not None and (rows := cast("Any", c_ops) if isinstance(c_ops, (list, tuple)) else [c_ops]):
            given = cast("list[Any]", rows)
            self.document["collapse"] = [self._collapse(row, f"c_ops[{at}]") for at, row in enumerate(given)]
        if e_ops is not None and len(_by_name(e_ops)):
            self.document["observables"] = dict(_observables(_by_name(e_ops), self))
        if measure is not None:
            numbers: Any = measure
            if not isinstance(numbers, (list, tuple)) or not all(
                type(k) is int and 0 <= k < len(self.levels) for k in cast("list[Any]", numbers)
            ):
                _refuse(f"it is not a list of subsystems of 0 to {len(self.levels) - 1}", "measure", "give such as [0]")
            self.document["measure"] = list(measure)
        kept = {
            key: self.document[key]
            for key in ("levels", "hamiltonian", "times", "collapse", "initial", "observables")
            if key in self.document
        }
        why = checks.fault(kept) or next(matrices.faults(checks.model_of(kept)), "")
        if why:
            _refuse(why, "the model", "correct the part that is named")

    def to_qmk(self) -> bytes:
        """The document as text, which is how QMK reads it."""
        return msgspec.json.encode(self.document)

    def save(self, path: str | Path) -> None:
        """Writes the document into a file, for ``qmk run``."""
        Path(path).write_bytes(msgspec.json.format(self.to_qmk(), indent=1))

    def entries(self, operator: Any, place: str) -> list[tuple[int, int, float, float]]:
        """What is not zero of an operator: (row, column, re, im). Raises UNSUPPORTED for what is none here."""
        if not isinstance(operator, qutip.Qobj) or not operator.isoper or operator.dims != [self.levels] * 2:
            _refuse(
                f"{_kind(operator)} is not an operator on levels {self.levels}, which psi0 has",
                place,
                "give a Qobj whose dims fit those of psi0; superoperators are not read",
            )
        matrix = matrices.sparse.coo_matrix(operator.to("csr").data.as_scipy())
        rows = zip(matrix.row.tolist(), matrix.col.tolist(), matrix.data.tolist(), strict=True)
        return [(row, column, z.real, z.imag) for row, column, z in rows if z] or [(0, 0, 0.0, 0.0)]

    def _parts(self, given: Any, place: str) -> list[tuple[Any, Any, str]]:
        """(operator, coefficient or None, place) of a sum as QuTiP has it."""
        if isinstance(given, qutip.QobjEvo):
            given = given.to_list()
        if not isinstance(given, (list, tuple)):
            return [(given, None, place)]
        found: list[tuple[Any, Any, str]] = []
        for at, each in enumerate(cast("list[Any]", given)):
            where = f"{place}[{at}]"
            pair = cast("list[Any]", each) if isinstance(each, (list, tuple)) else []
            if len(pair) == 2:
                found.append((pair[0], pair[1], where))
            else:
                found += self._parts(each, where) if isinstance(each, qutip.QobjEvo) else [(each, None, where)]
        return found

    def _terms(self, operator: Any, coefficient: Any, place: str) -> list[dict[str, Any]]:
        if isinstance(operator, qutip.QobjEvo):
            _refuse("a QobjEvo times a coefficient", place, "give the QobjEvo alone, or a Qobj with its coefficient")
        part = self._factor(self.entries(operator, place))
        if coefficient is None:
            return [{"of": [part]}]
        return [{"factor": factor, "of": [part], "time": time} for factor, time in self._envelopes(coefficient, place)]

    def _factor(self, entries: list[tuple[int, int, float, float]]) -> dict[str, Any]:
        return {"on": list(range(len(self.levels))), "entries": entries}

    def _envelopes(self, coefficient: Any, place: str) -> list[tuple[Any, dict[str, Any]]]:
        """Factors and real envelopes that add up to a coefficient."""
        if isinstance(coefficient, (list, np.ndarray)):
            values = _array(coefficient, np.complex128, place)
            if values.shape != self.times.shape or len(values) < 4:
                _refuse("its values are not one for each of four or more times", place, "give one a time of tlist")
            knots = self.times
        else:
            knots, values = self._sample(self._curve(coefficient, place), place)
        parts: list[tuple[Any, Any]]
        parts = [(1.0, np.real(values)), ([0.0, 1.0], np.imag(values))]
        used = [(factor, part) for factor, part in parts if np.any(part)] or parts[:1]
        return [
            (factor, {"times": knots.tolist(), "values": np.asarray(part, dtype=float).tolist(), "order": 3})
            for factor, part in used
        ]

    def _curve(self, coefficient: Any, place: str) -> Curve:
        """A coefficient as a function of an array of times."""
        if isinstance(coefficient, str):
            return self._of_text(coefficient, place)
        try:
            found = qutip.coefficient(coefficient, tlist=self.times, args=self._args)
            return lambda times: np.array([complex(found(float(t))) for t in times])
        except Exception as error:  # a caller's own function may raise anything
            _refuse(
                f"it cannot be used as a coefficient: {error}"[:300], place, "give an array, a text or a function of t"
            )

    def _of_text(self, text: str, place: str) -> Curve:
        def values(times: Array) -> Array:
            try:
                return np.array(
                    [float(cast("float", expression.evaluate(text, {**self._args, "t": float(t)}))) for t in times]
                )
            except (ExpressionError, TypeError, ValueError) as error:
                why = getattr(error, "message", str(error))
                fix = "write real arithmetic in t and args with sin, cos, exp, sqrt; give what is complex as a function"
                _refuse(f"the text '{text[:60]}' has no value: {why}"[:300], place, fix)

        return values

    def _sample(self, curve: Curve, place: str) -> tuple[Array, Array]:
        """Knots, and a function's values at them, between which a cubic spline is within the error."""
        first, last, count = self.times[0], self.times[-1], 65
        while True:
            fine = cast("Array", np.linspace(first, last, 2 * count - 1))
            values = curve(fine)
            if not np.isfinite(values).all():
                _refuse("its coefficient is not finite at all times", place, "mend the function")
            spline = matrices.interpolate.make_interp_spline(fine[::2], values[::2], 3)
            largest = float(abs(values).max()) or 1.0
            off = float(abs(spline(fine[1::2]) - values[1::2]).max()) / largest
            if off <= self._error:
                self.sampled[place] = off
                return fine[::2], values[::2]
            count = 2 * count - 1
            if 2 * count > LIMITS.field_knots:
                what = f"{count} samples leave an error of {off:.1e} of its largest value, {self._error:g} is allowed"
                _refuse(what, place, "give an array, allow a larger error, or split the times where it jumps")

    def _collapse(self, given: Any, place: str) -> dict[str, Any]:
        parts = self._parts([given] if isinstance(given, (list, tuple)) else given, place)
        if len(parts) > 1 and any(each[1] is not None for each in parts):
            _refuse("a sum with coefficients in time", place, "give one operator and one coefficient")
        found: dict[str, Any] = {"rate": 1.0}
        found["operator"] = [{"of": [self._factor(self.entries(each, where))]} for each, _, where in parts]
        if parts[0][1] is not None:
            coefficient = parts[0][1]
            if not isinstance(coefficient, str):
                coefficient = qutip.coefficient(coefficient, tlist=self.times, args=self._args)
            curve = self._curve(coefficient, place)
            knots, values = self._sample(lambda times: abs(curve(times)) ** 2, place)
            found["time"] = {"times": knots.tolist(), "values": np.real(values).tolist(), "order": 3}
        return found

    def _start(self, state: Any) -> dict[str, Any]:
        on = list(range(len(self.levels)))
        values = state.unit().full() if state.isket else state.full()
        if state.isket:
            if abs(state.norm() - 1.0) > 1e-6:
                _refuse(f"its norm is {state.norm():.6g}, not 1", "psi0", "give psi0.unit()")
            where = np.flatnonzero(values[:, 0]).tolist()
            return {"on": on, "vector": [(k, float(values[k, 0].real), float(values[k, 0].imag)) for k in where]}
        return {"on": on, "density": self.entries(state, "psi0")}

    def __repr__(self) -> str:
        return f"<Model of levels {self.levels} at {len(self.times)} times>"


def _array(given: Any, dtype: Any, place: str) -> Any:
    try:
        return np.array(given, dtype=dtype)
    except Exception:  # a caller's own class may raise anything
        _refuse(f"{show(given, 40)} are not numbers", place, "give a list or an array of numbers")


def _levels_of(state: Any) -> list[int]:
    if not isinstance(state, qutip.Qobj) or not (state.isket or state.isoper):
        _refuse(f"{_kind(state)} is neither a state vector nor a density matrix", "psi0", "give a ket or an operator")
    levels = state.dims[0]
    if not all(isinstance(d, int) and d >= 2 for d in levels):
        _refuse(
            f"its dims {show(state.dims, 80)} are not those of subsystems of two or more levels", "psi0", "use tensor"
        )
    return list(levels)


def _by_name(given: Any) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return {str(name): value for name, value in cast("Mapping[Any, Any]", given).items()}
    rows = cast("list[Any]", given) if isinstance(given, (list, tuple)) else [given]
    return {f"e{at}": value for at, value in enumerate(rows)}


def _observables(given: Mapping[str, Any], model: Model) -> list[tuple[str, list[dict[str, Any]]]]:
    on = list(range(len(model.levels)))
    found: list[tuple[str, Any]] = []
    for name, operator in given.items():
        model.entries(operator, f"e_ops '{name}'")
        if operator.isherm:
            found.append((name, operator))
        else:
            found += [
                (f"re({name})", (operator + operator.dag()) / 2),
                (f"im({name})", (operator - operator.dag()) / 2j),
            ]
    return [(name, [{"of": [{"on": on, "entries": model.entries(one, name)}]}]) for name, one in found]


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"


def _refuse(what: str, place: str, fix: str) -> NoReturn:
    raise cannot("qutip", what, place, fix)
