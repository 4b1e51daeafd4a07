"""Reads one expanded statement: ``label: OPCODE operands, key=value -> outputs if guard [CAPS] @[notes]``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from qmk.base.limits import LIMITS
from qmk.formats.asm import guards, literals
from qmk.formats.asm.operands import PREFIXES, Operand
from qmk.formats.asm.source import NAME, QUOTED, RESERVED, Cursor, Fault, Line, unquote
from qmk.formats.expression_values import Value
from qmk.formats.normal import Problem, normal_args
from qmk.qvm.families import OPS, SPELLINGS, meant
from qmk.qvm.graph import Guard

_NAMES = r"[A-Za-z_][A-Za-z0-9_]*(?:\s*,\s*[A-Za-z_][A-Za-z0-9_]*)*+"
_SIMPLE = re.compile(rf"([A-Za-z_][A-Za-z0-9_]*+)\s*:\s*([A-Za-z_][A-Za-z0-9_]*+)\s+({_NAMES})(?:\s*->\s*({_NAMES}))?")
"""Matches most statements in one step."""

_COMMA = re.compile(r"\s*,\s*")
_LABEL = re.compile(r"""("(?:[^"\\]|\\.)*"|[^\s"':;=,()\[\]]+)\s*:""")
_OPCODE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|\"(?:[^\"\\]|\\.)*\")\s*=(?!=)")
_GUARDED = re.compile(r"[=<>!]=|[<>]")


class Instruction(msgspec.Struct):
    """A statement as read; ``label`` None when it has none, operands have kinds only where a prefix says so."""

    line: Line
    label: str | None
    op: str
    operands: list[Operand] = []
    outputs: list[Operand] = []
    args: dict[str, Any] = {}
    guard: Guard | None = None
    caps: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    free_label: bool = False


