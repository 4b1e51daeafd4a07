"""Declarations: qubits, variables, constants, inputs, aliases, gates and subroutines."""

from __future__ import annotations

from typing import Any

from qmk.base.limits import LIMITS
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.inputs import input_data
from qmk.frontends.openqasm.known import known_gate
from qmk.frontends.openqasm.library import RESERVED
from qmk.frontends.openqasm.scope import Subroutine, UserGate, Variable
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.tree import (
    Alias,
    Call,
    Concat,
    Declaration,
    Expr,
    For,
    GateDef,
    If,
    Index,
    MeasureOf,
    Name,
    Opaque,
    QubitDecl,
    SetOf,
    SubroutineDef,
    Switch,
    While,
)  # fmt: skip
from qmk.frontends.openqasm.turning import Turning
from qmk.frontends.openqasm.values import Type, Value, convert, element_type, is_dynamic


class Declarations(Turning):
    """Statements that bind names."""

    def qubits_declared(self, node: QubitDecl) -> None:
        self._global_only("qubits", node.pos)
        size = None if node.size is None else self.integer(node.size)
        if size is not None and size < (0 if self.dialect == 2 else 1):
            raise Refusal("value", node.pos, f"a register of {size} qubits", "sizes begin at 1")
        if size is not None and size > LIMITS.qubits:
            raise Refusal("limit", node.pos, f"{size} qubits exceed the limit of {LIMITS.qubits}")
        variable = self.variable(node.name, Type("qubit", size), (), node.pos)
        try:
            variable.data = self.builder.allocate(node.name, size)
        except Refusal:
            del self.globals[node.name]  # the caller of run() marks the name, so that its uses stay quiet
            raise

    def _global_only(self, what: str, pos: int) -> None:
        if len(self.scopes) > 1:
            raise Refusal("scope", pos, f"{what} are declared at the top of the program, outside every block")

    def declaration(self, node: Declaration) -> None:
        type_ = self.type_of(node.type)
        if node.storage in ("input", "output"):
            self._global_only(f"{node.storage}s", node.pos)
        if node.storage == "input":
            variable = self.variable(node.name, type_, None, node.pos, "input")
            try:
                variable.data = self._input(node, type_)
            except Refusal:
                del self.globals[node.name]  # the caller of run() marks the name, so that its uses stay quiet
                raise
            return
        data: Any = 0.0 if node.type.kind == "stretch" and node.value is None else self._initial(node, type_)
        if node.storage == "output" and type_.kind not in ("bit", "bool", "int", "uint", "angle"):
            raise Refusal("type", node.pos, f"an output of type {type_.text()} cannot be printed as bits",
                          "declare it bit, bool, int, uint or angle[n]")  # fmt: skip
        if node.storage == "const" and data is not None and is_dynamic(Value(type_, data)):
            raise Refusal("constant", node.pos, f"the constant '{node.name}' depends on a measurement", "drop const")
        if type_.kind == "bit" and type_.size is not None and node.storage != "const":
            data = list(data or ())
        self.variable(node.name, type_, data, node.pos, node.storage)

    def _input(self, node: Declaration, type_: Type) -> Any:
        self.used_params.add(node.name)
        if node.name not in self.params:
            example = {"bit": "'01'"}.get(type_.kind, "0.5" if type_.kind in ("float", "angle") else "1")
            raise Refusal(
                "input", node.pos, f"the input '{node.name}' ({type_.text()}) has no value",
                f"params={{'{node.name}': {example}}}",
            )  # fmt: skip
        return input_data(self, node.name, self.params[node.name], type_, node.pos)

    def _initial(self, node: Declaration, type_: Type) -> Any:
        """The data that a declaration begins with; bits begin at 0."""
        value = node.value
        if value is None:
            if type_.kind == "bit":
                return lg.FALSE if type_.size is None else (lg.FALSE,) * type_.size
            return self._zeros(type_) if type_.kind == "array" else None
        if isinstance(value, SetOf):
            return self.array_data(value, type_)
        if isinstance(value, MeasureOf):
            labels = self._labels(node.name, type_)
            return self.measure_into(value, labels, type_, Name(node.pos, node.name), node.pos)
        return self.convert_to(value, type_, node.pos)

    def _labels(self, name: str, type_: Type) -> tuple[str, ...]:
        return (name,) if type_.size is None else tuple(f"{name}_{k}" for k in range(type_.size))

    def _zeros(self, type_: Type) -> Any:
        """An array's data before anything is assigned: zeros, so that elements can be set one by one."""
        if type_.kind == "array":
            return (self._zeros(element_type(type_)),) * type_.dims[0]
        if type_.kind == "bit":
            return lg.FALSE if type_.size is None else (lg.FALSE,) * type_.size
        return {"bool": lg.FALSE, "complex": 0j, "float": 0.0, "angle": 0.0, "duration": 0.0}.get(type_.kind, 0)

    def array_data(self, node: SetOf, type_: Type) -> Any:
        """An array literal as data of ``type_``."""
        if type_.kind != "array":
            raise Refusal("type", node.pos, f"a list of values does not fit {type_.text()}", "declare an array")
        if len(node.items) != type_.dims[0]:
            raise Refusal("size", node.pos, f"{len(node.items)} value(s) for {type_.text()}")
        inner = element_type(type_)
        return tuple(
            self.array_data(item, inner) if isinstance(item, SetOf) else self.convert_to(item, inner, item.pos)
            for item in node.items
        )

    def convert_to(self, node: Expr, type_: Type, pos: int) -> Any:
        value = self.evaluate(node) if isinstance(node, (Call, Concat)) else self.classical(node)
        if value.type.kind in ("void", "qubit", "string"):
            raise Refusal("type", pos, f"a value of type {value.type.text()} cannot be assigned")
        return convert(value, type_, pos, self.logic).data

    def alias(self, node: Alias) -> None:
        """``let``: another name for qubits or bits."""
        parts = node.value.parts if isinstance(node.value, Concat) else [node.value]
        if self._names_bits(parts[0]):
            refs = tuple(ref for part in parts for ref in self._bit_references(part))
            size = len(refs) if len(parts) > 1 or self.evaluate(node.value).type.size is not None else None
            self.variable(node.name, Type("bit", size), None, node.pos).refs = refs
            return
        value = self.evaluate(node.value)
        if value.type.kind == "array":
            raise Refusal("type", node.pos, "an array has no alias", "copy it: array[...] b = a;")
        if value.type.kind != "qubit":
            raise Refusal("type", node.pos, "let names qubits or bits", "declare a variable for a classical value")
        self.variable(node.name, value.type, value.data, node.pos)

    def _names_bits(self, node: Expr) -> bool:
        while isinstance(node, Index):
            node = node.base
        symbol = self.find(node.name, node.pos) if isinstance(node, Name) and node.name not in self.constants else None
        return isinstance(symbol, Variable) and symbol.type.kind == "bit" and not symbol.constant

    def _bit_references(self, node: Expr) -> tuple[tuple[Variable, int], ...]:
        if not isinstance(node, (Name, Index)) or not self._names_bits(node):
            raise Refusal("type", node.pos, "an alias of bits is made of bits and registers")
        if isinstance(node, Name):
            symbol = self.find(node.name, node.pos)
            assert isinstance(symbol, Variable)
            return self.references(symbol)
        refs = self._bit_references(node.base)
        where = self.positions(node.items[0], len(refs), node.pos)
        if len(node.items) > 1:
            raise Refusal("index", node.pos, "a bit register has one dimension")
        return (refs[where],) if isinstance(where, int) else tuple(refs[k] for k in where)

    def gate_defined(self, node: GateDef | Opaque) -> None:
        self._global_only("gates", node.pos)
        old = self.gates.get(node.name)
        if isinstance(old, UserGate) or (
            node.name in RESERVED and (old is not None or (self.dialect == 3 and node.name != "CX"))
        ):
            where = f"in line {self.line_of(old.definition.pos)}" if isinstance(old, UserGate) else "by the language"
            raise Refusal("redefined", node.pos, f"the gate '{node.name}' is already defined {where}")
        if node.name in self.globals:
            raise Refusal("redefined", node.pos, f"'{node.name}' is already declared", "choose another name")
        names = [*node.params, *node.qubits]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise Refusal("redefined", node.pos, f"'{twice}' stands twice in the head of gate '{node.name}'")
        if isinstance(node, GateDef):
            self._check_gate(node)
        known = known_gate(node) if isinstance(node, GateDef) else None
        self.gates[node.name] = UserGate(node) if known is None else known
        self.expansions.clear()

    def _check_gate(self, node: GateDef) -> None:
        """Find what is wrong in a definition where it stands, though no call may ever expand it: try it once."""
        if any(isinstance(statement, (For, While, If, Switch)) for statement in node.body):
            return  # whether these are right may hang on the parameters
        self.checking = True
        try:
            self.expand(node, tuple(0.5 + k / 7 for k in range(len(node.params))), node.pos)
        finally:
            self.checking = False

    def subroutine_defined(self, node: SubroutineDef) -> None:
        self._global_only("subroutines", node.pos)
        names = [parameter.name for parameter in node.params]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise Refusal("redefined", node.pos, f"'{twice}' stands twice in the head of '{node.name}'")
        self.declare(node.name, Subroutine(node), node.pos)
