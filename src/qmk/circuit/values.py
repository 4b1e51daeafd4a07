"""The arguments of ops as callers write them: numbers within their bounds, numpy's arrays, matrices, waveforms.

Positions are in um, times in us, amplitudes and detunings in rad/us, phases in rad.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, SupportsFloat, TypeAlias, TypedDict, cast

from qmk.base.limits import LIMITS, check
from qmk.circuit.declared import OpMethod
from qmk.circuit.operands import whole_number, wrong
from qmk.circuit.store import angles_of
from qmk.ir.parameter_values import leaves
from qmk.ir.parameters import Angle, AngleLike, Expression
from qmk.models.arguments import show, to_plain
from qmk.qvm.families import analog, photonic
from qmk.qvm.graph import Graph, Node
from qmk.qvm.op import Param
from qmk.qvm.verify.arguments import check_arguments
from qmk.qvm.verify.state import State

Numbers: TypeAlias = Iterable[SupportsFloat]
"""A list or an array of numbers."""

Field: TypeAlias = AngleLike | Numbers | tuple[Numbers, Numbers] | Mapping[str, Numbers]
"""A waveform: one number for the whole duration, values at equal distances from its begin to its end, a pair of times
and values, or an object with both."""


class Drive(TypedDict, total=False):
    """Light on atoms: ``amplitude`` and ``detuning`` in rad/us, linear between times; ``phase`` in rad, which holds
    until the next time; ``pattern`` has a weight for each atom; ``transition`` says which two of three levels it
    couples."""

    amplitude: Field
    detuning: Field
    phase: Field
    pattern: Numbers
    transition: Literal["rydberg", "rydberg0", "raman"]


def value_of(name: str, param: Param, given: Any, before: Mapping[str, Any] | None = None) -> Any:
    """The argument of an op, numbers within the bounds of its declaration. ``before``: those declared before it."""
    what = f"{name}: {param.name}"
    match param.kind:
        case "angle" | "float":
            found = _number(what, given)
            low, high = -math.inf if param.low is None else param.low, math.inf if param.high is None else param.high
            if isinstance(found, float) and not low <= found <= high:
                raise wrong(f"{what} is {found:g}", f"give a number from {low:g} to {high:g}")
            return found
        case "int":
            found = whole_number(given)
            if found is None:
                raise wrong(f"{what} is {show(given)}", "give a whole number", param.name)
            return found
        case "pauli":
            return pauli_product(name, given)
        case "kraus":
            return _operators(name, given, "its operators are not a list of matrices", "such as [k0, k1], numpy arrays")
        case "matrix":
            return _operators(name, [given], "its matrix is not rows of numbers", "a numpy array, or rows of numbers")[
                0
            ]
        case "points":
            return [_numbers(what, point) for point in _several(what, given, "places such as [[0.0, 5.0]], in um")]
        case "drives":
            one, duration = isinstance(given, Mapping), (before or {}).get("duration")
            several = [given] if one else _several(what, given, "objects with amplitude, ...")
            return [_drive(f"{what}[{at}]", each, duration) for at, each in enumerate(several)]
        case "data":
            return _data(what, given)
        case "map":
            return _map(what, given)
        case _:
            if not isinstance(given, str):
                raise wrong(f"{what} is {show(given)}", f"give text: {param.doc}", param.name)
            return given


def pauli_product(name: str, given: object, qubits: int | None = None) -> str:
    """One letter a qubit. Raises INVALID_PARAMS for what is not that, or not on so many qubits."""
    if not isinstance(given, str) or not given or set(given) - set("IXYZ"):
        raise wrong(f"{name}: {show(given)} is not a Pauli product", "write one of I, X, Y, Z a qubit: 'XZ'")
    if qubits not in (None, len(given)):
        raise wrong(f"{name}: {show(given)} on {qubits} qubit(s)", "give one letter a qubit")
    return given


def require_arguments(method: OpMethod, args: dict[str, Any], qubits: tuple[int, ...]) -> None:
    """Raises INVALID_PARAMS with the verifier's words for arguments that do not fit together, or not the qubits. What
    has an open parameter is not looked into."""
    op = method.op
    if any(isinstance(value, Expression) for value in leaves(args)):
        return
    written = ("",) * min(max(photonic.n_events(op.name, args), 0), op.produces.high or 0)
    node = Node("", op.name, args, ("",) * len(qubits), produces=written)
    before = _NOTED.findings_count
    check_arguments(_NOTED, node, op, True)
    if _NOTED.findings_count == before:
        return
    state = State(Graph(), None, False, "")
    check_arguments(state, node, op, True)
    for finding in state.report().errors:
        why = finding.message.removeprefix(f"{op.name}: ")
        raise wrong(f"{method.name}: {why}", finding.help or f"write {method.usage}")


_NOTED = State(Graph(), None, False, "")
"""Where arguments are sound nothing is found, and one state does for all: making it takes longer than the checks."""


def _number(what: str, given: Any) -> Angle:
    found = angles_of(what, given)
    if isinstance(found, list):
        raise wrong(f"{what} is one number, not a list", "give one number")
    return found


def _several(what: str, given: Any, wanted: str) -> list[Any]:
    plain = given.tolist() if hasattr(given, "tolist") else given
    if isinstance(plain, (str, bytes, Mapping)) or not isinstance(plain, Iterable):
        raise wrong(f"{what} is {show(given)}", f"give a list or an array of {wanted}")
    found = list(itertools.islice(cast("Iterable[Any]", plain), LIMITS.operands + 1))
    check("operands", len(found), what)
    return found


def _numbers(what: str, given: Any) -> list[Angle]:
    return [_number(what, each) for each in _several(what, given, "numbers")]


def _map(what: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise wrong(f"{what} is {show(given)}", "give an object of numbers by name, such as {'decay_per_us': 0.1}")
    named = {_name(key): value for key, value in cast("Mapping[Any, Any]", given).items()}
    return {key: _number(f"{what}['{key}']", value) for key, value in named.items()}


def _data(what: str, given: Any, depth: int = 0) -> Any:
    """Lists and objects of numbers, names and texts; complex numbers as [re, im]."""
    plain: Any = given.tolist() if hasattr(given, "tolist") else given
    if depth < LIMITS.json_depth:
        if isinstance(plain, Mapping):
            return {_name(k): _data(what, v, depth + 1) for k, v in cast("Mapping[Any, Any]", plain).items()}
        if isinstance(plain, (list, tuple)):
            return [_data(what, each, depth + 1) for each in cast("list[Any]", plain)]
    if isinstance(plain, complex):
        return [plain.real, plain.imag]
    if plain is None or isinstance(plain, (str, int, float, Expression)):
        return plain
    raise wrong(f"{what} holds {show(plain)}", "give lists and objects of numbers and names, see docs/spec/dynamics.md")


def _name(key: object) -> str:
    return key if isinstance(key, str) else show(key)


def _drive(what: str, given: Any, duration: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise wrong(f"{what} is {show(given)}", "give an object such as {'amplitude': 4.0}, in rad/us")
    found: dict[str, Any] = {}
    for key, value in cast("Mapping[str, Any]", given).items():
        if key in analog.FIELDS:
            found[key] = _field(f"{what}['{key}']", value, duration)
        else:
            plain = value if isinstance(value, str) else None  # of no drive: the verifier names the key
            found[_name(key)] = _numbers(f"{what}['pattern']", value) if key == "pattern" else plain
    return found


def _field(what: str, given: Any, duration: Any) -> dict[str, list[Angle]]:
    """A waveform as the bytecode has it."""
    if isinstance(given, Mapping):
        parts = cast("Mapping[str, Any]", given)
        if set(parts) != {"times", "values"}:
            raise wrong(f"{what} has {show(list(parts))}", "give {'times': [...], 'values': [...]}, in us and rad/us")
        return {key: _numbers(f"{what}['{key}']", parts[key]) for key in ("times", "values")}
    plain = given.tolist() if hasattr(given, "tolist") else given
    if isinstance(plain, (list, tuple)):
        parts = cast("list[Any]", plain)
        if len(parts) == 2 and all(hasattr(part, "__len__") and not isinstance(part, str) for part in parts):
            return {"times": _numbers(f"{what}: times", parts[0]), "values": _numbers(f"{what}: values", parts[1])}
        values = _numbers(what, parts)
    else:
        values = [_number(what, plain)] * 2
    if isinstance(duration, Expression) or len(values) < 2:
        why = f"has {len(values)} value(s)" if len(values) < 2 else "needs times: the duration is a parameter"
        raise wrong(f"{what} {why}", "give a pair of times (us) and values, of two or more")
    last = len(values) - 1
    times: list[Angle] = [*(duration * k / last for k in range(last)), duration]
    return {"times": times, "values": values}


def _operators(what: str, given: Any, wanted: str, fix: str) -> Any:
    """Matrices as the bytecode has them: complex entries as [re, im]."""
    try:
        return [[[_entry(x) for x in row] for row in operator] for operator in to_plain(given)]
    except Exception:  # a caller's own class may raise anything
        raise wrong(f"{what}: {wanted}", f"give {fix}") from None


def _entry(value: Any) -> list[float]:
    if isinstance(value, list):
        return cast("list[float]", value)
    return [complex(value).real, complex(value).imag]
