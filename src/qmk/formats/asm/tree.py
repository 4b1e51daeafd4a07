"""Turns lines into a tree of blocks: loops, conditionals, macros and the statements between them. Nothing is evaluated
here."""

from __future__ import annotations

import difflib
import re
from typing import TypeAlias

import msgspec

from qmk.formats.asm.source import NAME, Cursor, Fault, Line


class Statement(msgspec.Struct):
    """A node, a macro call or a directive that declares something; ``directive`` is its name without the dot."""

    line: Line
    directive: str = ""


class Assign(msgspec.Struct):
    """``.set`` and ``.param``; ``text`` None is a parameter without default, ``at`` where the expression begins."""

    line: Line
    name: str
    text: str | None
    at: int
    param: bool


class Include(msgspec.Struct):
    line: Line


class For(msgspec.Struct):
    """``text`` is ``a..b`` or a list expression."""

    line: Line
    name: str
    text: str
    at: int
    body: list[Block] = []


class Branch(msgspec.Struct):
    """``text`` None is ``.else``."""

    line: Line
    text: str | None
    at: int
    body: list[Block] = []


class If(msgspec.Struct):
    line: Line
    branches: list[Branch]


class Macro(msgspec.Struct):
    line: Line
    name: str
    params: tuple[str, ...]
    body: list[Block] = []


Block: TypeAlias = "Statement | Assign | Include | For | If | Macro"
Open: TypeAlias = "For | If | Macro"
Kind: TypeAlias = "type[For] | type[If] | type[Macro]"

DECLARATIONS = ("version", "caps", "families", "metadata", "vqs", "chs", "events", "output", "shots", "inferred")
BLOCKS = (
    "set", "param", "for", "endfor", "if", "elif", "else", "endif", "macro", "endmacro", "include",
)  # fmt: skip
_HEAD = re.compile(r"\.([A-Za-z_]\w*)")
_CLOSES: dict[str, Kind] = {"endfor": For, "endif": If, "endmacro": Macro}
_OPENED: dict[Kind, str] = {For: ".for", If: ".if", Macro: ".macro"}


class Grower:
    """Builds the tree line by line; ``faults`` are those of structure, each with its line."""

    def __init__(self) -> None:
        self.root: list[Block] = []
        self.faults: list[tuple[Line, Fault]] = []
        self.open: list[Open] = []

    def body(self) -> list[Block]:
        if not self.open:
            return self.root
        last = self.open[-1]
        return last.branches[-1].body if isinstance(last, If) else last.body

    def grow(self, lines: list[Line]) -> list[Block]:
        for line in lines:
            if not line.text.startswith("."):
                self.body().append(Statement(line))
                continue
            try:
                self.directive(line)
            except Fault as fault:
                self.faults.append((line, fault))
        for block in self.open:
            word = _OPENED[type(block)]
            self.faults.append((block.line, Fault("ASM-003", f"'{word}' is not closed", 0, f"write '.end{word[1:]}'")))
        return self.root

    def directive(self, line: Line) -> None:
        match = _HEAD.match(line.text)
        word = match[1] if match else ""
        cursor = Cursor(line.text)
        cursor.at = match.end() if match else 1
        if word in DECLARATIONS:
            self.body().append(Statement(line, word))
        elif word in ("set", "param"):
            self.body().append(_assign(line, cursor, word == "param"))
        elif word == "include":
            self.body().append(Include(line))
        elif word in ("for", "macro", "if"):
            self.start(line, cursor, word)
        elif word in ("elif", "else"):
            self.branch(line, cursor, word)
        elif word in _CLOSES:
            self.close(word)
        else:
            close = difflib.get_close_matches(word, (*DECLARATIONS, *BLOCKS), 1)
            fix = f"write '.{close[0]}'" if close else "there are ." + ", .".join((*DECLARATIONS, *BLOCKS))
            raise Fault("ASM-002", f"there is no directive '.{word}'", 0, fix)

    def start(self, line: Line, cursor: Cursor, word: str) -> None:
        """Opens a block; one whose head is wrong is opened too, so that its end does not look wrong as well."""
        spare: dict[str, Open] = {
            "for": For(line, "", "", 0),
            "macro": Macro(line, "", ()),
            "if": If(line, [Branch(line, "", 0)]),
        }
        try:
            block: Open = {"for": _for, "macro": _macro, "if": _if}[word](line, cursor)
        except Fault:
            self.open.append(spare[word])
            raise
        self.body().append(block)
        self.open.append(block)

    def branch(self, line: Line, cursor: Cursor, word: str) -> None:
        last = self.open[-1] if self.open else None
        if not isinstance(last, If):
            raise Fault("ASM-003", f"'.{word}' stands in no '.if'")
        if last.branches[-1].text is None:
            raise Fault("ASM-003", f"'.{word}' stands after '.else'")
        at = cursor.skip()
        text = line.text[at:]
        if word == "else" and text:
            raise Fault("ASM-003", "'.else' takes no condition", at, "write '.elif'")
        if word == "elif" and not text:
            raise Fault("ASM-005", "'.elif' has no condition", at)
        last.branches.append(Branch(line, text or None, at))

    def close(self, word: str) -> None:
        kind = _CLOSES[word]
        if not self.open:
            raise Fault("ASM-003", f"'.{word}' closes nothing")
        if type(self.open[-1]) is not kind:
            other = self.open[-1]
            opened = f"'{_OPENED[type(other)]}' of line {other.line.number}"
            for at in range(len(self.open) - 1, -1, -1):  # close up to the matching block, so that one fault stays one
                if type(self.open[at]) is kind:
                    del self.open[at:]
                    break
            raise Fault("ASM-003", f"'.{word}' stands where {opened} is still open")
        self.open.pop()


