"""Subroutine calls, inlined: arguments, return values, early returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.calls import Calls
from qmk.frontends.openqasm.scope import Frame, Subroutine, Symbol, Variable
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.tree import Expr, Parameter
from qmk.frontends.openqasm.values import VOID, Type, Value, convert, mismatch


class Subroutines(Calls):
    """Calling ``def``."""

    def call_subroutine(self, routine: Subroutine, args: list[Expr], pos: int) -> Value:
        definition = routine.definition
        if self.gate_body is not None:
            raise Refusal("scope", pos, "a gate cannot call a subroutine", "use def instead of gate")
        self.step(pos)
        if len(args) != len(definition.params):
            raise Refusal(
                "parameter-count",
                pos,
                f"{definition.name} takes {len(definition.params)} argument(s), {len(args)} given",
            )
        scope: dict[str, Symbol] = {}
        back: list[tuple[Variable, Callable[[Any], None]]] = []
        for parameter, arg in zip(definition.params, args, strict=True):
            scope[parameter.name] = self._bound(parameter, arg, back)
        self._distinct_qubits(scope, pos)
        result = None if definition.result is None else self.type_of(definition.result)
        frame = Frame("def", len(self.builder.path), result=result)
        self.frames.append(frame)
        try:
            self.in_frame(scope, pos, lambda: self.run_body(definition.body))
        finally:
            self.frames.pop()
        for variable, write in back:
            write(variable.data)
        if result is None:
            return Value(VOID, None)
        if frame.value is None:
            raise Refusal("unset", pos, f"{definition.name} ended without returning a {result.text()}")
        return frame.value

    def run_body(self, body: list[Any]) -> None:
        """The statements of a subroutine; jumps included."""
        for statement in body:
            self.execute(statement)

    def _bound(self, parameter: Parameter, arg: Expr, back: list[tuple[Variable, Callable[[Any], None]]]) -> Variable:
        """A parameter bound to its argument: qubits and mutable arrays by reference, the rest by value."""
        kind, depth = parameter.type.kind, len(self.journals)
        if kind == "qubit":
            return self._bound_qubits(parameter, self.qubits(arg))
        value = self.classical(arg)
        if kind == "array":
            want = value.type
            if value.type.kind != "array" or self._array_mismatch(parameter, value.type):
                raise Refusal("type", arg.pos, f"'{parameter.name}' takes another kind of array than {want.text()}")
            variable = Variable(
                parameter.name, want, value.data, parameter.pos, parameter.type.access != "mutable", depth=depth
            )
            if parameter.type.access == "mutable":
                back.append((variable, self.place(arg).write))
            return variable
        type_ = self.type_of(parameter.type)
        data = convert(value, type_, arg.pos, self.logic).data
        if type_.kind == "bit" and type_.size is not None:
            data = list(data)
        return Variable(parameter.name, type_, data, parameter.pos, depth=depth)

    def _bound_qubits(self, parameter: Parameter, value: Value) -> Variable:
        size = None if parameter.type.size is None else self.integer(parameter.type.size)
        if size != value.type.size and (size or 1) != len(value.data):
            raise Refusal(
                "size", parameter.pos, f"'{parameter.name}' takes {size or 1} qubit(s), {len(value.data)} given"
            )
        return Variable(parameter.name, Type("qubit", size), value.data, parameter.pos, constant=True)

    def _array_mismatch(self, parameter: Parameter, have: Type) -> bool:
        node = parameter.type
        assert node.base is not None
        if self.type_of(node.base) != have.base:
            return True
        if node.dims is None:
            return node.rank is None or self.integer(node.rank) != len(have.dims)
        return tuple(self.integer(dim) for dim in node.dims) != have.dims

    def _distinct_qubits(self, scope: dict[str, Symbol], pos: int) -> None:
        handles = [
            handle
            for symbol in scope.values()
            if isinstance(symbol, Variable) and symbol.type.kind == "qubit"
            for handle in symbol.data
        ]
        if len(set(handles)) < len(handles):
            raise Refusal("same-qubit", pos, "a call passes one qubit twice")

    def give_back(self, value: Value | None, pos: int) -> None:
        """``return``: the innermost subroutine is left where the open branches hold."""
        frame = next((frame for frame in reversed(self.frames) if frame.kind == "def"), None)
        if frame is None:
            raise Refusal("scope", pos, "return stands outside every subroutine")
        if (value is None) != (frame.result is None):
            wanted = "no value" if frame.result is None else f"a {frame.result.text()}"
            raise Refusal("type", pos, f"this subroutine returns {wanted}")
        when = self.logic.all(self.builder.path[frame.start :])
        if value is not None and frame.result is not None:
            if frame.result.kind == "array" and value.type.kind != "array":
                raise mismatch(value.type, frame.result, pos)
            value = convert(value, frame.result, pos, self.logic)
            frame.value = value if frame.value is None else self.merge_returned(when, value, frame.value, pos)
        frame.left = self.logic.either(frame.left, when)
        self.jumped = True

    def merge_returned(self, when: lg.Bit, new: Value, old: Value, pos: int) -> Value:
        """``new`` where ``when`` holds, else ``old``."""
        return Value(new.type, self.merge_data(new.type, when, new.data, old.data, pos))
