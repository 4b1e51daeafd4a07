"""Branches, loops and jumps. What depends on a measurement becomes guards; the rest is decided and unrolled now.

A branch of a measured condition is lowered under that condition; afterwards every variable that it set holds a
selection between its two values. A jump (break, continue, return, end) under a measured condition does not stop the
lowering: what it would skip is lowered under the condition that it was not taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qmk.base.limits import LIMITS
from qmk.frontends.openqasm import arithmetic
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.logic import Bit
from qmk.frontends.openqasm.scope import Frame, Journal
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.subroutines import Subroutines
from qmk.frontends.openqasm.tree import Block, Expr, For, If, Jump, Range, SetOf, Stmt, Switch, While
from qmk.frontends.openqasm.values import INT, Type, Value, convert, element_type, is_dynamic, truth


class Flow(Subroutines):
    """Control flow."""

    # -- statements in order -----------------------------------------------------------------------------------------

    def run_body(self, body: Iterable[Stmt]) -> None:
        for statement in body:
            if not self.jumped:
                self.execute(statement)
                continue
            skipped = lg.restrict(self._is_skipped(), self.builder.facts)
            settled = lg.constant_of(skipped)
            if settled:
                return
            if settled is None:
                self.branch(lg.negate(skipped), lambda s=statement: self.execute(s), None, statement.pos)
            else:
                self.execute(statement)

    def _is_skipped(self) -> Bit:
        """Where the current statement is skipped by a jump taken before."""
        found = self.ended
        for frame in reversed(self.frames):
            found = self.logic.either(found, self.logic.either(frame.left, frame.skipped))
            if frame.kind == "def":
                break
        return found

    def block(self, node: Block) -> None:
        """A block with a scope of its own."""
        self.deeper(node.pos)
        self.scopes.append({})
        try:
            self.run_body(node.body)
        finally:
            self.scopes.pop()
            self.nesting -= 1

    # -- conditions --------------------------------------------------------------------------------------------------

    def condition(self, node: Expr) -> Bit:
        value = self.classical(node)
        return lg.restrict(truth(value, node.pos, self.logic), self.builder.facts)

    def conditional(self, node: If) -> None:
        condition = self.condition(node.condition)
        otherwise = node.otherwise
        self.branch(
            condition,
            lambda: self.execute(node.then),
            None if otherwise is None else lambda: self.execute(otherwise),
            node.pos,
        )

    def branch(self, condition: Bit, then: Callable[[], None], otherwise: Callable[[], None] | None, pos: int) -> None:
        """Lower both sides of a measured condition, or the side that a known one takes."""
        settled = lg.constant_of(condition)
        if settled is not None:
            side = then if settled else otherwise
            if side is not None:
                side()
            return
        if self.gate_body is not None:
            raise Refusal("scope", pos, "a gate cannot depend on a measurement")
        new = self._under(condition, then)
        old = self._under(lg.negate(condition), otherwise) if otherwise is not None else {}
        for key in (*new, *(key for key in old if key not in new)):
            variable, at, _ = (new if key in new else old)[key]
            held = variable.data if at < 0 else variable.data[at]
            first = new[key][2] if key in new else held
            second = old[key][2] if key in old else held
            type_ = variable.type if at < 0 else Type("bit")
            merged = self.merge_data(type_, condition, first, second, pos)
            if at < 0:
                self.store(variable, merged)
            else:
                self.store_bit(variable, at, merged)

    def _under(self, condition: Bit, run: Callable[[], None]) -> Journal:
        """Lower under ``condition``; undo what was set and say what it was set to."""
        journal: Journal = {}
        self.journals.append(journal)
        self.builder.enter(condition)
        self.nesting += 1
        try:
            run()
        finally:
            self.nesting -= 1
            self.builder.leave()
            self.journals.pop()
            written: Journal = {}
            for key, (variable, at, before) in journal.items():
                if at < 0:
                    written[key] = (variable, at, variable.data)
                    variable.data = before
                else:
                    written[key] = (variable, at, variable.data[at])
                    variable.data[at] = before
        return written

    def switch(self, node: Switch) -> None:
        """Cases in order; a measured target becomes a chain of conditions."""
        target = self.classical(node.target)
        if target.type.kind not in ("int", "uint", "bit", "bool"):
            raise Refusal("type", node.pos, f"switch takes an integer, not {target.type.text()}")
        seen: set[int] = set()
        chain: list[tuple[Bit, Block]] = []
        for labels, body in node.cases:
            hit: Bit = lg.FALSE
            for label in labels:
                number = self.integer(label)
                if number in seen:
                    raise Refusal("redefined", label.pos, f"case {number} is given twice")
                seen.add(number)
                same = arithmetic.compare("==", target, Value(INT, number), label.pos, self.logic)
                hit = self.logic.either(hit, same)
            chain.append((hit, body))
        self._chain(chain, node.default, node.pos)

    def _chain(self, cases: list[tuple[Bit, Block]], default: Block | None, pos: int) -> None:
        """Cases exclude each other, so each is a branch of its own; the default is what none of them takes."""
        rest: Bit = lg.TRUE
        for hit, body in cases:
            rest = self.logic.both(rest, lg.negate(hit))
            self.branch(lg.restrict(hit, self.builder.facts), lambda body=body: self.block(body), None, pos)
        if default is not None:
            self.branch(lg.restrict(rest, self.builder.facts), lambda: self.block(default), None, pos)

    # -- loops -------------------------------------------------------------------------------------------------------

    def for_loop(self, node: For) -> None:
        values = self._loop_values(node)
        frame = Frame("loop", len(self.builder.path))
        self.frames.append(frame)
        self.deeper(node.pos)
        try:
            for value in values:
                if not self._turn(frame, node.pos):
                    return
                self.scopes.append({})
                try:
                    self.variable(node.name, value.type, value.data, node.pos)
                    self.run_body((node.body,))
                finally:
                    self.scopes.pop()
        finally:
            self.frames.pop()
            self.nesting -= 1

    def _turn(self, frame: Frame, pos: int) -> bool:
        """Begin a turn of a loop; False when the loop is certainly over."""
        self.step(pos)
        frame.skipped = lg.FALSE
        if not self.jumped:
            return True
        return lg.constant_of(lg.restrict(self._is_skipped(), self.builder.facts)) is not True

    def _loop_values(self, node: For) -> Iterable[Value]:
        """The values that the loop variable takes, in its type."""
        type_ = self.type_of(node.type) if node.type is not None else INT
        source = node.values
        if isinstance(source, Range):
            numbers = self.range_values(source)
            if numbers[LIMITS.expansion_nodes :]:  # a range has no length beyond the machine's word
                raise Refusal("limit", source.pos, f"a loop of more than {LIMITS.expansion_nodes} turns")
            return (convert(Value(INT, k), type_, source.pos, self.logic) for k in numbers)
        if isinstance(source, SetOf):
            found = [self.classical(item) for item in source.items]
        else:
            whole = self.classical(source)
            if whole.type.kind == "array":
                found = [Value(element_type(whole.type), item) for item in whole.data]
            elif whole.type.kind == "bit" and whole.type.size is not None:
                found = [Value(Type("bit"), bit) for bit in whole.data]
            else:
                raise Refusal("type", source.pos, f"cannot loop over a value of type {whole.type.text()}",
                              "loop over a range [a:b], a set {a, b}, an array or a bit register")  # fmt: skip
        return [convert(value, type_, source.pos, self.logic) for value in found]

    def while_loop(self, node: While) -> None:
        frame = Frame("loop", len(self.builder.path))
        self.frames.append(frame)
        try:
            while self._turn(frame, node.pos):
                value = self.classical(node.condition)
                condition = self.condition(node.condition) if is_dynamic(value) else truth(value, node.pos, self.logic)
                settled = lg.constant_of(condition)
                if settled is None:
                    raise self._endless(node)
                if not settled:
                    return
                self.run_body((node.body,))
        finally:
            self.frames.pop()

    def _endless(self, node: While) -> Refusal:
        inputs = [name for name, symbol in self.globals.items() if getattr(symbol, "storage", "") == "input"]
        hint = (
            f" (inputs of this program: {', '.join(inputs)}; params={{'{inputs[0]}': ...}} sets one)" if inputs else ""
        )
        return Refusal(
            "while", node.pos,
            f"the while loop in line {self.line_of(node.pos)} ends by a measurement, so its length is not known",
            f"bound it: for int i in [1:20] {{ if (condition) {{ ... }} }}, the bound a constant or an input{hint}",
        )  # fmt: skip

    # -- jumps -------------------------------------------------------------------------------------------------------

    def jump(self, node: Jump) -> None:
        if self.gate_body is not None:
            raise Refusal("scope", node.pos, f"{node.kind} has no place in a gate")
        if node.kind == "end":
            self.ended = self.logic.either(self.ended, self.logic.all(self.builder.path))
        else:
            frame = self.frames[-1] if self.frames else None
            if frame is None or frame.kind != "loop":
                raise Refusal("scope", node.pos, f"{node.kind} stands outside every loop")
            when = self.logic.all(self.builder.path[frame.start :])
            if node.kind == "break":
                frame.left = self.logic.either(frame.left, when)
            else:
                frame.skipped = self.logic.either(frame.skipped, when)
        self.jumped = True