def _assign(line: Line, cursor: Cursor, param: bool) -> Assign:
    name = cursor.name()
    if not name:
        raise Fault("ASM-013", "a name is missing", cursor.at, "write `.set name = value`")
    if cursor.at_end() and param:
        return Assign(line, name, None, cursor.at, param)
    if not cursor.take("="):
        raise Fault("ASM-013", "'=' is missing", cursor.at, "write `.set name = value`")
    at = cursor.skip()
    return Assign(line, name, line.text[at:], at, param)


def _for(line: Line, cursor: Cursor) -> For:
    name = cursor.name()
    if not name or not cursor.keyword("in"):
        raise Fault("ASM-013", "a loop has the form `.for i in 0..n-1`", cursor.at, "write `.for i in 0..n-1`")
    at = cursor.skip()
    return For(line, name, line.text[at:], at)


def _if(line: Line, cursor: Cursor) -> If:
    at = cursor.skip()
    if at >= len(line.text):
        raise Fault("ASM-005", "'.if' has no condition", at)
    return If(line, [Branch(line, line.text[at:], at)])


def _macro(line: Line, cursor: Cursor) -> Macro:
    name = cursor.name()
    if not name:
        raise Fault("ASM-009", "a macro needs a name", cursor.at, "write `.macro NAME(a, b)`")
    bracket = cursor.take("(")
    params: list[str] = []
    while not (cursor.take(")") if bracket else cursor.at_end()):
        if params and not cursor.take(","):
            raise Fault("ASM-009", "',' is missing between parameters", cursor.at)
        param = cursor.name()
        if not NAME.fullmatch(param) or param in params:
            raise Fault("ASM-009", "a parameter needs a name of its own", cursor.at)
        params.append(param)
    if not cursor.at_end():
        raise Fault("ASM-009", "unexpected text after the parameters", cursor.at)
    return Macro(line, name, tuple(params))


def grow(lines: list[Line]) -> tuple[list[Block], list[tuple[Line, Fault]]]:
    """The tree of ``lines`` and what is wrong with its structure."""
    grower = Grower()
    return grower.grow(lines), grower.faults
