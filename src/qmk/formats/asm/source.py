"""Splits source text into lines, gives faults their places, and has the cursor that all readers of statements share."""

from __future__ import annotations

import re
from typing import NamedTuple

from qmk.base.errors import Finding
from qmk.formats.asm.rules import ASM_RULES

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
RESERVED = frozenset({"if", "and", "or", "not", "all", "any"})
"""Words with a meaning of their own in statements; a handle called so is quoted."""

_CODE = re.compile(r"""(?:[^;"']++|"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+')*""")
_RUN = re.compile(r"\w+")
_BREAK = re.compile(r"\r\n|\r|\n")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\\": "\\", "/": "/", "'": "'", '"': '"'}


class Line(NamedTuple):
    """One line without its comment. ``column`` (from 1) is where ``text`` begins."""

    file: str
    number: int
    column: int
    text: str


class Fault(Exception):
    """Something wrong at ``at`` (from 0) of the text being read."""

    def __init__(self, rule: str, message: str, at: int = 0, fix: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.at = at
        self.fix = fix

    def finding(self, line: Line, exact: bool = True, note: str = "") -> Finding:
        """The fault as a finding in ``line``; without ``exact`` the column is that of the statement."""
        column = line.column + self.at if exact else line.column
        row = ASM_RULES.get(self.rule)
        fix = self.fix or (row.help if row else "")
        return Finding(self.rule, self.message + note, fix, "", line.file, line.number, column)


def split(text: str, file: str) -> list[Line]:
    """The lines of ``text`` that say something, comments removed. A quote that is not closed ends with its line."""
    lines: list[Line] = []
    for number, raw in enumerate(_BREAK.split(text), 1):
        if not raw or raw.isspace():
            continue
        if '"' in raw or "'" in raw:
            match = _CODE.match(raw)
            stop = match.end() if match else 0
            # An open quote stays, so that the reader of the statement names it.
            code = raw[:stop] if raw[stop : stop + 1] in ("", ";") else raw
        else:
            code = raw.partition(";")[0]
        stripped = code.strip()
        if stripped:
            lines.append(Line(file, number, len(code) - len(code.lstrip()) + 1, stripped))
    return lines


def unquote(text: str, at: int = 0) -> str:
    """The text between the quotes of ``text``, escapes as in JSON resolved."""

    def escape(match: re.Match[str]) -> str:
        word = match[1]
        if len(word) == 5:
            code = int(word[1:], 16)
            if 0xD800 <= code <= 0xDFFF:
                raise Fault("ASM-001", "half a surrogate pair in a text", at + match.start())
            return chr(code)
        if word not in _ESCAPES:
            raise Fault("ASM-001", f"unknown escape '\\{word}' in a text", at + match.start())
        return _ESCAPES[word]

    return _ESCAPE.sub(escape, text[1:-1])


class Cursor:
    """Reads ``text`` from left to right. Every ``take`` skips blanks first and gives "" when there is no match."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self) -> int:
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1
        return self.at

    def at_end(self) -> bool:
        return self.skip() >= len(self.text)

    def peek(self, word: str) -> bool:
        self.skip()
        return self.text.startswith(word, self.at)

    def take(self, word: str) -> bool:
        if self.peek(word):
            self.at += len(word)
            return True
        return False

    def name(self) -> str:
        """A bare name, or "" (nothing is consumed then)."""
        match = NAME.match(self.text, self.skip())
        if match is None:
            return ""
        self.at = match.end()
        return match[0]

    def word(self) -> str | None:
        """A bare or quoted name; None when there is none."""
        match = QUOTED.match(self.text, self.skip())
        if match is not None:
            self.at = match.end()
            return unquote(match[0], match.start())
        return self.name() or None

    def keyword(self, word: str) -> bool:
        """``word`` as a whole word."""
        match = NAME.match(self.text, self.skip())
        if match is not None and match[0] == word:
            self.at = match.end()
            return True
        return False

    def until(self, *stops: str) -> str:
        """Text up to one of ``stops`` outside quotes and brackets, or to the end.

        A stop that begins with a blank asks for a blank before it (``" if"`` also for one or a bracket after it).
        """
        start = self.skip()
        depth = 0
        while self.at < len(self.text):
            if depth == 0 and any(map(self._stops, stops)):
                break
            char = self.text[self.at]
            if char in "\"'":
                match = QUOTED.match(self.text, self.at)
                if match is None:
                    raise Fault("ASM-001", "a quote is not closed", self.at, "close the quote on the same line")
                self.at = match.end()
                continue
            run = _RUN.match(self.text, self.at)
            if run is not None:  # no stop begins inside a word
                self.at = run.end()
                continue
            depth += (char in "([") - (char in ")]")
            if depth < 0:
                raise Fault("ASM-001", f"'{char}' closes nothing", self.at)
            self.at += 1
        if depth:
            raise Fault("ASM-001", "a bracket is not closed", start)
        return self.text[start : self.at].rstrip()

    def _stops(self, stop: str) -> bool:
        if not stop.startswith(" "):
            return self.text.startswith(stop, self.at)
        if self.at == 0 or self.text[self.at - 1] not in " \t" or not self.text.startswith(stop[1:], self.at):
            return False
        after = self.text[self.at + len(stop) - 1 : self.at + len(stop)]
        return stop != " if" or not after or after in " \t("
