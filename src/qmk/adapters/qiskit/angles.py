"""Between Qiskit's parameters and ours, with their expressions, both ways."""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from qiskit.circuit import Parameter, ParameterExpression, ParameterVector, ParameterVectorElement

from qmk.ir.parameters import ENCODED, FUNCTIONS, Expression, decode_name, encode_name
from qmk.ir.parameters import Parameter as Ours
from qmk.sdk.adapter import cannot

if TYPE_CHECKING:
    from collections.abc import Callable

_UNARY = {"SIN": "sin", "COS": "cos", "TAN": "tan", "ASIN": "arcsin", "ACOS": "arccos", "ATAN": "arctan",
          "EXP": "exp", "LOG": "log"}  # fmt: skip
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "ADD": lambda a, b: a + b,
    "SUB": lambda a, b: a - b,
    "MUL": lambda a, b: a * b,
    "DIV": lambda a, b: a / b,
    "POW": lambda a, b: a**b,
    "RSUB": lambda a, b: b - a,
    "RDIV": lambda a, b: b / a,
    "RPOW": lambda a, b: b**a,
}


def apply(name: str, given: Any) -> Any:
    """A function of a number or an expression."""
    return getattr(given, name)() if isinstance(given, Expression) else FUNCTIONS[name](given)


class Angles:
    """Reads angles. ``bound``: values of loop parameters, which hold until the loop's next turn."""

    def __init__(self) -> None:
        self.bound: dict[Parameter, float] = {}
        self._known: dict[Parameter, Expression] = {}

    def read(self, given: Any, place: str) -> Any:
        """A number, or an expression of parameters. Raises UNSUPPORTED for complex numbers and for functions that
        expressions here do not have."""
        if isinstance(given, Parameter):
            return self._parameter(given)
        if isinstance(given, ParameterExpression):
            return self._replay(given, place)
        return _real(given, place)

    def _parameter(self, given: Parameter) -> Any:
        if given in self.bound:
            return self.bound[given]
        found = self._known.get(given)
        if found is None:
            if isinstance(given, ParameterVectorElement):
                vector = given.vector
                found = Ours(name_of(vector.name), len(vector))[given.index]
            else:
                found = Ours(name_of(given.name))
            self._known[given] = found
        return found

    def _replay(self, given: ParameterExpression, place: str) -> Any:
        """The expression from the list of operations that made it, the form in which QPY has it."""
        if not given.parameters:
            return _real(given.numeric(), place)
        stack: list[Any] = []
        for step in cast("Any", given)._qpy_replay:
            op = str(step.op).rpartition(".")[2]
            if op == "SUBSTITUTE" or op == "GRAD":
                raise _unknown(op, given, place)
            if op in _BINARY:
                right = self._operand(step.rhs, stack, place)
                left = self._operand(step.lhs, stack, place)
                stack.append(_BINARY[op](left, right))
                continue
            only = self._operand(step.lhs, stack, place)
            if op in _UNARY:
                stack.append(apply(_UNARY[op], only))
            elif op == "ABS":
                stack.append(apply("sqrt", only**2))
            elif op == "CONJ":
                stack.append(only)
            else:
                raise _unknown(op, given, place)
        return stack[-1] if stack else self._parameter(next(iter(given.parameters)))

    def _operand(self, given: Any, stack: list[Any], place: str) -> Any:
        if given is None:
            return stack.pop()
        return self._parameter(given) if isinstance(given, Parameter) else _real(given, place)


def _real(given: Any, place: str) -> float:
    try:
        number = complex(given)
    except (TypeError, ValueError):
        fix = "give a number or a parameter"
        raise cannot("qiskit", f"{given!r:.40} is not an angle", place, fix) from None
    if number.imag:
        raise cannot("qiskit", f"the angle {number} is complex", place, "give a real number")
    return number.real


def _unknown(op: str, given: object, place: str) -> Exception:
    fix = "bind the parameters first, with assign_parameters"
    return cannot("qiskit", f"{op.lower()} in the expression {given!s:.60}", place, fix)


def name_of(name: str) -> str:
    """A name of Qiskit's as an identifier. Raises UNSUPPORTED for one that reads as the identifier of another."""
    if ENCODED.search(name):
        raise cannot("qiskit", "a name that stands for another here", name, "name it without _0x..._")
    return encode_name(name)


class Written:
    """Writes angles. One parameter is one object, however often it stands there."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def write(self, angle: Any) -> Any:
        if not isinstance(angle, Expression):
            return angle
        if angle.op == "parameter":
            return self._parameter(cast("Ours", angle))
        if angle.op == "element":
            vector, at = angle.args
            return self._parameter(vector)[at]
        args = [self.write(each) for each in angle.args]
        if angle.op == "-":
            return -args[0]
        if angle.op == "sqrt":
            return args[0] ** 0.5
        if angle.op in _UNARY.values():
            return getattr(args[0], angle.op)()
        found = args[0]
        for each in args[1:]:
            found = _BINARY[_SIGNS[angle.op]](found, each)
        return found

    def _parameter(self, given: Ours) -> Any:
        name = decode_name(given.name)
        if given.name not in self._known:
            self._known[given.name] = Parameter(name) if given.size is None else ParameterVector(name, given.size)
        return self._known[given.name]


_SIGNS = {"+": "ADD", "*": "MUL", "/": "DIV", "**": "POW"}
