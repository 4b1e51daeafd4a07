"""Expressions to values, and the places that assignments write to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmk.base.limits import LIMITS
from qmk.frontends.openqasm import arithmetic
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.angles import Turns
from qmk.frontends.openqasm.functions import FUNCTIONS, call
from qmk.frontends.openqasm.scope import Core, Subroutine, Variable, label
from qmk.frontends.openqasm.sources import Refusal, nearest
from qmk.frontends.openqasm.tree import (
    Binary,
    Call,
    Cast,
    Concat,
    DurationOf,
    Expr,
    Hardware,
    Index,
    Literal,
    MeasureOf,
    Name,
    Range,
    SetOf,
    TypeNode,
    Unary,
)  # fmt: skip
from qmk.frontends.openqasm.values import (
    BIT,
    BOOL,
    COMPLEX,
    DEFAULT_WIDTH,
    DURATION,
    FLOAT,
    INTEGERS,
    LITERAL,
    MAX_WIDTH,
    QUBIT,
    STRING,
    UINT,
    Type,
    Value,
    angle_bits,
    bits_of,
    convert,
    element_type,
    elements,
    is_dynamic,
    mismatch,
)  # fmt: skip

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9, "dt": 1e-9}


class Evaluator(Core):
    """Expressions."""

    def evaluate(self, node: Expr) -> Value:
        return _EVALUATE[type(node)](self, node)

    def literal(self, node: Literal) -> Value:
        value: Any = node.value
        match node.kind:
            case "int":
                return Value(LITERAL, value)
            case "float":
                return Value(FLOAT, value)
            case "bool":
                return Value(BOOL, lg.constant(value))
            case "bits":
                number, width = value
                return Value(Type("bit", width), tuple(lg.constant(number >> k & 1) for k in range(width)))
            case "imaginary":
                return Value(COMPLEX, complex(0, value))
            case "duration":
                return Value(DURATION, value[0] * _SECONDS[value[1]])
            case _:
                return Value(STRING, value)

    def name(self, node: Name) -> Value:
        constant = self.constants.get(node.name)
        if constant is not None:
            return constant
        symbol = self.find(node.name, node.pos)
        if isinstance(symbol, Subroutine):
            raise Refusal("type", node.pos, f"'{node.name}' is a subroutine; call it with ()")
        return self.read(symbol, node.pos)

    def unary(self, node: Unary) -> Value:
        return arithmetic.unary(node.op, self.classical(node.operand), node.pos, self.logic)

    def binary(self, node: Binary) -> Value:
        """Chains such as a+b+c lean left and may be long: walk down, then fold back up."""
        chain: list[Binary] = []
        left: Expr = node
        while isinstance(left, Binary):
            chain.append(left)
            left = left.left
        value = self.classical(left)
        for part in reversed(chain):
            value = self._operate(part, value)
        return value

    def _operate(self, node: Binary, left: Value) -> Value:
        if node.op in ("&&", "||") and not is_dynamic(left):
            settled = lg.constant_of(arithmetic.truth(left, node.pos, self.logic))
            if settled is (node.op == "||"):
                return Value(BOOL, lg.constant(settled))
        right = self.classical(node.right)
        if node.op in arithmetic.COMPARISONS:
            self._check_comparison(node, left, right)
        result = arithmetic.binary(node.op, left, right, node.pos, self.logic)
        if node.op == "/" and left.type.literal and right.type.literal and result.type is FLOAT:
            quotient = f"{left.data}/{right.data}"
            self.warn(
                "division", node.pos, f"{quotient} is taken as {result.data:g}, not as a whole number",
                f"write {left.data}.0/{right.data}, or int({quotient})",
            )  # fmt: skip
        return result

    def _check_comparison(self, node: Binary, left: Value, right: Value) -> None:
        if arithmetic.pattern_comparison(left, right):
            number = right.data if right.type.literal else left.data
            sized = left.type if right.type.literal else right.type
            self.warn("comparison", node.pos, f"{sized.text()} never equals {number}; their bits are compared instead",
                      f"cast to uint[{sized.size}]")  # fmt: skip
        for register, other in ((left, right), (right, left)):
            if (
                node.op in ("==", "!=")
                and register.type.kind in ("bit", "uint")
                and isinstance(other.data, int)
                and other.type.kind in INTEGERS
                and not 0 <= other.data < 1 << (register.type.width if register.type.size is not None else
                                                1 if register.type.kind == "bit" else DEFAULT_WIDTH)
            ):  # fmt: skip
                self.warn("never", node.pos, f"{register.type.text()} never equals {other.data}",
                          "compare with a number that the register can hold")  # fmt: skip

    def classical(self, node: Expr) -> Value:
        value = self.evaluate(node)
        if value.type.kind in ("qubit", "void", "string"):
            what = {"qubit": "a qubit", "void": "a subroutine without a value", "string": "a text"}[value.type.kind]
            raise Refusal("type", node.pos, f"{what} is not a classical value")
        return value

    def concatenation(self, node: Concat) -> Value:
        parts = [self.evaluate(part) for part in node.parts]
        kinds = {part.type.kind for part in parts}
        if kinds == {"array"}:
            return self._joined_arrays(parts, node.pos)
        if kinds not in ({"qubit"}, {"bit"}):
            raise Refusal("type", node.pos, "'++' joins qubits, bits or arrays of one type")
        data = tuple(item for part in parts for item in elements(part.data))
        if kinds == {"qubit"} and len(set(data)) < len(data):
            raise Refusal("same-qubit", node.pos, "a register may hold a qubit only once")
        return Value(Type(kinds.pop(), len(data)), data)

    def _joined_arrays(self, parts: list[Value], pos: int) -> Value:
        first = parts[0].type
        data: tuple[Any, ...] = ()
        for part in parts:
            if part.type.base != first.base or part.type.dims[1:] != first.dims[1:]:
                raise mismatch(part.type, first, pos)
            data += part.data
        return Value(Type("array", None, (len(data), *first.dims[1:]), first.base), data)

    def cast(self, node: Cast) -> Value:
        return convert(self.classical(node.operand), self.type_of(node.type), node.pos, self.logic)

    def call(self, node: Call) -> Value:
        symbol = None
        for scope in (*reversed(self.scopes[self.frame_start :]), self.globals):
            symbol = symbol or scope.get(node.name)
        if isinstance(symbol, Subroutine):
            return self.call_subroutine(symbol, node.args, node.pos)
        if node.name == "sizeof" and self.dialect == 3:
            return self._sizeof(node)
        counts = FUNCTIONS[self.dialect].get(node.name)
        if counts is None:
            if node.name in self.gates:
                raise Refusal("type", node.pos, f"'{node.name}' is a gate", f"write: {node.name}(...) qubits;")
            near = nearest(node.name, set(FUNCTIONS[self.dialect]))
            help = f"did you mean {near}?" if near else "functions: " + ", ".join(sorted(FUNCTIONS[self.dialect]))
            raise Refusal("undefined", node.pos, f"there is no function '{node.name}'", help)
        if len(node.args) not in counts:
            raise Refusal(
                "parameter-count", node.pos, f"{node.name} takes {counts[0]} argument(s), not {len(node.args)}"
            )
        args = [self.classical(arg) for arg in node.args]
        return call(node.name, args, node.pos, self.logic, self.dialect)

    def _sizeof(self, node: Call) -> Value:
        if len(node.args) not in (1, 2):
            raise Refusal("parameter-count", node.pos, f"sizeof takes 1 or 2 arguments, not {len(node.args)}")
        value = self.evaluate(node.args[0])
        dims = value.type.dims if value.type.kind == "array" else (value.type.size,) if value.type.size else ()
        if value.type.kind not in ("array", "qubit", "bit") or not dims:
            raise Refusal("type", node.pos, f"sizeof takes an array or a register, not {value.type.text()}")
        which = self.integer(node.args[1]) if len(node.args) == 2 else 0
        if not 0 <= which < len(dims):
            raise Refusal("index", node.pos, f"dimension {which} of an array of {len(dims)} dimension(s)")
        return Value(UINT, dims[which])

    def measure(self, node: MeasureOf) -> Value:
        return self.measure_labelled(node, ("m",))

    def measure_labelled(self, node: MeasureOf, labels: tuple[str, ...]) -> Value:
        """Measure a qubit or register; ``labels`` name the events, the last one standing for all that follow."""
        value = self.qubits(node.operand)
        if self.gate_body is not None:
            raise Refusal("scope", node.pos, "a gate cannot measure", "use def for operations that measure")
        self.builder.pos = node.pos
        bits = tuple(
            self.builder.measure(handle, labels[min(k, len(labels) - 1)] if labels else "m")
            for k, handle in enumerate(value.data)
        )
        return Value(Type("bit", value.type.size), bits if value.type.size is not None else bits[0])

    def measure_into(self, node: MeasureOf, labels: tuple[str, ...], type_: Type, target: Expr, pos: int) -> Any:
        """What is measured as data of ``type_``, that of ``target``; bits take as many qubits as they are."""
        measured = self.measure_labelled(node, labels)
        have, want = measured.type.size or 1, type_.size or 1
        if type_.kind == "bit" and have != want:
            name, whole = label(target), isinstance(target, Name)
            declared = f"bit[{have}] {name}" if self.dialect == 3 else f"creg {name}[{have}]"
            fix = f"declare {declared}" if whole else f"name as many bits of '{name}'"
            raise Refusal(
                "size", pos,
                f"{_tell_size(node.operand, have, 'qubit')}, {_tell_size(target, want, 'bit')}",
                f"name one bit: {name}[0]" if have == 1 and whole else f"{fix}, or measure as many qubits as bits",
            )  # fmt: skip
        return convert(measured, type_, pos, self.logic).data

    def refused_expression(self, node: Expr) -> Value:
        if isinstance(node, DurationOf):
            raise Refusal("calibration", node.pos, "durationof has no value: gates of an ideal device take no time")
        raise Refusal(
            "type", node.pos, "a set or range is not a value", "use it as an index, in a for loop or an array"
        )

    # -- known numbers -----------------------------------------------------------------------------------------------

    def integer(self, node: Expr) -> int:
        """An integer that must be known now."""
        value = self.classical(node)
        if is_dynamic(value):
            raise Refusal("constant", node.pos, "this number depends on a measurement and must be known here")
        if value.type.kind in ("float", "angle") and value.data != int(value.data):
            raise Refusal("type", node.pos, f"{value.data} is not a whole number", "cast it: int(...)")
        data = convert(value, LITERAL, node.pos, self.logic).data
        assert isinstance(data, int)
        return data

    def parameter(self, node: Expr) -> float | Value:
        """A gate parameter; an angle that depends on measurements as the value that it is."""
        value = self.classical(node)
        return value if isinstance(value.data, Turns) else self._real(value, node)

    def real(self, node: Expr) -> float:
        """A number that must be known now."""
        return self._real(self.classical(node), node)

    def _real(self, value: Value, node: Expr) -> float:
        if self.dialect == 2 and value.type.kind == "bit":
            raise Refusal("type", node.pos, "a classical register is not a number", "OpenQASM 2 reads it in if only")
        return convert(value, FLOAT, node.pos, self.logic).data

    def type_of(self, node: TypeNode) -> Type:
        if node.kind == "array":
            return self._array_type(node)
        if node.kind == "complex":
            return COMPLEX
        size = None
        if node.size is not None:
            size = self.integer(node.size)
            limit = LIMITS.events if node.kind == "bit" else LIMITS.qubits if node.kind == "qubit" else MAX_WIDTH
            if size > limit:
                raise Refusal("limit", node.pos, f"{node.kind}[{size}] exceeds the limit of {limit}")
            if size < 1:
                raise Refusal("value", node.pos, f"{node.kind}[{size}] has no place for a value", "sizes begin at 1")
        if node.kind in ("float", "bool", "duration", "stretch"):
            size = None
        if node.kind == "stretch":  # gates take no time here, so that there is no time to fill
            return DURATION
        return Type(node.kind, size)

    def _array_type(self, node: TypeNode) -> Type:
        assert node.base is not None
        dims = tuple(self.integer(dim) for dim in node.dims or ())
        if not 1 <= len(dims) <= 7:
            raise Refusal("type", node.pos, f"an array of {len(dims)} dimensions", "arrays have 1 to 7 dimensions")
        total = 1
        for dim in dims:
            if dim < 0:
                raise Refusal("value", node.pos, f"an array of length {dim}")
            total *= dim
            if total > LIMITS.events:
                raise Refusal("limit", node.pos, f"an array of more than {LIMITS.events} elements")
        return Type("array", None, dims, self.type_of(node.base))

    # -- indexing ----------------------------------------------------------------------------------------------------

    def qubits(self, node: Expr) -> Value:
        """An operand: a qubit (size None) or a register of qubits."""
        value = self.evaluate(node)
        if value.type.kind != "qubit":
            raise Refusal("type", node.pos, f"a value of type {value.type.text()} stands where a qubit is needed")
        return value

    def index(self, node: Index) -> Value:
        if isinstance(node.base, Name) and len(node.items) == 1:
            symbol = self.find(node.base.name, node.base.pos) if node.base.name not in self.constants else None
            if isinstance(symbol, Variable) and (bits := symbol.register()) is not None:
                where = self.positions(node.items[0], len(bits), node.pos)
                if isinstance(where, int):
                    return Value(BIT, bits[where])
                return Value(Type("bit", len(where)), tuple(bits[k] for k in where))
        value = self.evaluate(node.base)
        for k, item in enumerate(node.items):
            value = self.pick(value, item, node.pos, last=k == len(node.items) - 1)
        return value

    def pick(self, value: Value, item: Expr, pos: int, last: bool = True) -> Value:
        """``value[item]``."""
        kind = value.type.kind
        if kind == "array":
            where = self.positions(item, value.type.dims[0], pos)
            if isinstance(where, int):
                return Value(element_type(value.type), value.data[where])
            self._slice_last(last, pos)
            shape = (len(where), *value.type.dims[1:])
            return Value(Type("array", None, shape, value.type.base), tuple(value.data[k] for k in where))
        if kind in ("qubit", "bit") and value.type.size is not None:
            where = self.positions(item, value.type.size, pos)
            if isinstance(where, int):
                return Value(QUBIT, (value.data[where],)) if kind == "qubit" else Value(BIT, value.data[where])
            if kind == "qubit" and len(set(where)) < len(where):
                raise Refusal("same-qubit", pos, "an index set names a qubit twice")
            return Value(Type(kind, len(where)), tuple(value.data[k] for k in where))
        if kind in INTEGERS or (kind == "angle" and value.type.size is not None):
            width = value.type.width
            bits = angle_bits(value, self.logic) if kind == "angle" else bits_of(value, width)
            where = self.positions(item, width, pos)
            if isinstance(where, int):
                return Value(BIT, bits[where])
            return Value(Type("bit", len(where)), tuple(bits[k] for k in where))
        raise Refusal("index", pos, f"a value of type {value.type.text()} has no index")

    def _slice_last(self, last: bool, pos: int) -> None:
        if not last:
            raise Refusal("index", pos, "only the last index may be a range or set", "index the slice in a second step")

    def positions(self, item: Expr, size: int, pos: int) -> int | list[int]:
        """The position or positions that an index selects of ``size`` elements; negative ones count from the end."""
        if type(item) is Literal and type(item.value) is int and item.value < size:
            return item.value
        if isinstance(item, SetOf):
            return [self._position(self.integer(part), size, part.pos) for part in item.items]
        if isinstance(item, Range):
            return [self._position(k, size, item.pos) for k in self.range_values(item, size)]
        return self._position(self.integer(item), size, item.pos)

    def _position(self, k: int, size: int, pos: int) -> int:
        if not -size <= k < size:
            last = f"valid indexes are 0 to {size - 1}" if size else "it is empty"
            raise Refusal("index", pos, f"index {k} is outside a register of {size}", last)
        return k % size

    def range_values(self, node: Range, size: int | None = None) -> range:
        """``start:step:stop`` with both ends; open ends need the ``size`` of what is indexed."""
        step = self.integer(node.step) if node.step is not None else 1
        if step == 0:
            raise Refusal("value", node.pos, "a range with step 0 never ends")
        if size is None and (node.start is None or node.stop is None):
            raise Refusal("syntax", node.pos, "a loop's range needs both ends")
        first, last = (0, (size or 0) - 1) if step > 0 else ((size or 0) - 1, 0)
        start = self.integer(node.start) if node.start is not None else first
        stop = self.integer(node.stop) if node.stop is not None else last
        if size is not None:
            start, stop = (start + size if start < 0 else start), (stop + size if stop < 0 else stop)
        return range(start, stop + (1 if step > 0 else -1), step)


_EVALUATE: dict[type[Expr], Callable[[Any, Any], Value]] = {
    Literal: Evaluator.literal, Name: Evaluator.name, Unary: Evaluator.unary, Binary: Evaluator.binary,
    Concat: Evaluator.concatenation, Cast: Evaluator.cast, Call: Evaluator.call, MeasureOf: Evaluator.measure,
    Index: Evaluator.index, Hardware: Evaluator.hardware_qubit, Range: Evaluator.refused_expression,
    SetOf: Evaluator.refused_expression, DurationOf: Evaluator.refused_expression,
}  # fmt: skip


def _tell_size(target: Expr, size: int, what: str) -> str:
    """``'q' has 2 qubits``."""
    name = f"'{label(target)}'" if isinstance(target, Name) else f"the part of '{label(target)}'"
    return f"{name} has {size} {what}{'' if size == 1 else 's'}"
