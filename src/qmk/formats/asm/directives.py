"""The directives that declare something about the whole program, gathered while it is assembled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from qmk.formats.asm import literals
from qmk.formats.asm.source import Cursor, Fault
from qmk.formats.expression_values import Value
from qmk.qvm.graph import VERSIONS, Output

_FAMILY = re.compile(r"[A-Za-z_]\w*@\d+")
_VERSION = re.compile(r"\d+\.\d+")
LISTS = ("caps", "vqs", "chs", "events", "families")


class Header:
    """What the directives said. A list that no directive named is None."""

    def __init__(self) -> None:
        self.version = ""
        self.lists: dict[str, list[str] | None] = dict.fromkeys(LISTS)
        self.outputs: list[Output] | None = None
        self.shots: int | None = None
        self.metadata: dict[str, Any] = {}
        self.inferred = False

    def take(self, directive: str, text: str, names: Mapping[str, Value]) -> None:
        """Reads a directive; ``text`` is the whole statement. Raises ``Fault``."""
        cursor = Cursor(text)
        cursor.at = len(directive) + 1
        if directive in LISTS:
            self.names(directive, cursor)
        elif directive == "version":
            self.read_version(cursor)
        elif directive == "output":
            self.output(cursor)
        elif directive == "metadata":
            self.note(cursor, names)
        elif directive == "shots":
            self.read_shots(cursor, names)
        else:
            self.inferred = True
        if not cursor.at_end():
            raise Fault("ASM-013", f"unexpected '{text[cursor.at :][:40]}' after the directive", cursor.at)

    def names(self, directive: str, cursor: Cursor) -> None:
        """``.caps CAP_ALLOC CAP_LINK`` and the like: names separated by blanks or commas; lines add up."""
        items: list[str] = []
        while not cursor.at_end():
            if items:
                cursor.take(",")
            family = _FAMILY.match(cursor.text, cursor.skip()) if directive == "families" else None
            if family is not None:
                cursor.at = family.end()
            word = family[0] if family is not None else cursor.word()
            if word is None:
                raise Fault("ASM-013", f"'{cursor.text[cursor.at :][:40]}' is not a name", cursor.at)
            items.append(word)
        before = self.lists[directive]
        self.lists[directive] = items if before is None else before + [item for item in items if item not in before]

    def read_version(self, cursor: Cursor) -> None:
        at = cursor.skip()
        match = _VERSION.match(cursor.text, at)
        version = match[0] if match else ""
        if version not in VERSIONS:
            shown = version or cursor.text[at:][:20]
            raise Fault("ASM-013", f"version '{shown}' is neither {' nor '.join(VERSIONS)}", at, "write `.version 1.0`")
        if self.version not in ("", version):
            raise Fault("ASM-013", f"the version is already {self.version}", at)
        cursor.at += len(version)
        self.version = version

    def read_shots(self, cursor: Cursor, names: Mapping[str, Value]) -> None:
        at = cursor.skip()
        value = literals.read(cursor.until(), at, names)
        if type(value) is not int or value < 1:
            raise Fault("ASM-013", "the number of shots is a whole number of at least 1", at, "write `.shots 1000`")
        self.shots = value

    def note(self, cursor: Cursor, names: Mapping[str, Value]) -> None:
        """``.metadata key = value``."""
        at = cursor.skip()
        key = cursor.word()
        if key is None or not (cursor.take("=") or cursor.take(":")):
            raise Fault("ASM-013", "metadata have a key and a value", at, "write `.metadata key = value`")
        if key in self.metadata:
            raise Fault("ASM-013", f"metadata key '{key}' is given twice", at)
        at = cursor.skip()
        self.metadata[key] = literals.read(cursor.until(), at, names, bare=True)

    def output(self, cursor: Cursor) -> None:
        """``.output c = c1, c0``, ``.output c descending = c1, 0``, or ``.output none``: a result without registers."""
        name = cursor.word()
        if name is None:
            raise Fault("ASM-013", "a register needs a name", cursor.at, "write `.output c = m1, m0`")
        if name == "none" and cursor.at_end():
            self.outputs = self.outputs or []
            return
        descending = cursor.keyword("descending")
        if not cursor.take("="):
            raise Fault("ASM-013", "'=' is missing", cursor.at, "write `.output c = m1, m0`")
        bits: list[str | None] = []
        while not cursor.at_end():
            if bits and not cursor.take(","):
                raise Fault("ASM-013", "',' is missing between bits", cursor.at)
            if cursor.take("0"):
                bits.append(None)
                continue
            bit = cursor.word()
            if bit is None:
                raise Fault("ASM-013", f"'{cursor.text[cursor.at :][:40]}' is not an event", cursor.at)
            bits.append(bit)
        self.outputs = [*(self.outputs or []), Output(name, tuple(bits), descending)]
