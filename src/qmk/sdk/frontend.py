"""The front-end protocol: source text or bytes to a graph, and where possible back.

Entry-point group ``qmk.frontends``. Front-ends are user mode: the kernel verifies whatever they make, again.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import msgspec

from qmk.base.errors import Finding, QmkError, invalid_graph
from qmk.formats.json_rules import Rule
from qmk.qvm.graph import Graph

CERTAIN = 100
"""The score that ``recognise`` gives to a program that can be in no other format."""

T = TypeVar("T")
ParamValue = bool | int | float | str | list[Any]


def strip_bom(data: bytes) -> bytes:
    """Removes the byte order mark that some editors put before UTF-8."""
    return data.removeprefix(codecs.BOM_UTF8)


def json_object(data: bytes) -> bytes:
    """The part of ``data`` that ``recognise`` of a JSON format examines: from its brace on. Empty if it is not a JSON
    object."""
    head = strip_bom(data).lstrip()
    return head if head.startswith(b"{") else b""


def first_lines(data: bytes, comment: str) -> list[str]:
    """The first lines of a text that ``recognise`` examines, at most 64, without empty ones and comments. The last one
    of a long text is left out, as it may be cut."""
    lines = [line.strip() for line in strip_bom(data[:65536]).decode("utf-8", "replace").split("\n")]
    if len(data) >= 4096 and len(lines) > 1:
        lines = lines[:-1]
    return [line for line in lines if line and not line.startswith(comment)][:64]


class Source(msgspec.Struct, frozen=True):
    """A program as it came in. ``path`` is "" when there is no file; relative includes resolve against its folder and
    may not leave it. ``params`` set inputs by name."""

    data: bytes
    path: str = ""
    params: Mapping[str, ParamValue] | None = None

    @property
    def name(self) -> str:
        """The name of the source in error messages."""
        return self.path or "<program>"


class Refused(Exception):
    """A rule that a program breaks, raised where neither the file nor the rules are at hand. ``line`` 0: not known."""

    def __init__(self, rule: str, message: str, help: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.rule, self.message, self.help, self.line = rule, message, help, line

    def at_place(self, place: str) -> Refused:
        return Refused(self.rule, f"{place}: {self.message}", self.help, self.line)

    def finding(self, rules: Mapping[str, Rule], file: str) -> Finding:
        """The finding; its help is that of the rule unless there is a better one."""
        return Finding(self.rule, self.message, self.help or rules[self.rule].help, "", file, self.line)


def refuse(rule: str, message: str, line: int = 0) -> NoReturn:
    raise Refused(rule, message, line=line)


@contextmanager
def report_refused(rules: Mapping[str, Rule], source: Source) -> Generator[None]:
    """Makes INVALID_GRAPH with one finding of a ``Refused`` that is raised within, and names the source in findings
    that name no file."""
    try:
        yield
    except Refused as refused:
        raise invalid_graph([refused.finding(rules, source.name)]) from None
    except QmkError as error:
        if error.kind.name != "INVALID_GRAPH":
            raise
        rows = [msgspec.structs.replace(row, file=row.file or source.name) for row in error.findings]
        raise invalid_graph(rows) from None


def decode_text(data: bytes, rule: str, encoding: str = "utf-8") -> str:
    """A program that is text. Raises ``Refused`` with the line of the first byte that is not."""
    try:
        return strip_bom(data).decode(encoding)
    except UnicodeDecodeError as error:
        line, name = data.count(b"\n", 0, error.start) + 1, encoding.upper()
        raise Refused(rule, f"byte {error.start} is not {name}", f"save the file as {name}", line) from None


def decode_json(data: bytes, decoder: msgspec.json.Decoder[T], rule: str, what: str) -> T:
    """A program that is JSON. Raises ``Refused`` that it is not ``what``, and why."""
    try:
        return decoder.decode(strip_bom(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(rule, f"not {what}: {error}"[:300]) from None


class Inputs(msgspec.Struct, frozen=True):
    """The inputs that a program declares, in order. ``shapes``: () for a real number, the lengths of an array of them,
    None for a value of another kind. ``only_angles``: the program is the same for all values of its inputs but for
    angles, which are affine functions of them."""

    shapes: Mapping[str, tuple[int, ...] | None]
    only_angles: bool


class Frontend(msgspec.Struct, frozen=True):
    """``recognise`` gives 0 (not mine) to 100 (certain) from the first bytes, never from the file name alone.

    ``parse`` raises ``QmkError`` INVALID_GRAPH with findings that have file, line, column, rule and help.
    ``emit`` writes a graph as text in this format, raising INVALID_GRAPH with findings for what it cannot express.
    ``inputs`` lists the inputs of a program without values for them; None where only values tell which there are.
    """

    format: str
    doc: str
    suffixes: tuple[str, ...]
    recognise: Callable[[bytes], int]
    parse: Callable[[Source], Graph]
    emit: Callable[[Graph], bytes] | None = None
    inputs: Callable[[Source], Inputs] | None = None
