"""The methods of a circuit that stand for ops, made from their declarations (``declared``).

``methods.pyi`` shows them to editors and type checkers; ``make docs`` writes it. The methods of gates on one and two
qubits come in four forms that take plain numbers at once; everything else goes through ``Circuit.apply``.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

from qmk.circuit.declared import GateMethod, OpMethod, gate_methods, op_methods, program_methods

Method = Callable[..., Any]
MODIFIERS = {"ctrl": None, "ctrl_state": None, "power": 1, "inverse": False}
"""Keywords of every gate, with their defaults."""


class OpMethods:
    """Every op of the bytecode that a circuit may hold, as a method."""


class ProgramMethods:
    """The ops that a program has beside those of a circuit, as methods."""


def _define() -> None:
    for name, gate in gate_methods().items():
        setattr(OpMethods, name, _sign(_method_of(gate), name, gate.doc, _parameters(gate)))
    for name, op in op_methods().items():
        setattr(OpMethods, name, _sign(_general(name), name, op.doc, _op_parameters(op)))
    for name, op in program_methods().items():
        setattr(ProgramMethods, name, _sign(_general(name), name, op.doc, _op_parameters(op), "Program"))


def _method_of(method: GateMethod) -> Method:
    """The method of a gate, whose name in the bytecode the item has."""
    short, name = sys.intern(method.gate.direct), method.name
    make = _FAST.get((len(method.params), len(method.operands))) if short else None
    return make(short, name) if make is not None else _general(name)


def _general(name: str) -> Method:
    def method(self: Any, *given: Any, **named: Any) -> Any:
        return self.apply(name, *given, **named)

    return method


def _one_qubit(short: str, name: str) -> Method:
    def method(self: Any, *given: Any, **named: Any) -> Any:
        if len(given) == 1 and not named:
            (qubit,) = given
            if type(qubit) is int and 0 <= qubit < self._size:
                self._items.append((short, (), given))
                return self
        return self.apply(name, *given, **named)

    return method


def _two_qubits(short: str, name: str) -> Method:
    def method(self: Any, *given: Any, **named: Any) -> Any:
        if len(given) == 2 and not named:
            a, b = given
            size = self._size
            if type(a) is int and type(b) is int and 0 <= a < size and 0 <= b < size and a != b:
                self._items.append((short, (), given))
                return self
        return self.apply(name, *given, **named)

    return method


def _turn_of_one(short: str, name: str) -> Method:
    def method(self: Any, *given: Any, **named: Any) -> Any:
        if len(given) == 2 and not named:
            angle, qubit = given
            if type(angle) is float and type(qubit) is int and 0 <= qubit < self._size and angle - angle == 0.0:
                self._items.append((short, (angle,), (qubit,)))
                return self
        return self.apply(name, *given, **named)

    return method


def _turn_of_two(short: str, name: str) -> Method:
    def method(self: Any, *given: Any, **named: Any) -> Any:
        if len(given) == 3 and not named:
            angle, a, b = given
            size, known = self._size, type(angle) is float and angle - angle == 0.0
            if known and type(a) is int and type(b) is int and 0 <= a < size and 0 <= b < size and a != b:
                self._items.append((short, (angle,), (a, b)))
                return self
        return self.apply(name, *given, **named)

    return method


_FAST = {(0, 1): _one_qubit, (0, 2): _two_qubits, (1, 1): _turn_of_one, (1, 2): _turn_of_two}
"""By numbers of angles and qubits. The test of an angle by subtraction is one for a finite number."""


def _sign(method: Method, name: str, doc: str, parameters: list[inspect.Parameter], owner: str = "Circuit") -> Method:
    method.__name__, method.__qualname__ = name, f"{owner}.{name}"
    method.__doc__ = f"{doc[:1].upper()}{doc[1:]}."
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    method.__signature__ = inspect.Signature([own, *parameters])  # type: ignore[attr-defined]
    return method


def _parameters(method: GateMethod) -> list[inspect.Parameter]:
    given = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in (*method.params, *method.operands)]
    named = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=d) for n, d in MODIFIERS.items()]
    return given + named


def _op_parameters(method: OpMethod) -> list[inspect.Parameter]:
    several = inspect.Parameter.VAR_POSITIONAL
    given = [
        inspect.Parameter(name.strip("*"), several if name[0] == "*" else inspect.Parameter.POSITIONAL_ONLY)
        for name in (*method.before, *method.operands)
    ]
    kind = several if given and given[-1].kind is several else inspect.Parameter.POSITIONAL_OR_KEYWORD
    bits = inspect.Parameter.KEYWORD_ONLY if kind is several else kind
    keyword, missing = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.empty
    named = [inspect.Parameter(p.name, keyword, default=missing if p.required else p.default) for p in method.options]
    return [*given, *(inspect.Parameter(name, bits, default=None) for name in method.writes), *named]


_define()
