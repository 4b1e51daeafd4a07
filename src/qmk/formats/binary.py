"""The compact binary form of graphs: what travels between daemon and workers, and what is stored.

Bytes: ``QVMB``, one version byte, one MessagePack array (``_Body``). Nodes of the same make (op, operand counts,
argument names) share one row of ``shapes``; a node is its id, the number of its shape, and its operands in the one
column ``operands`` of string numbers. A column is one byte of width (1, 2 or 4) and little-endian unsigned integers.
``docs/spec/binary.md`` is the normative text.

Decoding trusts nothing: every count and number is checked before a node is made, so memory stays within a constant
factor of the input, at most ``LIMITS.nodes`` nodes.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from qmk.base.errors import Finding, QmkError, invalid_graph
from qmk.base.limits import LIMITS, check
from qmk.formats.json_rules import Rule
from qmk.formats.normal import json_problem
from qmk.qvm.graph import VERSIONS, Graph, Guard, Node, Output

MAGIC = b"QVMB"
VERSION = 1

_ROWS = (
    Rule("QVMB-01", "not a QVM binary", "The bytes begin with QVMB.", "give a file that was written as QVM binary"),
    Rule(
        "QVMB-02",
        "unknown binary version",
        "The fifth byte is a version of the binary form that this release reads.",
        "write the file again with this release",
    ),
    Rule(
        "QVMB-03",
        "malformed QVM binary",
        "The body is one MessagePack array whose counts, columns and numbers agree.",
        "the file is damaged; write it again",
    ),
    Rule(
        "QVMB-04",
        "parameters given to a binary",
        "QVM binary is a finished program: nothing in it waits for a value from outside.",
        "write assembly with .param instead",
    ),
)
BINARY_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}

Count = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]


class _Shape(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """What nodes have in common; all but the counts are numbers of strings."""

    op: Count
    vqs: Count
    chs: Count
    inputs: Count
    produces: Count
    caps: Count
    args: tuple[Count, ...]
    guard: bool
    metadata: bool


class _Body(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: str
    strings: list[str]
    shapes: list[_Shape]
    ids: list[str]
    nodes: bytes
    operands: bytes
    values: list[Any]
    guards: list[Guard]
    guarded: bytes
    notes: list[dict[str, Any]]
    vqs: bytes
    chs: bytes
    events: bytes
    caps: list[str]
    families: list[str]
    outputs: list[Output] | None
    shots: int | None
    metadata: dict[str, Any]
    inferred: bool


_DECODER = msgspec.msgpack.Decoder(_Body)
_ENCODER = msgspec.msgpack.Encoder()


def _wrong(rule: str, message: str) -> QmkError:
    return invalid_graph([Finding(rule, message, BINARY_RULES[rule].help)])


class _Table:
    """Strings in order of first use, each with its number."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))

    def column(self, texts: Iterable[str]) -> bytes:
        return _pack([self.number(text) for text in texts])


def _pack(numbers: list[int]) -> bytes:
    top = max(numbers, default=0)
    width, code = (1, "B") if top < 1 << 8 else (2, "H") if top < 1 << 16 else (4, "I")
    column: array[int] = array(code, numbers)
    if sys.byteorder == "big":
        column.byteswap()
    return bytes((width,)) + column.tobytes()


def _unpack(data: bytes, high: int, what: str) -> array[int]:
    """The numbers of a column, each below ``high``."""
    code = {1: "B", 2: "H", 4: "I"}.get(data[0] if data else 0)
    if code is None or (len(data) - 1) % data[0]:
        raise _wrong("QVMB-03", f"the column of {what} is malformed")
    column: array[int] = array(code)
    column.frombytes(memoryview(data)[1:])
    if sys.byteorder == "big":
        column.byteswap()
    if column and max(column) >= high:
        raise _wrong("QVMB-03", f"the column of {what} names what does not exist")
    return column


def _depth(guard: Guard) -> int:
    """The nesting of a guard, counted no further than one beyond the limit."""
    depth, level = 0, [guard]
    while level and depth <= LIMITS.guard_depth:
        depth, level = depth + 1, [part for item in level for part in item.conditions]
    return depth


def _check_guard(guard: Guard) -> None:
    if _depth(guard) > LIMITS.guard_depth:
        raise _wrong("QVMB-03", f"a guard nests deeper than {LIMITS.guard_depth} levels")


def encode(graph: Graph) -> bytes:
    """Writes ``graph`` as QVM binary; equal graphs give equal bytes. Raises INVALID_GRAPH for what has no such form."""
    check("nodes", len(graph.nodes), "the graph")
    table = _Table()
    shapes: dict[_Shape, int] = {}
    guards: dict[Guard, int] = {}
    nodes: list[int] = []
    operands: list[int] = []
    guarded: list[int] = []
    values: list[Any] = []
    number = table.number
    for node in graph.nodes:
        shape = _Shape(
            number(node.op),
            len(node.vqs),
            len(node.chs),
            len(node.inputs),
            len(node.produces),
            len(node.caps),
            tuple([number(key) for key in node.args]),
            node.guard is not None,
            bool(node.metadata),
        )
        nodes.append(shapes.setdefault(shape, len(shapes)))
        operands += [number(name) for name in (*node.vqs, *node.chs, *node.inputs, *node.produces, *node.caps)]
        values += node.args.values()
        if node.guard is not None:
            _check_guard(node.guard)
            guarded.append(guards.setdefault(node.guard, len(guards)))
    vqs, chs, events = table.column(graph.vqs), table.column(graph.chs), table.column(graph.events)
    body = _Body(
        graph.version,
        list(table.numbers),
        list(shapes),
        [node.id for node in graph.nodes],
        _pack(nodes),
        _pack(operands),
        values,
        list(guards),
        _pack(guarded),
        [node.metadata for node in graph.nodes if node.metadata],
        vqs,
        chs,
        events,
        list(graph.caps),
        list(graph.families),
        None if graph.outputs is None else list(graph.outputs),
        graph.shots,
        graph.metadata,
        graph.inferred,
    )
    problem = _value_problem(body)
    if problem:
        raise _wrong("QVMB-03", f"the graph has no binary form: {problem}")
    try:
        return MAGIC + bytes((VERSION,)) + _ENCODER.encode(body)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise _wrong("QVMB-03", f"the graph has no binary form: {error}") from None


