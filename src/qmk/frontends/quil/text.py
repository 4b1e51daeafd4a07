"""Quil's lines to statements: gates as tuples, everything else by its first word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from qmk.base.limits import LIMITS
from qmk.frontends.openqasm.replay import gate_item
from qmk.frontends.openqasm.unitary import Unitary, ops_of
from qmk.frontends.quil.gates import PLAIN, TURNING, Call, Definition, Definitions, real
from qmk.ir.expression_text import read_expression
from qmk.ir.parameters import Angle, Expression, Parameter
from qmk.sdk.frontend import Refused

Gate = tuple[Any, ...]
"""(short name, angles, qubits), and with controls (.., controls, power), as items of a circuit."""


class Statement(NamedTuple):
    """What is not a gate: its first word, the rest of its line, and its line."""

    word: str
    rest: str
    line: int


class Memory(NamedTuple):
    """A region that is declared. ``kind``: BIT, OCTET, INTEGER or REAL."""

    name: str
    kind: str
    size: int
    line: int


class Parsed(NamedTuple):
    """``statements`` in order; ``gates_at`` says from which line each gate's tuple comes."""

    memory: dict[str, Memory]
    statements: list[Gate | Statement]
    kraus: dict[tuple[str, tuple[int, ...]], list[list[list[list[float]]]]]
    povm: dict[int, tuple[float, float]]


_QUIL_T = frozenset(
    [
        "DEFCAL",
        "DEFFRAME",
        "DEFWAVEFORM",
        "PULSE",
        "CAPTURE",
        "RAW-CAPTURE",
        "DELAY",
        "FENCE",
        "SET-FREQUENCY",
        "SHIFT-FREQUENCY",
        "SET-PHASE",
        "SHIFT-PHASE",
        "SWAP-PHASES",
        "SET-SCALE",
        "NONBLOCKING",
    ]
)
_WORDS = frozenset(
    [
        "MEASURE",
        "RESET",
        "HALT",
        "WAIT",
        "NOP",
        "LABEL",
        "JUMP",
        "JUMP-WHEN",
        "JUMP-UNLESS",
        "AND",
        "IOR",
        "XOR",
        "NOT",
        "NEG",
        "MOVE",
        "EXCHANGE",
        "CONVERT",
        "ADD",
        "SUB",
        "MUL",
        "DIV",
        "EQ",
        "GT",
        "GE",
        "LT",
        "LE",
    ]
)
_UNREAD = frozenset(["LOAD", "STORE", "CALL", "INCLUDE", "TRUE", "FALSE", "OR"])
_HINTS = frozenset(
    [
        "PRESERVE_BLOCK",
        "END_PRESERVE_BLOCK",
        "COMMUTING_BLOCKS",
        "END_COMMUTING_BLOCKS",
        "BLOCK",
        "END_BLOCK",
        "INITIAL_REWIRING",
        "GATE_TIME",
        "NO-NOISE",
        "CURRENT_REWIRING",
        "EXPECTED_REWIRING",
    ]
)
"""Pragmas for compilers, which do not change what a program gives."""

_ONE_ANGLE = {name: row for name, row in TURNING.items() if row[2] == 1}
_GATE = re.compile(r"((?:(?:CONTROLLED|DAGGER|FORKED)\s+)*)([A-Za-z_][\w-]*)\s*(?:\((.*)\))?((?:\s+\S+)*)")
_DEFINE = re.compile(r"(DEFGATE|DEFCIRCUIT)\s+([A-Za-z_][\w-]*)\s*(?:\(([^)]*)\))?([^:]*):")
_DECLARE = re.compile(r"([A-Za-z_][\w-]*)\s+(BIT|OCTET|INTEGER|REAL)\s*(?:\[\s*(\d{1,9})\s*\])?\s*(\S.*)?")
_REFERENCE = re.compile(r"([A-Za-z_][\w-]*)\s*(?:\[\s*(\d{1,9})\s*\])?")
_IMAGINARY = re.compile(r"(?<![\w.])((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)i\b")
_VARIABLE = re.compile(r"%([A-Za-z_][\w-]*)")


def parse(text: str) -> Parsed:
    """The statements of a program. Raises Refused with the line of what is wrong."""
    return _Parser(text).parsed


