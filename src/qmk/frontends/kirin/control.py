"""Statements that call, branch and repeat: everything known is unrolled, an if on a measurement becomes guards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from qmk.frontends.kirin.run import NESTING, Frame, Run
from qmk.frontends.kirin.units import Block, Statement
from qmk.frontends.kirin.values import Method, check_length, sequence, show, to_value, truth, whole
from qmk.frontends.openqasm import logic as lg
from qmk.sdk.frontend import Refused

FUNC, SCF, CF, ILIST = (f"kirin.dialects.{name}.stmts" for name in ("func", "scf", "cf", "ilist"))
ENDS = {(FUNC, "Return"), (SCF, "Yield"), (CF, "Branch"), (CF, "ConditionalBranch")}

Handler = Callable[[Run, Frame, Statement], tuple[Any, ...]]


class Control:
    """Runs blocks with ``handlers`` for the statements that do not call, branch or repeat."""

    def __init__(self, run: Run, handlers: dict[tuple[str, str], Handler]) -> None:
        self.run = run
        self.handlers = {
            **handlers,
            (FUNC, "Invoke"): self.invoke,
            (FUNC, "Call"): self.call_value,
            (FUNC, "Lambda"): self.closure,
            (FUNC, "GetField"): self.field,
            (SCF, "For"): self.loop,
            (SCF, "IfElse"): self.branch,
            **{(ILIST, name): self.map_items for name in ("Map", "ForEach", "Foldl", "Foldr", "Scan")},
        }

    # -- blocks ------------------------------------------------------------------------------------------------------

    def call(self, method: Method, values: Iterable[Any]) -> Any:
        """What a method returns."""
        blocks = self.run.document.blocks(method.body)
        given = [method, *values]
        if not blocks or len(blocks[0].args) != len(given):
            raise Refused("KIRIN-01", f"'{method.name}' takes {len(method.slots)} arguments, not {len(given) - 1}")
        if self.run.depth >= NESTING:
            raise Refused("KIRIN-08", f"calls nest deeper than {NESTING}, or never end", "end the recursion")
        self.run.depth += 1
        frame, block = Frame(method), blocks[0]
        while True:
            end = self.block(frame, block, given)
            if end.name == (FUNC, "Return"):
                self.run.depth -= 1
                return frame.get(end.args[0]) if end.args else None
            block, given = self.successor(frame, end)

    def successor(self, frame: Frame, end: Statement) -> tuple[Block, list[Any]]:
        if end.name == (CF, "Branch"):
            where, names = 0, "arguments"
        elif end.name == (CF, "ConditionalBranch"):
            known = lg.constant_of(truth(self.run.arg(frame, end, "cond")))
            if known is None:
                raise Refused(
                    "KIRIN-05", "a branch between blocks depends on a measurement", "use if of the dialect scf"
                )
            where, names = (0, "then_arguments") if known else (1, "else_arguments")
        else:
            raise Refused("KIRIN-01", f"{end.name[1]} does not end a function")
        if len(end.successors) <= where:
            raise Refused("KIRIN-01", f"{end.name[1]} lacks its successor")
        return self.run.document.block(end.successors[where]), self.run.arg(frame, end, names)

    def block(self, frame: Frame, block: Block, values: list[Any]) -> Statement:
        """Run a block to its terminator."""
        if len(values) != len(block.args):
            raise Refused("KIRIN-01", f"block {block.id[:40]} takes {len(block.args)} values, not {len(values)}")
        frame.values.update(zip(block.args, values, strict=True))
        run, document = self.run, self.run.document
        for raw in block.statements:
            statement = document.statement(raw)
            run.step(frame, statement)
            if statement.name in ENDS:
                return statement
            found = self.handlers[statement.name](run, frame, statement)
            if len(statement.results) > len(found):
                raise Refused("KIRIN-01", f"the statement {statement.name[1]} has {len(found)} results")
            frame.values.update(zip(statement.results, found, strict=False))
        raise Refused("KIRIN-01", f"block {block.id[:40]} has no end")

    def body(self, frame: Frame, region: Any, values: list[Any]) -> list[Any]:
        """What the one block of a region yields."""
        blocks = self.run.document.blocks(region)
        if len(blocks) != 1:
            raise Refused("KIRIN-01", f"a body has {len(blocks)} blocks, not 1")
        end = self.block(frame, blocks[0], values[: len(blocks[0].args)])
        if end.name != (SCF, "Yield"):
            raise Refused("KIRIN-05", f"a body ends with {end.name[1]}, not with yield", "return after the if or loop")
        return self.run.args(frame, end)

    # -- calls -------------------------------------------------------------------------------------------------------

    def invoke(self, run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
        callee = run.attribute(of, "callee")
        if not isinstance(callee, Method):
            raise Refused("KIRIN-01", "invoke without a method")
        return (self.call(callee, run.arg(frame, of, "inputs")),)

    def call_value(self, run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
        callee, keys = run.arg(frame, of, "callee"), run.attribute(of, "keys", ())
        values = list(run.arg(frame, of, "inputs"))
        named = dict(zip(keys, run.arg(frame, of, "kwargs"), strict=False)) if keys else {}
        method = function(callee)
        return (self.call(method, [*values, *(named[slot] for slot in method.slots if slot in named)]),)

    def closure(self, run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
        return (run.document.callable(of, run.arg(frame, of, "captured")),)

    def field(self, run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
        captured = function(run.arg(frame, of, "obj")).captured
        at = whole(run.attribute(of, "field"), "a field")
        if not 0 <= at < len(captured):
            raise Refused("KIRIN-09", f"a function has {len(captured)} captured values, not {at + 1}")
        return (captured[at],)

    def map_items(self, run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
        kind, method = of.name[1], function(run.arg(frame, of, "fn"))
        items = sequence(run.arg(frame, of, "collection"), "collection")
        if kind == "ForEach":
            for item in items:
                self.call(method, [item])
            return ()
        check_length(len(items))
        if kind == "Map":
            return ([self.call(method, [item]) for item in items],)
        value, out = run.arg(frame, of, "init"), list[Any]()
        for item in reversed(items) if kind == "Foldr" else items:
            value = self.call(method, [item, value] if kind == "Foldr" else [value, item])
            if kind == "Scan":
                pair = sequence(value, "what scan's function returns")
                if len(pair) != 2:
                    raise Refused("KIRIN-04", "scan's function returns two values")
                value = pair[0]
                out.append(pair[1])
        return ((value, out),) if kind == "Scan" else (value,)

    # -- loops and branches ------------------------------------------------------------------------------------------

    def loop(self, run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
        carried = list(run.arg(frame, of, "initializers"))
        if len(of.regions) != 1:
            raise Refused("KIRIN-01", "a loop has one body")
        for item in sequence(run.arg(frame, of, "iterable"), "what a loop runs over"):
            carried = self.body(frame, of.regions[0], [item, *carried])
        return tuple(carried)

    def branch(self, run: Run, frame: Frame, of: Statement) -> tuple[Any, ...]:
        chooser = lg.restrict(truth(run.arg(frame, of, "cond")), run.builder.facts)
        if len(of.regions) != 2:
            raise Refused("KIRIN-01", "an if has two bodies")
        value, known = to_value(chooser), lg.constant_of(chooser)
        if known is not None:
            return tuple(self.optional(frame, of.regions[0 if known else 1], value))
        found: list[list[Any]] = []
        for region, condition in zip(of.regions, (chooser, lg.negate(chooser)), strict=True):
            run.builder.enter(condition)
            found.append(self.optional(frame, region, value))
            run.builder.leave()
        if len(found[0]) != len(found[1]):
            raise Refused("KIRIN-01", "the bodies of an if yield different numbers of values")
        return tuple(run.merge(chooser, yes, no) for yes, no in zip(*found, strict=True))

    def optional(self, frame: Frame, region: Any, value: Any) -> list[Any]:
        """A body of an if, which may be empty."""
        return self.body(frame, region, [value]) if self.run.document.blocks(region) else []


def function(value: Any) -> Method:
    if not isinstance(value, Method):
        raise Refused("KIRIN-04", f"{show(value)} is called, but is not a function")
    return value