def _value_problem(body: _Body) -> str:
    """Why a graph may not hold a value in ``body``; "" if it may."""
    for value in body.values:
        if type(value) is not float or value - value != 0.0:
            problem = json_problem(value, "an argument")
            if problem is not None:
                return f"{problem.where}: {problem.message}"
    for value in (*body.notes, body.metadata):
        problem = json_problem(value, "metadata")
        if problem is not None:
            return f"{problem.where}: {problem.message}"
    return ""


def decode(data: bytes) -> Graph:
    """The graph in QVM binary ``data``. Raises INVALID_GRAPH for anything malformed, QUOTA_EXCEEDED beyond a limit."""
    if not data.startswith(MAGIC):
        raise _wrong("QVMB-01", "the bytes do not begin with QVMB")
    if data[4:5] != bytes((VERSION,)):
        raise _wrong("QVMB-02", f"version {data[4] if len(data) > 4 else 'none'} of QVM binary is not {VERSION}")
    try:
        body = _DECODER.decode(memoryview(data)[5:])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong("QVMB-03", f"the body is malformed: {error}") from None
    if body.version not in VERSIONS:
        raise _wrong("QVMB-03", f"QVM version '{body.version[:20]}' is unknown")
    check("nodes", len(body.ids), "the graph")
    problem = _value_problem(body)
    if problem:
        raise _wrong("QVMB-03", problem)
    for guard in body.guards:
        _check_guard(guard)
    strings = body.strings
    handles = [
        tuple([strings[at] for at in _unpack(column, len(strings), what)])
        for column, what in ((body.vqs, "qubits"), (body.chs, "channels"), (body.events, "events"))
    ]
    return Graph(
        version=body.version,
        nodes=_nodes(body),
        vqs=handles[0],
        chs=handles[1],
        events=handles[2],
        caps=tuple(body.caps),
        families=tuple(body.families),
        outputs=None if body.outputs is None else tuple(body.outputs),
        shots=body.shots,
        metadata=body.metadata,
        inferred=body.inferred,
    )


def _nodes(body: _Body) -> tuple[Node, ...]:
    strings, shapes = body.strings, body.shapes
    count = len(strings)
    if any(number >= count for shape in shapes for number in (shape.op, *shape.args)):
        raise _wrong("QVMB-03", "a shape names a string that does not exist")
    column = _unpack(body.nodes, len(shapes), "nodes")
    operands = _unpack(body.operands, count, "operands")
    guarded = _unpack(body.guarded, len(body.guards), "guards")
    sizes = [row.vqs + row.chs + row.inputs + row.produces + row.caps for row in shapes]
    totals = (
        (len(column), len(body.ids), "ids"),
        (sum([sizes[at] for at in column]), len(operands), "operands"),
        (sum([len(shapes[at].args) for at in column]), len(body.values), "arguments"),
        (sum([shapes[at].guard for at in column]), len(guarded), "guards"),
        (sum([shapes[at].metadata for at in column]), len(body.notes), "metadata"),
    )
    for wanted, given, what in totals:
        if wanted != given:
            raise _wrong("QVMB-03", f"the nodes ask for {wanted} {what}, the body holds {given}")
    return tuple(_build(body, column, [strings[at] for at in operands], iter(guarded)))


def _build(body: _Body, column: array[int], names: list[str], guarded: Iterable[int]) -> list[Node]:
    """Builds the nodes; all counts have been checked. Plain gates, which are most of any program, take a fast path."""
    strings, guards = body.strings, iter([body.guards[at] for at in guarded])
    values, notes = iter(body.values), iter(body.notes)
    shapes = [
        (
            strings[row.op], row.vqs, row.chs, row.inputs, row.produces, row.caps,
            tuple([strings[at] for at in row.args]), row.guard, row.metadata,
            not (row.chs or row.inputs or row.produces or row.caps or row.guard or row.metadata),
        )
        for row in body.shapes
    ]  # fmt: skip
    out: list[Node] = []
    at = 0
    for id_, number in zip(body.ids, column, strict=True):
        op, vqs, chs, inputs, produces, caps, keys, guard, metadata, plain = shapes[number]
        b = at + vqs
        args = {key: next(values) for key in keys} if keys else {}
        if plain:
            out.append(Node(id_, op, args, tuple(names[at:b])))
            at = b
            continue
        c, d = b + chs, b + chs + inputs
        e = d + produces
        end = e + caps
        parts = (tuple(names[at:b]), tuple(names[b:c]), tuple(names[c:d]), tuple(names[d:e]), tuple(names[e:end]))
        out.append(Node(id_, op, args, *parts, next(guards) if guard else None, next(notes) if metadata else {}))
        at = end
    return out
