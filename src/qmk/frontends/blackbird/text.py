"""Reads Blackbird text line by line: header, declarations, loops, operations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from qmk.base.limits import LIMITS
from qmk.formats.expression import ExpressionError, evaluate
from qmk.frontends.blackbird import BLACKBIRD_RULES
from qmk.frontends.blackbird.optics import FOREIGN, OPERATIONS, Writer
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Inputs, Refused, Source, report_refused, strip_bom

MODES = 1000
"""Modes of one program."""

_DECLARATION = re.compile(r"(int|float|bool|str|complex)\s+([A-Za-z_]\w*)\s*=\s*(.+)")
_ARRAY = re.compile(r"(int|float|complex)\s+array\s+([A-Za-z_]\w*)\s*(?:\[([^\]]*)\])?\s*=\s*(.*)")
_LOOP = re.compile(r"for\s+(int|float)\s+([A-Za-z_]\w*)\s+in\s+(.+?)\s*:?\s*")
_OPERATION = re.compile(r"([A-Za-z]\w*)\s*(?:\((.*)\))?\s*\|\s*(.+)")
_TARGET = re.compile(r"\S+\s*(?:\((.*)\))?")
_PARAMETER = re.compile(r"\{\s*([A-Za-z_]\w*)\s*\}")
_MEASURED = re.compile(r"q\d+|q\[\d+\]")


class Line(NamedTuple):
    number: int
    indented: bool
    text: str


def lines_of(source: Source) -> list[Line]:
    """The lines that say something; a statement goes on while a parenthesis or bracket is open."""
    out: list[Line] = []
    text = strip_bom(source.data).decode("utf-8", "replace")
    for number, whole in enumerate(text.split("\n"), 1):
        said = whole.split("#")[0].rstrip()
        if not said.strip():
            continue
        if out and out[-1].text.count("(") + out[-1].text.count("[") > out[-1].text.count(")") + out[-1].text.count(
            "]"
        ):
            out[-1] = out[-1]._replace(text=f"{out[-1].text} {said.strip()}")
        else:
            out.append(Line(number, said[0] in " \t", said.strip()))
    return out


def inputs_of(source: Source) -> Inputs:
    """The template parameters in order of first use."""
    text = "\n".join(line.text for line in lines_of(source))
    return Inputs(dict.fromkeys(_PARAMETER.findall(text), ()), only_angles=False)


def read(source: Source) -> Graph:
    """Raises INVALID_GRAPH with the first line that cannot be read or carried over."""
    with report_refused(BLACKBIRD_RULES, source):
        return _Reading(source.params or {}).program(lines_of(source))


class _Reading:
    def __init__(self, params: Mapping[str, Any]) -> None:
        given = dict(params)
        self.most = given.pop("most", None)
        if self.most is not None and not (type(self.most) is int and 1 <= self.most <= 255):
            raise Refused("BLACKBIRD-02", "most is a whole number from 1 to 255")
        self.params = given
        self.used: set[str] = set()
        self.names: dict[str, Any] = {}
        self.arrays: dict[str, list[list[complex]]] = {}
        self.shots: int | None = None
        self.line = 0
        self.operations: list[tuple[str, list[Any], list[int], int]] = []

    def program(self, lines: list[Line]) -> Graph:
        at = 0
        while at < len(lines):
            body = _body(lines, at + 1)
            self._read_line(lines[at], lines[at + 1 : body])
            at = body
        if not self.operations:
            raise Refused("BLACKBIRD-01", "the program has no operations")
        unused = sorted(set(self.params) - self.used)
        if unused:
            raise Refused("BLACKBIRD-06", f"the program has no parameter {{{unused[0][:40]}}}")
        modes = 1 + max((mode for *_, on, _line in self.operations for mode in on), default=-1)
        writer = Writer(modes, self.most)
        for name, given, on, line in self.operations:
            try:
                writer.operation(name, given, on)
            except Refused as refused:
                raise Refused(refused.rule, refused.message, refused.help, line) from None
        return writer.graph(self.shots)

    def _read_line(self, line: Line, body: list[Line]) -> None:
        self.line = line.number
        try:
            self._statement(line, body)
        except ExpressionError as error:
            raise Refused("BLACKBIRD-02", f"{error}", line=line.number) from None
        except Refused as refused:
            raise Refused(refused.rule, refused.message, refused.help, refused.line or line.number) from None

    def _statement(self, line: Line, body: list[Line]) -> None:
        text, word = line.text, line.text.split(None, 1)[0]
        if found := _ARRAY.fullmatch(text):
            self._array(found[2], found[3], ([found[4]] if found[4] else []) + [row.text for row in body])
            return
        if found := _LOOP.fullmatch(text):
            for value in self._values(found[3]):
                self.names[found[2]] = value
                for at, inner in enumerate(body):
                    if inner.text.startswith("for "):
                        raise Refused("BLACKBIRD-01", "a loop inside a loop", line=inner.number)
                    self._read_line(inner, [])
                    self._count(len(self.operations) + at)
            return
        if body:
            raise Refused("BLACKBIRD-01", "an indented line belongs to no loop and no array", line=body[0].number)
        if word in ("name", "version"):
            return
        if word == "target":
            self._target(text.removeprefix("target").strip())
        elif word in ("type", "include", "operation"):
            raise Refused("BLACKBIRD-05", f"'{word}' lines are not read")
        elif found := _DECLARATION.fullmatch(text):
            if found[1] in ("str", "complex"):
                raise Refused("BLACKBIRD-05", f"a variable of type {found[1]}")
            self.names[found[2]] = self._value(found[3])
        elif found := _OPERATION.fullmatch(text):
            self._operation(found[1], found[2] or "", found[3])
        else:
            raise Refused("BLACKBIRD-01", f"'{text[:60]}' is not a statement")

    def _count(self, operations: int) -> None:
        if operations > LIMITS.expansion_nodes:
            raise Refused("BLACKBIRD-07", f"more than {LIMITS.expansion_nodes} operations")

    def _target(self, text: str) -> None:
        found = _TARGET.fullmatch(text)
        if found is None:
            raise Refused("BLACKBIRD-01", f"'{text[:60]}' is not a target")
        options = dict(_keywords(found[1] or ""))
        for name, value in options.items():
            number = self._value(value) if name in ("shots", "cutoff_dim") else None
            if name == "shots" and type(number) is int and number >= 1:
                self.shots = number
            elif name == "cutoff_dim" and type(number) is int and number >= 2:
                self.most = min(number - 1, 255) if self.most is None else self.most
            elif number is not None or name not in ("backend",):
                raise Refused("BLACKBIRD-05", f"option {name[:40]}={value[:40]} of a target")

    def _array(self, name: str, shape: str | None, rows: list[str]) -> None:
        if not rows:
            raise Refused("BLACKBIRD-01", f"array {name} has no rows")
        found = [[self._entry(entry) for entry in _split(row)] for row in rows]
        if len({len(row) for row in found}) > 1:
            raise Refused("BLACKBIRD-02", f"the rows of array {name} are not equally long")
        if shape and [int(x) for x in re.findall(r"\d+", shape)] not in ([len(found), len(found[0])], [len(found[0])]):
            raise Refused("BLACKBIRD-02", f"array {name} has {len(found)} rows of {len(found[0])}, not [{shape}]")
        self.arrays[name] = found
        if all(not entry.imag for row in found for entry in row):
            real = [[entry.real for entry in row] for row in found]
            self.names[name] = real[0] if len(real) == 1 else real

    def _entry(self, text: str) -> complex:
        if "j" not in text.lower():
            return complex(float(self._value(text)))
        try:
            return complex(text.replace(" ", "").lower())
        except ValueError:
            raise Refused("BLACKBIRD-02", f"'{text[:40]}' is not a complex number") from None

    def _values(self, text: str) -> Iterator[Any]:
        """The values of a loop: first:last or first:last:step, as Python's ranges, or a list."""
        if text.startswith("["):
            yield from cast("list[Any]", self._value(text))
            return
        parts = [self._value(part) for part in text.split(":")]
        if (
            not 2 <= len(parts) <= 3
            or any(type(part) is not int for part in parts)
            or (len(parts) > 2 and not parts[2])
        ):
            raise Refused("BLACKBIRD-01", f"'{text[:40]}' is not a range of whole numbers, first:last")
        self._count(len(range(*cast("list[int]", parts))))
        yield from range(*cast("list[int]", parts))

    def _value(self, text: str) -> Any:
        """The value of an expression, template parameters with their values."""

        def put_in(found: re.Match[str]) -> str:
            if found[1] not in self.params:
                raise Refused("BLACKBIRD-06", f"the parameter {{{found[1]}}} has no value")
            self.used.add(found[1])
            value = self.params[found[1]]
            if not isinstance(value, (int, float)):
                raise Refused("BLACKBIRD-06", f"the parameter {{{found[1]}}} is a number")
            return f"({float(value)!r})" if isinstance(value, float) else f"({value})"

        whole = _PARAMETER.sub(put_in, text.strip().strip("\"'"))
        if _MEASURED.fullmatch(whole) and whole not in self.names:
            raise Refused("BLACKBIRD-05", f"a parameter that depends on the measurement of {whole}")
        return evaluate(
            re.sub(r"\[([^\[\],]+),([^\[\],]+)\]", r"[\1][\2]", whole) if "[" in whole[1:] else whole, self.names
        )

    def _operation(self, name: str, arguments: str, modes: str) -> None:
        if name in FOREIGN:
            raise Refused("BLACKBIRD-05", f"{name} has no op of light")
        if name not in OPERATIONS and name != "Interferometer":
            raise Refused("BLACKBIRD-03", f"there is no operation {name[:40]}")
        on = self._modes(modes)
        if name == "Interferometer":
            given = [self.arrays.get(part.strip()) for part in _split(arguments)]
            if len(given) != 1 or given[0] is None:
                raise Refused("BLACKBIRD-04", "Interferometer takes the name of an array")
            self.operations.append((name, given, on, self.line))
            return
        declared = OPERATIONS[name]
        values = list(declared.defaults)
        named = False
        for at, (key, text) in enumerate(_keywords(arguments)):
            named = named or bool(key)
            if key == "select":
                raise Refused("BLACKBIRD-05", "select: results cannot be chosen")
            place = declared.names.index(key) if key in declared.names else -1 if key else at
            if not 0 <= place < len(values) or (named and not key):
                raise Refused("BLACKBIRD-04", f"{name} takes {', '.join(declared.names) or 'no parameters'}")
            values[place] = self._real(name, text)
        if None in values:
            raise Refused("BLACKBIRD-04", f"{name} needs {declared.names[values.index(None)]}")
        self.operations.append((name, values, on, self.line))

    def _real(self, name: str, text: str) -> float:
        value = self._value(text)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Refused("BLACKBIRD-02", f"{name}: '{text[:40]}' is not a number")
        return value

    def _modes(self, text: str) -> list[int]:
        parts = _split(text[1:-1]) if text.startswith(("[", "(")) and text.endswith(("]", ")")) else _split(text)
        found = [
            self._value(part.strip().removeprefix("q[").removesuffix("]") if part.strip().startswith("q[") else part)
            for part in parts
        ]
        if not found or any(type(mode) is not int or not 0 <= mode < MODES for mode in found):
            raise Refused("BLACKBIRD-04", f"'{text[:40]}' is not a list of modes, numbered from 0 to {MODES - 1}")
        if len(set(found)) < len(found):
            raise Refused("BLACKBIRD-04", f"'{text[:40]}' names a mode twice")
        return found


def _body(lines: list[Line], at: int) -> int:
    """Where the indented lines from ``at`` on end."""
    while at < len(lines) and lines[at].indented:
        at += 1
    return at


def _split(text: str) -> list[str]:
    """Splits at commas outside of brackets."""
    parts, depth, begin = list[str](), 0, 0
    for at, letter in enumerate(text):
        depth += letter in "([{"
        depth -= letter in ")]}"
        if letter == "," and not depth:
            parts.append(text[begin:at].strip())
            begin = at + 1
    last = text[begin:].strip()
    return [*parts, last] if last else parts


def _keywords(text: str) -> Iterator[tuple[str, str]]:
    """Arguments as (name, value); the name is empty where there is none."""
    for part in _split(text):
        name, equals, value = part.partition("=")
        yield (name.strip(), value.strip()) if equals else ("", part)
