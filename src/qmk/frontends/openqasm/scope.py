"""Names and what they stand for: variables, qubits, subroutines; scopes, and the state that all of lowering shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from qmk.base.limits import LIMITS
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.angles import select
from qmk.frontends.openqasm.builder import Builder, too_many
from qmk.frontends.openqasm.functions import constants
from qmk.frontends.openqasm.library import BUILTIN_2, BUILTIN_3, Gate
from qmk.frontends.openqasm.logic import Bit
from qmk.frontends.openqasm.sources import Refusal, Sources, nearest
from qmk.frontends.openqasm.tree import Expr, GateDef, Hardware, Index, Name, Opaque, Stmt, SubroutineDef
from qmk.frontends.openqasm.unitary import Prim, Unitary
from qmk.frontends.openqasm.values import (
    INTEGERS,
    Type,
    Value,
    angle_data,
    bits_of,
    element_type,
    elements,
    number_of,
    turns,
)  # fmt: skip
from qmk.sdk.frontend import ParamValue


class Quiet(Refusal):
    """A statement that cannot be lowered because of an error already reported."""

    def __init__(self) -> None:
        super().__init__("undefined", 0, "")


class Split(msgspec.Struct, frozen=True):
    """The data of a variable that branches of a measured condition set to values no logic can merge."""

    pos: int


class Variable(msgspec.Struct, eq=False):
    """``data`` None: not set; a bit register's is a list of bits. ``depth``: measured branches that were open at the
    declaration. ``refs``: for an alias of classical bits, the variable and index (-1: the variable is one bit) behind
    each bit."""

    name: str
    type: Type
    data: Any
    pos: int
    constant: bool = False
    storage: str = ""
    depth: int = 0
    refs: tuple[tuple[Variable, int], ...] | None = None

    def register(self) -> list[Bit] | None:
        """The bits of a register, to be changed in place; None for another variable."""
        data = self.data
        return cast("list[Bit]", data) if isinstance(data, list) else None


class UserGate(msgspec.Struct):
    definition: GateDef | Opaque


class Subroutine(msgspec.Struct):
    definition: SubroutineDef


Symbol = Variable | Subroutine


class Frame(msgspec.Struct):
    """A loop or a subroutine call being lowered. ``start``: measured branches open at its beginning; ``left``: when it
    was left for good (break, return); ``skipped``: when the rest of this turn is skipped (continue)."""

    kind: str
    start: int
    left: Bit = lg.FALSE
    skipped: Bit = lg.FALSE
    value: Value | None = None
    result: Type | None = None


class GateBody(msgspec.Struct):
    """Where the operations of a gate definition go while it is expanded."""

    prims: list[Prim] = []
    phase: float = 0.0


Journal = dict[tuple[int, int], tuple[Variable, int, Any]]
"""What a branch has overwritten: variable, index (-1: whole) and the data before."""


class Core(ABC):
    """State of one lowering, scopes and budgets."""

    def __init__(self, sources: Sources, dialect: int, params: Mapping[str, ParamValue]) -> None:
        self.sources, self.dialect, self.params = sources, dialect, params
        self.builder = Builder()
        self.logic = self.builder.logic
        self.constants = constants(dialect)
        self.gates: dict[str, Gate | UserGate] = dict(BUILTIN_2 if dialect == 2 else BUILTIN_3)
        self.globals: dict[str, Symbol] = {}
        self.scopes: list[dict[str, Symbol]] = [self.globals]
        self.frame_start = 0
        self.frames: list[Frame] = []
        self.ended: Bit = lg.FALSE
        self.jumped = False
        self.journals: list[Journal] = []
        self.gate_body: GateBody | None = None
        self.expansions: dict[tuple[str, tuple[float, ...]], Unitary] = {}
        self.hardware: dict[int, str] = {}
        self.used_params: set[str] = set()
        self.poisoned: set[str] = set()
        self.steps = 0
        self.nesting: int = 0

    @abstractmethod
    def execute(self, statement: Stmt) -> None:
        """Lower one statement."""

    @abstractmethod
    def call_subroutine(self, routine: Subroutine, args: list[Expr], pos: int) -> Value:
        """Inline a call; gives its value, of type void where it has none."""

    # -- budgets -----------------------------------------------------------------------------------------------------

    def step(self, pos: int) -> None:
        """Count one statement or loop turn."""
        self.steps += 1
        self.builder.pos = pos
        if self.steps > LIMITS.expansion_nodes:
            raise too_many(pos)

    def deeper(self, pos: int) -> None:
        self.nesting += 1
        if self.nesting > LIMITS.macro_depth:
            raise Refusal(
                "recursion", pos, f"gates, subroutines and blocks nest deeper than {LIMITS.macro_depth} levels"
            )

    def warn(self, key: str, pos: int, message: str, help: str = "") -> None:
        self.sources.report(Refusal(key, pos, message, help))

    # -- names -------------------------------------------------------------------------------------------------------

    def declare(self, name: str, symbol: Symbol, pos: int) -> None:
        """Bind ``name`` in the innermost scope."""
        scope = self.scopes[-1]
        if len(name) > LIMITS.name_chars:
            raise Refusal("limit", pos, f"a name of {len(name)} characters exceeds the limit of {LIMITS.name_chars}")
        if name in self.constants:
            raise Refusal("redefined", pos, f"'{name}' is a built-in constant", "choose another name")
        if name in scope:
            old = scope[name]
            line = self.line_of(old.pos if isinstance(old, Variable) else old.definition.pos)
            raise Refusal("redefined", pos, f"'{name}' is already declared in line {line}", "choose another name")
        scope[name] = symbol

    def line_of(self, pos: int) -> int:
        file = self.sources.file_at(pos)
        return file.place(pos - file.base)[0]

    def variable(self, name: str, type_: Type, data: Any, pos: int, storage: str = "") -> Variable:
        """Declare a variable."""
        found = Variable(name, type_, data, pos, storage in ("const", "input"), storage, len(self.journals))
        self.declare(name, found, pos)
        return found

    def find(self, name: str, pos: int) -> Symbol:
        for scope in reversed(self.scopes[self.frame_start :]):
            if name in scope:
                return scope[name]
        outside = self.globals.get(name)
        if outside is not None:
            if isinstance(outside, Subroutine) or outside.constant:
                return outside
            inside = "gate" if self.gate_body is not None else "subroutine"
            raise Refusal(
                "scope", pos, f"'{name}' is declared outside this {inside}, which sees only global constants",
                f"pass it to the {inside}",
            )  # fmt: skip
        if name in self.poisoned:
            raise Quiet
        raise self.refuse_undefined(name, pos)

    def refuse_undefined(self, name: str, pos: int) -> Refusal:
        if name in self.gates:
            return Refusal("undefined", pos, f"'{name}' is a gate, not a value")
        known = {
            *self.globals,
            *self.poisoned,
            *self.constants,
            *(n for scope in self.scopes[self.frame_start :] for n in scope),
        }
        near = nearest(name, known)
        return Refusal(
            "undefined", pos, f"'{name}' is not declared", f"did you mean '{near}'?" if near else "declare it"
        )

    # -- variables that branches may set -----------------------------------------------------------------------------

    def store(self, variable: Variable, data: Any) -> None:
        """Set a variable; a branch of a measured condition remembers what it held before."""
        if isinstance(variable.data, list):
            for at, bit in enumerate(data):
                self.store_bit(variable, at, bit)
            return
        if self.journals and variable.depth < len(self.journals):
            self.journals[-1].setdefault((id(variable), -1), (variable, -1, variable.data))
        variable.data = data

    def store_bit(self, variable: Variable, at: int, bit: Bit) -> None:
        """Set one bit: of a register, or with ``at`` -1 of a variable that is one bit."""
        if at < 0:
            self.store(variable, bit)
            return
        if self.journals and variable.depth < len(self.journals):
            self.journals[-1].setdefault((id(variable), at), (variable, at, variable.data[at]))
        variable.data[at] = bit

    def read(self, variable: Variable, pos: int) -> Value:
        if variable.refs is not None:
            bits = tuple(ref.data if at < 0 else ref.data[at] for ref, at in variable.refs)
            return Value(variable.type, bits if variable.type.size is not None else bits[0])
        if (bits := variable.register()) is not None:
            return Value(variable.type, tuple(bits))
        data = variable.data
        if data is None:
            raise Refusal("unset", pos, f"'{variable.name}' has no value here", "assign it first")
        if isinstance(data, Split):
            raise Refusal(
                "measured", pos,
                f"'{variable.name}' was set in line {self.line_of(data.pos)} to a value that depends on a measurement",
                f"a {variable.type.text()} cannot; repeat the operation that uses it in both branches",
            )  # fmt: skip
        return Value(variable.type, data)

    def merge_data(self, type_: Type, when: Bit, new: Any, old: Any, pos: int) -> Any:
        """Data of ``type_`` that is ``new`` where ``when`` holds, else ``old``; ``Split`` where no logic can say so.

        A number not set before reads 0 in the branch that does not set it.
        """
        if new is old or new == old:
            return new
        if isinstance(new, Split) or isinstance(old, Split):
            return Split(pos)
        kind = type_.kind
        if kind in ("bit", "bool"):
            if isinstance(new, tuple):
                return tuple(self.builder.merge(when, x, y) for x, y in zip(elements(new), elements(old), strict=True))
            return self.builder.merge(when, new or lg.FALSE, old or lg.FALSE)
        if kind in INTEGERS:
            pair = (bits_of(Value(type_, data or 0), type_.width) for data in (new, old))
            bits = tuple(self.builder.merge(when, x, y) for x, y in zip(*pair, strict=True))
            return number_of(bits, type_)
        if kind == "angle":
            x, y = (turns(Value(type_, data or 0.0)) for data in (new, old))
            return angle_data(select(when, x, y, type_.size, self.logic))
        if kind == "array" and new is not None and old is not None:
            inner = element_type(type_)
            parts = tuple(self.merge_data(inner, when, x, y, pos) for x, y in zip(new, old, strict=True))
            return Split(pos) if any(isinstance(part, Split) for part in parts) else parts
        return Split(pos)

    def hardware_qubit(self, node: Hardware) -> Value:
        handle = self.hardware.get(node.index)
        if handle is None:
            if self.gate_body is not None:
                raise Refusal("scope", node.pos, "a gate cannot name a physical qubit", "pass the qubit to the gate")
            handle = self.hardware[node.index] = self.builder.allocate(f"phys_{node.index}", None)[0]
        return Value(Type("qubit"), (handle,))


def label(target: Expr) -> str:
    """A name for the events of a measurement into ``target``."""
    while isinstance(target, Index):
        target = target.base
    return target.name if isinstance(target, Name) else "m"
