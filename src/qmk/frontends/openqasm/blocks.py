"""One file to statements: the version, includes, blocks and error recovery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from qmk.frontends.openqasm.expressions import ExpressionParser
from qmk.frontends.openqasm.sources import STANDARD, File, Refusal, Sources
from qmk.frontends.openqasm.tree import Block, Include, Program, Stmt

Handler = Callable[[Any, int], "Stmt | None"]


class BlockParser(ExpressionParser):
    """One file of a program. ``handlers`` maps the word that begins a statement to the method that reads it; ``others``
    does so for anything that is not such a word: a "type", any other "name", "pragma", or a character."""

    dialect = 3
    handlers: ClassVar[Mapping[str, Handler]]
    others: ClassVar[Mapping[str, Handler]]
    versions = ("3", "3.0", "3.1")

    def __init__(self, sources: Sources, file: File, program: Program) -> None:
        self.program = program
        super().__init__(sources, file)

    def parse(self) -> None:
        """Append the file's statements to ``self.program.body``; findings go to ``sources``."""
        self.version()
        body = self.program.body
        while self.kind != "end":
            self.parse_guarded(self.pos - self.file.base, body)

    def seek_safely(self, offset: int) -> None:
        try:
            self.seek(offset)
        except Refusal as refusal:
            self.sources.report(refusal)
            self._skip_bad()

    def parse_guarded(self, start: int, body: list[Stmt]) -> None:
        """One statement, or one finding."""
        depth = self.depth
        try:
            self.statement_into(body)
        except Refusal as refusal:
            self.sources.report(refusal)
            self.depth = depth
            self.recover(start)
            if self.text == "}" and depth == 0:
                self._step()

    def version(self) -> None:
        if self.text != "OPENQASM":
            return
        pos = self.pos
        self._step()
        text = self.text
        if text not in self.versions:  # pyright: ignore[reportUnnecessaryContains]  # of the token after
            self.sources.report(
                Refusal("version", pos, f"OpenQASM {text} is not read by the OpenQASM {self.dialect} front-end",
                        "this release reads versions 2.0, 3.0 and 3.1")
            )  # fmt: skip
        self.program.version = text
        try:
            self.advance()
            self.expect(";")
        except Refusal as refusal:
            self.sources.report(refusal)
            self.recover(pos - self.file.base)

    def statement_into(self, body: list[Stmt]) -> None:
        """Parse one statement; an include appends its file's statements."""
        if self.text == "include" and self.kind == "name":
            self.include(body)
            return
        statement = self.statement()
        if statement is not None:
            body.append(statement)

    def include(self, body: list[Stmt]) -> None:
        pos = self.pos
        self.advance()
        if self.kind != "string":
            raise self.fail("a file name in quotes")
        name = self.text[1:-1]
        self.advance()
        self.expect(";")
        if self.depth:
            raise Refusal("scope", pos, "an include may only stand outside every block")
        if name in STANDARD:
            body.append(Include(pos, name))
            return
        file = self.sources.include(name, pos)
        type(self)(self.sources, file, self.program).parse()
        self.sources.close()

    def statement(self) -> Stmt | None:
        pos, text = self.pos, self.text
        if self.kind == "name":
            handler = self.handlers.get(text) or self.others["type" if text in self.types else "name"]
            return handler(self, pos)
        if text == ";":
            self.advance()
            return None
        handler = self.others.get(text if self.kind == "op" else self.kind)
        if handler is None:
            raise self.fail("a statement")
        return handler(self, pos)

    def block(self) -> Block:
        """``{ ... }``, each broken statement in it reported on its own."""
        self.enter()
        pos = self.pos
        self.expect("{")
        body: list[Stmt] = []
        while self.text != "}" or self.kind == "string":
            if self.kind == "end":
                raise Refusal("syntax", pos, "the block opened here is never closed", "add the closing '}'")
            self.parse_guarded(self.pos - self.file.base, body)
        self.advance()
        self.depth -= 1
        return Block(pos, body)

    def body(self) -> Stmt:
        """A block or a single statement, as if, for and while take it."""
        if self.text == "{":
            return self.block()
        self.enter()
        pos = self.pos
        statement = self.statement()
        self.depth -= 1
        return Block(pos, [] if statement is None else [statement])