class _Parser:
    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.parsed = Parsed({}, [], {}, {})
        self.definitions = Definitions(self._call_of, self.numbers)
        self.angles: dict[str, Angle] = {}
        if "PRAGMA" in text:
            for number, line in enumerate(self.lines, 1):  # noise holds for the whole program
                if line.strip().startswith("PRAGMA"):
                    self._pragma(line.strip().partition(" ")[2], number)
        at, statements = 0, self.parsed.statements
        plain, angles, defined = PLAIN, self.angles, self.definitions.defined
        while at < len(self.lines):
            line = self.lines[at]
            at += 1
            head, _, rest = line.partition(" ")
            given: tuple[Angle, ...] = ()
            simple: tuple[Any, ...] | None = plain.get(head)
            if simple is None and head[-1:] == ")":
                name, _, text_of_angle = head[:-1].partition("(")
                simple = _ONE_ANGLE.get(name)
                if simple is not None:
                    angle = angles.get(text_of_angle)
                    if angle is None:
                        try:
                            angle = float(text_of_angle)
                        except ValueError:
                            simple = None
                    given = (angle,)  # type: ignore[assignment]
                    head = name
            if simple is not None and head not in defined and not self.parsed.kraus:
                try:
                    qubits = tuple(map(int, rest.split()))
                except ValueError:
                    qubits = ()
                if len(qubits) == simple[1] == len(set(qubits)) and min(qubits) >= 0 and max(qubits) < LIMITS.qubits:
                    statements.append((simple[0], given, qubits))
                    continue
            at = self._line(line, at)

    def _line(self, line: str, at: int) -> int:
        """Reads a line, which ends before line ``at``, and gives where the next one begins."""
        code = line.partition("#")[0].strip() if "#" in line and '"' not in line else line.strip()
        for part in code.split(";") if ";" in code and '"' not in code else (code,):
            part = part.strip()
            if not part:
                continue
            word, _, rest = part.partition(" ")
            if word in ("DEFGATE", "DEFCIRCUIT"):
                return self._define(part, at)
            if word in _WORDS:
                self.parsed.statements.append(Statement(word, rest.strip(), at))
            elif word == "DECLARE":
                self._declare(rest.strip(), at)
            elif word == "PRAGMA":
                continue
            elif word in _QUIL_T:
                raise Refused("QUIL-06", f"{word} is Quil-T", line=at)
            elif word in _UNREAD:
                raise Refused("QUIL-09", f"{word} is not read", line=at)
            else:
                self._gate(part, at)
        return at

    # -- gates -------------------------------------------------------------------------------------------------------

    def _gate(self, part: str, line: int) -> None:
        call = self._call_of(part, line, {}, None)
        simple = None if call.modifiers or call.name in self.definitions.defined else TURNING.get(call.name)
        if (call.name, call.qubits) in self.parsed.kraus and not call.modifiers:
            self.parsed.statements.append(Statement("KRAUS", part, line))
        elif simple is not None and simple[1:] == (len(call.qubits), len(call.params)) == (
            len(set(call.qubits)),
            len(call.params),
        ):
            self.parsed.statements.append((simple[0], call.params, call.qubits))
        else:
            self.parsed.statements.extend(gates_of(self.definitions.unitary(call), call.qubits))

    def _call_of(self, part: str, line: int, values: Mapping[str, Angle], places: Mapping[str, int] | None) -> Call:
        """A line as a gate. ``places``: the qubits of a definition by name; None: they are numbers."""
        match = _GATE.fullmatch(part)
        if match is None:
            raise Refused("QUIL-01", f"'{part[:40]}' is not an instruction", line=line)
        modifiers, name, given, operands = match.groups()
        qubits: list[int] = []
        for each in operands.split():
            place = (
                places.get(each) if places is not None else int(each) if each.isdecimal() and len(each) < 10 else None
            )
            if place is None:
                raise Refused("QUIL-03", f"'{each[:40]}' is not a qubit", line=line)
            qubits.append(place)
        if any(qubit >= LIMITS.qubits for qubit in qubits):
            raise Refused("QUIL-10", f"qubit {max(qubits)}; there may be {LIMITS.qubits}", line=line)
        params: tuple[Angle, ...] = ()
        if given:
            found = self.angles.get(given) if not values else None
            if found is None:
                params = tuple(real(each, line) for each in self.numbers(given, values, line))
                if len(params) == 1 and not values:
                    self.angles[given] = params[0]
            else:
                params = (found,)
        return Call(tuple(modifiers.split()), name, params, tuple(qubits), line)

    # -- expressions -------------------------------------------------------------------------------------------------

    def numbers(self, text: str, values: Mapping[str, Angle], line: int) -> list[Any]:
        """The values of expressions between commas."""
        try:
            return [float(text)]
        except ValueError:
            pass
        return [self._number(part, values, line) for part in _split(text)]

    def _number(self, text: str, values: Mapping[str, Angle], line: int) -> Any:
        def name(word: str, index: int | None) -> Any:
            if word == "i" and index is None and "i" not in self.parsed.memory:
                return 1j
            if word.startswith("_v_"):
                if index is not None or word[3:] not in values:
                    raise ValueError(f"there is no parameter %{word[3:]}")
                return values[word[3:]]
            return self.parameter(word, index or 0, line)

        code = _VARIABLE.sub(lambda match: "_v_" + match[1].replace("-", "_"), text)
        for known in self.parsed.memory:
            if "-" in known:
                code = code.replace(known, known.replace("-", "_"))
        code = _IMAGINARY.sub(r"(\1*i)", code).replace("^", "**")
        try:
            return read_expression(code, name)
        except ValueError as error:
            raise Refused("QUIL-05", str(error), line=line) from None

    def parameter(self, name: str, index: int, line: int) -> Expression:
        """A number in memory, as the parameter that stands for it."""
        region = next((each for each in self.parsed.memory.values() if each.name == name), None)
        if region is None or index >= region.size:
            raise Refused("QUIL-04", f"there is no memory {name[:40]}[{index}]", line=line)
        if region.kind == "BIT":
            raise Refused("QUIL-07", f"an angle that depends on the bit {name}[{index}]", line=line)
        return Parameter(name) if region.size == 1 else Parameter(name, region.size)[index]

    # -- declarations ------------------------------------------------------------------------------------------------

    def _declare(self, rest: str, line: int) -> None:
        match = _DECLARE.fullmatch(rest)
        if match is None:
            raise Refused("QUIL-04", f"'DECLARE {rest[:40]}' does not declare memory", line=line)
        name, kind, size, more = match.groups()
        if more:
            raise Refused("QUIL-09", f"memory {name} shares that of another region", line=line)
        own = name.replace("-", "_")
        if any(each.name == own for each in self.parsed.memory.values()):
            raise Refused("QUIL-04", f"memory {name} is declared twice", line=line)
        count = int(size or 1)
        if not 1 <= count <= LIMITS.events:
            raise Refused("QUIL-10", f"memory {name} of {count} values; at most {LIMITS.events}", line=line)
        self.parsed.memory[name] = Memory(own, kind, count, line)

    def _define(self, first: str, at: int) -> int:
        match = _DEFINE.fullmatch(first)
        if match is None:
            raise Refused("QUIL-08", f"'{first[:40]}' does not define a gate", line=at)
        word, name, params, tail = match.groups()
        words = tail.split()
        kind = "CIRCUIT" if word == "DEFCIRCUIT" else "MATRIX"
        if word == "DEFGATE" and "AS" in words:
            cut = words.index("AS")
            kind, words = " ".join(words[cut + 1 :]), words[:cut]
        if kind not in ("CIRCUIT", "MATRIX", "PERMUTATION", "PAULI-SUM", "SEQUENCE"):
            raise Refused("QUIL-08", f"{name} is defined as {kind[:40]}", line=at)
        start = at
        rows: list[tuple[str, int]] = []
        while at < len(self.lines) and (not self.lines[at].strip() or self.lines[at][:1] in " \t"):
            if text := self.lines[at].partition("#")[0].strip():
                rows.append((text, at + 1))
            elif rows:
                break
            at += 1
        if not rows or (kind == "PERMUTATION" and len(rows) > 1):
            raise Refused("QUIL-08", f"{name} is defined by {len(rows)} lines", line=start)
        names = tuple(
            each.strip().removeprefix("%").replace("-", "_") for each in (params or "").split(",") if each.strip()
        )
        self.definitions.defined[name] = Definition(kind, names, tuple(words), tuple(rows), start)
        return at

    def _pragma(self, rest: str, line: int) -> None:
        word, _, given = rest.partition(" ")
        if word in _HINTS:
            return
        operands, _, text = given.partition('"')
        values = text.rstrip('"').strip().strip("()").split()
        if word == "ADD-KRAUS":
            gate, *qubits = operands.split()
            entries = [complex(self._number(each, {}, line)) for each in values]
            size = 1 << len(qubits)
            if not all(map(str.isdecimal, qubits)) or len(entries) != size * size or len(qubits) not in (1, 2):
                raise Refused("QUIL-09", "ADD-KRAUS names a gate, one or two qubits, and a matrix", line=line)
            pairs = [[entry.real, entry.imag] for entry in entries]
            key = gate, tuple(map(int, qubits))
            self.parsed.kraus.setdefault(key, []).append([pairs[k : k + size] for k in range(0, size * size, size)])
        elif word == "READOUT-POVM":
            chances = [float(cast("float", self._number(each, {}, line))) for each in values]
            if len(chances) != 4 or not operands.strip().isdecimal():
                raise Refused("QUIL-09", "READOUT-POVM names a qubit and four probabilities", line=line)
            self.parsed.povm[int(operands)] = chances[2], chances[1]
        else:
            raise Refused("QUIL-09", f"the pragma {word[:40]} is not read", line=line)


def gates_of(unitary: Unitary, qubits: Sequence[int]) -> list[Gate]:
    """A gate as items on these qubits."""
    found: list[Gate] = []
    if unitary.phase:
        found.append(("gphase", (unitary.phase,), ()))
    for p in unitary.prims:
        own = tuple(qubits[k] for k in p.operands)
        if p.base == "gphase" and p.controls:
            found.append(("gphase", (p.args["gamma"],), own, p.controls, p.power))
            continue
        for short, args, operands in ops_of(p):
            found.append(gate_item(short, args, tuple(qubits[k] for k in operands)))
    return found


def reference(text: str) -> tuple[str, int] | None:
    """A name and an index, as ``ro[2]`` or ``ro``; None for another text."""
    match = _REFERENCE.fullmatch(text.strip())
    return None if match is None else (match[1].replace("-", "_"), int(match[2] or 0))


def _split(text: str) -> list[str]:
    """The parts between commas that stand in no parentheses."""
    parts, depth, start = list[str](), 0, 0
    for at, char in enumerate(text):
        depth += (char in "([") - (char in ")]")
        if char == "," and not depth:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]
