"""Runs the tree of a program: variables, loops, conditionals, macros and includes. What remains goes to ``emit``.

Variables of the top level are seen everywhere; those set inside a macro end with its call. Everything is bounded:
steps, nesting, the text of a statement, and the size of values (by the evaluator).
"""

from __future__ import annotations

import difflib
import math
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import NamedTuple

from qmk.base.errors import Finding, QmkError
from qmk.base.limits import LIMITS, check
from qmk.formats.asm.interpolate import fill
from qmk.formats.asm.source import NAME, Cursor, Fault, Line, split, unquote
from qmk.formats.asm.tree import Assign, Block, For, If, Include, Macro, Statement, grow
from qmk.formats.expression import ExpressionError, evaluate
from qmk.formats.expression_values import Value

Names = MutableMapping[str, Value]
IncludeFile = Callable[[str], str]


class Item(NamedTuple):
    """A statement to assemble. ``exact``: columns of ``text`` are those of the line. ``macro``: its label may be
    made unique. ``note`` ends messages with where the macro was called."""

    line: Line
    directive: str
    text: str
    exact: bool
    macro: bool
    note: str


class _Stop(Exception):
    """Stops after enough findings, or one that all others would follow from."""


class Expander:
    """Runs blocks; ``emit`` raises ``Fault`` for a statement it cannot take, and the next one follows."""

    def __init__(
        self,
        params: Mapping[str, Value],
        include: IncludeFile | None,
        emit: Callable[[Item, Mapping[str, Value]], None],
    ) -> None:
        self.params = params
        self.include = include
        self.emit = emit
        self.globals: dict[str, Value] = dict(params)
        self.declared: dict[str, Line] = {}
        self.macros: dict[str, Macro] = {}
        self.files: dict[str, list[Block]] = {}
        self.findings: list[Finding] = []
        self.seen: set[Finding] = set()
        self.calls: list[tuple[str, int]] = []
        self.steps = 0
        self.depth = 0

    def run(self, text: str, file: str) -> None:
        """Runs everything in ``text``. It stops early when there are more findings than an answer holds."""
        try:
            self.blocks(self.grow(text, file), self.globals)
        except _Stop:
            return

    def grow(self, text: str, file: str) -> list[Block]:
        blocks, faults = grow(split(text, file))
        for line, fault in faults:
            self.report(fault.finding(line))
        return blocks

    def report(self, found: Finding) -> None:
        if found not in self.seen:
            self.seen.add(found)
            self.findings.append(found)
        if len(self.findings) >= LIMITS.findings:
            raise _Stop

    def fault(self, fault: Fault, line: Line, exact: bool = True) -> None:
        self.report(fault.finding(line, exact, self.note()))

    def note(self) -> str:
        """Says where the macro was called, for the end of a message."""
        if not self.calls:
            return ""
        name, number = self.calls[-1]
        return f" (in macro '{name}' called in line {number})"

    def blocks(self, blocks: Iterable[Block], names: Names) -> None:
        for block in blocks:
            self.steps += 1
            if self.steps > LIMITS.expansion_steps:
                check("expansion_steps", self.steps, f"line {block.line.number}")
            exact = "{" not in block.line.text
            try:
                self.block(block, names)
            except Fault as fault:
                self.fault(fault, block.line, exact or fault.rule in ("ASM-005", "ASM-006"))

    def block(self, block: Block, names: Names) -> None:
        if isinstance(block, Statement):
            self.statement(block, names)
        elif isinstance(block, For):
            self.loop(block, names)
        elif isinstance(block, If):
            self.condition(block, names)
        elif isinstance(block, Assign):
            self.assign(block, names)
        elif isinstance(block, Macro):
            self.define(block)
        else:
            self.file(block, names)

    def value(self, text: str, at: int, names: Mapping[str, Value]) -> Value:
        """The value of an expression of a directive, which begins at ``at`` of its line; braces are filled first."""
        try:
            return evaluate(fill(text, names), names)
        except ExpressionError as error:
            raise Fault("ASM-005", error.message, at + error.column - 1) from None
        except Fault as fault:
            raise Fault(fault.rule, fault.message, at + fault.at, fault.fix) from None

    def enter(self, line: Line) -> None:
        self.depth += 1
        if self.depth > LIMITS.macro_depth:
            deep = f"blocks, macros and includes nest deeper than {LIMITS.macro_depth} levels"
            self.fault(Fault("ASM-009", deep, 0, "end the recursion with an '.if'"), line)
            raise _Stop  # a macro that calls itself twice would come here 2^64 times

    def loop(self, block: For, names: Names) -> None:
        items = self.range(block, names)
        had, before = block.name in names, names.get(block.name, 0)
        self.enter(block.line)
        for item in items:
            self.steps += 1
            check("expansion_steps", self.steps, f"line {block.line.number}")
            names[block.name] = item
            self.blocks(block.body, names)
        self.depth -= 1
        if had:
            names[block.name] = before
        else:
            names.pop(block.name, None)

    def range(self, block: For, names: Mapping[str, Value]) -> Iterable[Value]:
        cursor = Cursor(fill(block.text, names))
        first = cursor.until("..")
        if not cursor.take(".."):
            items = self.value(block.text, block.at, names)
            if isinstance(items, (list, str)):
                return list(items)
            raise Fault("ASM-013", "a loop runs over `a..b`, a list or a text", block.at, "write `0..n-1`")
        low = self.bound(first, block.at, names)
        at = cursor.skip()
        return range(low, self.bound(cursor.text[at:], block.at + at, names) + 1)

    def bound(self, text: str, at: int, names: Mapping[str, Value]) -> int:
        """A bound of a range, rounded down: `n / 2` of an odd n is meant as `n // 2`."""
        value = self.value(text, at, names)
        if isinstance(value, (str, list)):
            raise Fault("ASM-013", "the bounds of a loop are numbers", at, "write `0..n-1`")
        return math.floor(value)

    def condition(self, block: If, names: Names) -> None:
        for branch in block.branches:
            if branch.text is not None:
                try:
                    chosen = bool(self.value(branch.text, branch.at, names))
                except Fault as fault:
                    self.fault(fault, branch.line)
                    return
                if not chosen:
                    continue
            self.enter(block.line)
            self.blocks(branch.body, names)
            self.depth -= 1
            return

    def assign(self, block: Assign, names: Names) -> None:
        if not block.param:
            assert block.text is not None
            names[block.name] = self.value(block.text, block.at, names)
            return
        self.declared[block.name] = block.line
        if block.name in self.params:
            self.globals[block.name] = self.param_value(block)
        elif block.text is None:
            self.globals[block.name] = 0
            fix = f"give it a value, or write `.param {block.name} = default`"
            raise Fault("ASM-010", f"parameter '{block.name}' is not given and has no default", 0, fix)
        else:
            self.globals[block.name] = self.value(block.text, block.at, names)

    def param_value(self, block: Assign) -> Value:
        """The value that the caller gives to a parameter, in the type of its default: a text given for a number is read
        as one, and a number given for a text is that text."""
        value = self.params[block.name]
        if block.text is None or isinstance(value, list):
            return value
        default = self.value(block.text, block.at, self.globals)
        if isinstance(default, str):
            return str(value).lower() if isinstance(value, bool) else str(value)
        if not isinstance(value, str):
            return value
        try:
            return evaluate(value, {})
        except ExpressionError as error:
            raise Fault("ASM-010", f"parameter '{block.name}' is '{value[:40]}': {error.message}") from None

    def define(self, block: Macro) -> None:
        old = self.macros.get(block.name)
        if old is not None and old.line != block.line:
            raise Fault("ASM-009", f"macro '{block.name}' is already defined in line {old.line.number}")
        self.macros[block.name] = block

    def file(self, block: Include, names: Names) -> None:
        text = fill(block.line.text.removeprefix(".include").strip(), names)
        at = len(block.line.text) - len(text)
        quoted = text[:1] in ('"', "'") and text[-1:] == text[:1] and len(text) > 2
        name = unquote(text, at) if quoted else text
        if not name or (not quoted and text[:1] in ('"', "'")):
            raise Fault("ASM-008", "a file name is missing", at, 'write `.include "name.qvm.asm"`')
        if name not in self.files:
            self.files[name] = self.grow(self.read(name, at), name)
        self.enter(block.line)
        self.blocks(self.files[name], names)
        self.depth -= 1

    def read(self, name: str, at: int) -> str:
        if self.include is None:
            raise Fault("ASM-008", f"'{name}' cannot be included: the program has no folder", at)
        try:
            text = self.include(name)
        except (OSError, LookupError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise Fault("ASM-008", f"'{name}' cannot be included: {reason or type(error).__name__}", at) from None
        except QmkError as error:
            raise Fault("ASM-008", f"'{name}' cannot be included: {error.message}", at) from None
        check("source_bytes", len(text), name)
        return text

    def statement(self, block: Statement, names: Names) -> None:
        line = block.line
        text = fill(line.text, names)
        exact = text is line.text
        try:
            if not block.directive and self.run_call(text, line, names):
                return
            self.emit(Item(line, block.directive, text, exact, bool(self.calls), self.note()), names)
        except Fault as fault:
            shown = "" if exact else f" in `{text[:100]}`"
            raise Fault(fault.rule, fault.message + shown, fault.at if exact else 0, fault.fix) from None

    def run_call(self, text: str, line: Line, names: Names) -> bool:
        """Runs ``text`` if it is a macro call, and says whether it was one."""
        cursor = Cursor(text)
        name = cursor.name()
        if cursor.take(":"):
            if cursor.name() in self.macros:
                raise Fault("ASM-009", "a macro call takes no label", 0, "remove the label")
            return False
        if not name or (name not in self.macros and not cursor.peek("(")):
            return False
        macro = self.macros.get(name)
        if macro is None:
            close = difflib.get_close_matches(name, self.macros, 1)
            fix = f"did you mean '{close[0]}'?" if close else ""
            raise Fault("ASM-009", f"there is no macro '{name}'", 0, fix)
        values = _arguments(cursor, names)
        if len(values) != len(macro.params):
            shown = f"{name}({', '.join(macro.params)})"
            raise Fault("ASM-009", f"macro {shown} takes {len(macro.params)} arguments, not {len(values)}")
        self.enter(line)
        self.calls.append((name, line.number))
        bound: dict[str, Value] = dict(zip(macro.params, values, strict=True))
        self.blocks(macro.body, ChainMap(bound, self.globals))
        self.calls.pop()
        self.depth -= 1
        return True


def _arguments(cursor: Cursor, names: Mapping[str, Value]) -> list[Value]:
    """The arguments of a macro call; a bare name that is not a variable stands for itself, as qubits do."""
    bracket = cursor.take("(")
    values: list[Value] = []
    while not (cursor.take(")") if bracket else cursor.at_end()):
        if values and not cursor.take(","):
            raise Fault("ASM-009", "',' or ')' is missing between arguments", cursor.at)
        at = cursor.skip()
        text = cursor.until(",", ")") if bracket else cursor.until(",")
        if NAME.fullmatch(text) and text not in names:
            values.append(text)
            continue
        try:
            values.append(evaluate(text, names))
        except ExpressionError as error:
            raise Fault("ASM-005", error.message, at + error.column - 1) from None
    if not cursor.at_end():
        raise Fault("ASM-009", "unexpected text after the call", cursor.at)
    return values
