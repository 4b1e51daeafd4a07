"""The token stream that both parsers read, with error recovery: one finding a broken statement, then on."""

from __future__ import annotations

from qmk.frontends.openqasm.sources import File, Refusal, Sources
from qmk.frontends.openqasm.tokens import TOKEN

MAX_DEPTH = 60
"""Nesting of expressions and blocks; beyond it the program is refused, before Python's own stack is in danger."""

_NEXT = TOKEN.match


class Stream:
    """One token of lookahead over one file: ``kind``, ``text`` and global ``pos`` of the current token."""

    def __init__(self, sources: Sources, file: File) -> None:
        self.sources, self.file = sources, file
        self.source = file.text
        self.end = 0
        self.last_end = 0
        self.depth = 0
        self.kind = self.text = ""
        self.pos = file.base
        try:
            self.advance()
        except Refusal as refusal:
            sources.report(refusal)
            self._skip_bad()

    def advance(self) -> None:
        """Make the next token current."""
        self.last_end = self.end
        found = _NEXT(self.source, self.end)
        assert found is not None  # the last alternative takes any character and the one before takes the end
        kind = found.lastgroup or ""
        self.kind, self.text, self.end = kind, found[kind], found.end()
        self.pos = self.file.base + found.start(kind)
        if kind == "bad":
            self._bad()

    def next_text(self) -> str:
        """The text of the token after the current one, if no line ends between the token before and it."""
        found = _NEXT(self.source, self.end)
        assert found is not None
        kind = found.lastgroup or ""
        return "" if "\n" in self.source[self.last_end : found.start(kind)] else found[kind]

    def seek(self, offset: int) -> None:
        """Make the token at or after local ``offset`` current."""
        self.end = offset
        self.advance()

    def _bad(self) -> None:
        if self.text in "\"'":
            raise Refusal("syntax", self.pos, "the string is not closed on its line", f"add the closing {self.text}")
        if self.source.startswith("/*", self.pos - self.file.base):
            raise Refusal("syntax", self.pos, "the comment is never closed", "add the closing */")
        raise Refusal("syntax", self.pos, f"the character {self.text!r} has no meaning here")

    def describe_token(self) -> str:
        """The current token for a message."""
        if self.kind == "end":
            return "the end of the file"
        text = self.text if len(self.text) <= 40 else self.text[:37] + "..."
        return f"'{text}'"

    def fail(self, wanted: str, help: str = "") -> Refusal:
        return Refusal("syntax", self.pos, f"expected {wanted}, found {self.describe_token()}", help)

    def expect(self, text: str) -> None:
        """Step over ``text``; a missing ';' is placed where it belongs, at the end of the statement."""
        if self.text == text and self.kind != "string":
            self.advance()
        elif text == ";":
            raise Refusal(
                "syntax", self.file.base + self.last_end, f"expected ';' before {self.describe_token()}",
                "end the statement with ';'",
            )  # fmt: skip
        else:
            raise self.fail(f"'{text}'")

    def take(self, text: str) -> bool:
        """Step over ``text`` if it is current."""
        if self.text == text and self.kind != "string":
            self.advance()
            return True
        return False

    def name(self, what: str) -> str:
        if self.kind != "name":
            raise self.fail(what)
        text = self.text
        self.advance()
        return text

    def names(self, what: str) -> list[str]:
        """``a, b, c``."""
        found = [self.name(what)]
        while self.take(","):
            found.append(self.name(what))
        return found

    def enter(self) -> None:
        """One level deeper; pair with ``self.depth -= 1``."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refusal("limit", self.pos, f"nested deeper than {MAX_DEPTH} levels", "split the expression or block")

    def recover(self, start: int) -> None:
        """After an error in the statement that began at local ``start``: go past its ';' or closing brace."""
        level = 0
        if self.kind == "bad" or self.pos - self.file.base < start:
            self._skip_bad()
        while self.kind != "end":
            if self.text == "{":
                level += 1
            elif self.text == "}":
                if level <= 1:
                    if level == 1:
                        self._step()
                    return
                level -= 1
            elif self.text == ";" and level == 0:
                self._step()
                return
            self._step()

    def _step(self) -> None:
        try:
            self.advance()
        except Refusal:
            self._skip_bad()

    def _skip_bad(self) -> None:
        """Step over characters without meaning; an unclosed comment ends the file."""
        while True:
            local = self.pos - self.file.base
            if self.source.startswith("/*", local):
                self.end = len(self.source)
            try:
                self.advance()
                return
            except Refusal:
                continue