class Reader:
    """Reads ``text`` into an ``Instruction``; every fault is a ``Fault`` with its place in ``text``."""

    def __init__(self, text: str, line: Line, names: Mapping[str, Value]) -> None:
        self.cursor = Cursor(text)
        self.names = names
        self.out = Instruction(line, self.label(), self.opcode())
        self.seen: set[str] = set()

    def read(self) -> Instruction:
        self.operands()
        while not self.cursor.at_end():
            self.ending()
        if self.out.args:
            problems: list[Problem] = []
            self.out.args = normal_args(self.out.op, self.out.args, problems, self.names)
            if problems:
                first = problems[0]
                raise Fault("ASM-014", f"{first.where.removeprefix('args.')}: {first.message}", 0, first.fix)
        return self.out

    def label(self) -> str | None:
        match = _LABEL.match(self.cursor.text)
        if match is None:
            return None
        word = match[1]
        if not NAME.fullmatch(word) and not word.startswith('"'):
            raise Fault("ASM-001", f"'{word}' is not a label", 0, "labels are letters, digits and _, no digit first")
        if len(word) > LIMITS.name_chars:
            raise Fault("ASM-001", f"the label is longer than {LIMITS.name_chars} characters")
        self.cursor.at = match.end()
        return unquote(word) if word.startswith('"') else word

    def opcode(self) -> str:
        at = self.cursor.skip()
        quoted = QUOTED.match(self.cursor.text, at)
        if quoted is not None:
            self.cursor.at = quoted.end()
            word = unquote(quoted[0], at)
            return SPELLINGS.get(word, word)
        match = _OPCODE.match(self.cursor.text, at)
        if match is None:
            rest = self.cursor.text[at:][:40]
            raise Fault("ASM-001", f"an opcode should stand here, not '{rest}'" if rest else "an opcode is missing", at)
        self.cursor.at = match.end()
        if match[0] not in SPELLINGS:
            close = meant(match[0])
            fix = f"did you mean '{close[0]}'?" if close else ""
            raise Fault("ASM-004", f"there is no opcode '{match[0]}'", at, fix)
        return SPELLINGS[match[0]]

    def operands(self) -> None:
        first = True
        while not self.cursor.at_end() and not self.at_ending():
            if not first and not self.cursor.take(","):
                rest = self.cursor.text[self.cursor.at :][:40]
                raise Fault("ASM-001", f"unexpected '{rest}'", self.cursor.at, "separate operands by commas")
            first = False
            key = _KEY.match(self.cursor.text, self.cursor.skip())
            if key is not None:
                self.argument(key)
            else:
                self.out.operands.append(self.operand("an operand"))

    def at_ending(self) -> bool:
        cursor = self.cursor
        word = NAME.match(cursor.text, cursor.skip())
        return cursor.peek("->") or cursor.peek("[") or cursor.peek("@") or (word is not None and word[0] == "if")

    def argument(self, match: re.Match[str]) -> None:
        key = unquote(match[1]) if match[1].startswith('"') else match[1]
        if key in self.out.args:
            raise Fault("ASM-014", f"argument '{key}' is given twice", match.start())
        self.cursor.at = match.end()
        at = self.cursor.skip()
        text = self.cursor.until(",", "->", " if", " [", "@") if not self.cursor.peek("[") else self.bracket()
        if not text:
            raise Fault("ASM-014", f"argument '{key}' has no value", at)
        self.out.args[key] = literals.read_argument(self.out.op, key, text, at, self.names)

    def bracket(self) -> str:
        """Reads a value that begins with a bracket."""
        start = self.cursor.skip()
        self.cursor.at += 1
        self.cursor.until("]")
        if not self.cursor.take("]"):
            raise Fault("ASM-001", "a bracket is not closed", start)
        self.cursor.until(",", "->", " if", " [", "@")
        return self.cursor.text[start : self.cursor.at].rstrip()

    def operand(self, what: str) -> Operand:
        at = self.cursor.skip()
        quoted = self.cursor.text[at : at + 1] in ("'", '"')
        name = self.cursor.word()
        if name is None:
            rest = self.cursor.text[at:][:40]
            raise Fault("ASM-001", f"{what} should stand here, not '{rest}'" if rest else f"{what} is missing", at)
        if not quoted and name in PREFIXES and self.cursor.text.startswith(":", self.cursor.at):
            self.cursor.at += 1
            return Operand(self.operand(what).name, PREFIXES[name])
        return Operand(name)

    def once(self, what: str) -> None:
        if what in self.seen:
            raise Fault("ASM-001", f"a statement has one {what}", self.cursor.at)
        self.seen.add(what)

    def ending(self) -> None:
        """Reads outputs, guard, capabilities and notes: each at most once, in any order."""
        cursor = self.cursor
        at = cursor.skip()
        if cursor.take("->"):
            self.once("'->'")
            self.out.outputs.append(self.operand("an output"))
            while cursor.take(","):
                self.out.outputs.append(self.operand("an output"))
        elif cursor.keyword("if"):
            self.once("guard")
            at = cursor.skip()
            self.out.guard = guards.read(cursor.until("->", " [", "@"), at)
        elif cursor.take("["):
            at = cursor.skip()
            text = cursor.until("]")
            if not cursor.take("]"):
                raise Fault("ASM-012", "']' is missing", cursor.at)
            self.brackets(text, at)
        elif cursor.take("@"):
            self.once("'@[...]'")
            at = cursor.skip()
            notes = literals.read(self.bracket() if cursor.peek("[") else "", at, self.names)
            if not isinstance(notes, dict):
                raise Fault("ASM-014", "notes are a map", at, "write `@[key: value]`")
            self.out.metadata = notes
        else:
            raise Fault("ASM-001", f"unexpected '{cursor.text[at:][:40]}'", at)

    def brackets(self, text: str, at: int) -> None:
        if _GUARDED.search(QUOTED.sub("", text)):
            self.once("guard")
            self.out.guard = guards.read(text, at)
            return
        self.once("capability list")
        cursor = Cursor(text)
        caps: list[str] = []
        while not cursor.at_end():
            if caps:
                cursor.take(",")
            place = cursor.skip()
            quoted = text[place : place + 1] in ("'", '"')
            word = cursor.word()
            if word is None or not (quoted or word.startswith("CAP_")):
                shown = word or text[place:][:40]
                fix = f"write `[CAP_LINK]`, or a guard as `if {shown}==1`" if word else ""
                raise Fault("ASM-012", f"'{shown}' is not a capability", at + place, fix)
            caps.append(word)
        self.out.caps = tuple(caps)


def read(text: str, line: Line, names: Mapping[str, Value]) -> Instruction:
    """The instruction in ``text``, which came from ``line``."""
    match = _SIMPLE.fullmatch(text)
    if match is not None:
        label, opcode, operands, outputs = match.groups()
        words, after = _COMMA.split(operands), _COMMA.split(outputs) if outputs else []
        if opcode in SPELLINGS and len(label) <= LIMITS.name_chars and RESERVED.isdisjoint((*words, *after)):
            return Instruction(line, label, SPELLINGS[opcode], [Operand(w) for w in words], [Operand(w) for w in after])
    return Reader(text, line, names).read()


def spelling(op: str) -> str:
    """The name of an op as the disassembler writes it: in quotes when it is not an op."""
    row = OPS.get(op)
    return literals.quote(op) if row is None else row.spelling_01
