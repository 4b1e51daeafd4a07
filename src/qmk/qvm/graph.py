"""The graph model: what every front-end makes, the verifier checks, and every engine's input is lowered from.

A graph in memory is normal: ops carry their namespaced names (unknown ones are kept as written, for the
verifier to name), parameter synonyms are resolved, angles are floats in radians, guards have one form.
``json_codec``, ``asm`` and ``binary`` read and write the outside forms. Order of ``nodes`` is program order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Literal, TypeVar, cast

import msgspec

T = TypeVar("T")
VERSIONS = ("0.1", "1.0")


class Guard(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A condition on events. ``eq``: ``event`` has ``value``; ``and``/``or``: all/any of ``conditions``.

    An event that no executed node has written reads as 0.
    """

    type: Literal["eq", "and", "or"] = "eq"
    event: str = ""
    value: int = 1
    conditions: tuple[Guard, ...] = ()

    def events(self) -> tuple[str, ...]:
        """Every event the guard reads, in order, with repeats."""
        if self.type == "eq":
            return (self.event,)
        return tuple(event for condition in self.conditions for event in condition.events())


class Node(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One op applied to handles. ``vqs`` are in operand order; ``inputs`` are events read, ``produces`` written."""

    id: str
    op: str
    args: dict[str, Any] = {}
    vqs: tuple[str, ...] = ()
    chs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    caps: tuple[str, ...] = ()
    guard: Guard | None = None
    metadata: dict[str, Any] = {}


class Output(msgspec.Struct, frozen=True, omit_defaults=True):
    """One register of the result, printed left to right as ``bits`` stands.

    A bit is an event name, or None for a constant 0 (never written). ``descending`` says that ``bits[0]`` is the
    register's highest index, as OpenQASM prints registers. Outputs are printed in list order, separated by a space.
    """

    name: str
    bits: tuple[str | None, ...]
    descending: bool = False


class Graph(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A program. ``outputs`` None means one unnamed register of all written events in the order of ``events``.

    ``inferred`` says that the source had no ``resources`` and the handle lists were collected from use.
    ``metadata`` keeps the source's extra top-level keys. ``shots`` is a default that the caller may override.
    """

    version: str = "1.0"
    nodes: tuple[Node, ...] = ()
    vqs: tuple[str, ...] = ()
    chs: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    caps: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    outputs: tuple[Output, ...] | None = None
    shots: int | None = None
    metadata: dict[str, Any] = {}
    inferred: bool = False


class KeptGraph(Graph, frozen=True, kw_only=True, dict=True):
    """A graph that nobody changes any more, the values in its ``args`` included: what follows from it is computed once
    (``once``). Whoever makes one must be the only holder of its nodes."""


KEPT_FACTS = 16
"""Facts that a kept graph holds at most."""


def keep(graph: Graph) -> KeptGraph:
    """Gives the same graph as one that nobody may change any more."""
    if isinstance(graph, KeptGraph):
        return graph
    return KeptGraph(**{name: getattr(graph, name) for name in graph.__struct_fields__})


def once(graph: Graph, fact: Hashable, compute: Callable[[Graph], T]) -> T:
    """Gives ``compute(graph)``, which depends on nothing but the graph and ``fact``. A kept graph stores the value."""
    if not isinstance(graph, KeptGraph):
        return compute(graph)
    known: dict[Hashable, Any] = cast("Any", graph.__dict__)
    if fact not in known:
        if len(known) >= KEPT_FACTS:
            del known[next(name for name in known if name != "packed")]
        known[fact] = compute(graph)
    return known[fact]


def collect(nodes: Iterable[Node]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Qubits, channels and events in order of first use, where a source declares none; an event counts where it is
    produced, so that one which is only read stays undeclared."""
    nodes = tuple(nodes)
    vqs = dict.fromkeys(name for node in nodes for name in node.vqs)
    chs = dict.fromkeys(name for node in nodes if node.chs for name in node.chs)
    events = dict.fromkeys(name for node in nodes if node.produces for name in node.produces)
    return tuple(vqs), tuple(chs), tuple(events)


class _Meaning(msgspec.Struct, omit_defaults=True):
    """What the digest covers: everything that changes what a run may give, nothing else."""

    nodes: list[list[Any]]
    vqs: tuple[str, ...]
    chs: tuple[str, ...]
    events: tuple[str, ...]
    caps: tuple[str, ...]
    outputs: tuple[Output, ...] | None


_ENCODER = msgspec.json.Encoder(order="sorted")
_EXACT = 2**53 - 1
"""Greatest integer that every JSON reader keeps exactly."""


def _key(text: str) -> str:
    """An ASCII spelling of any key, so that all sort orders of keys agree."""
    return text if text.isascii() and "\\" not in text else text.encode("unicode_escape").decode("ascii")


def canonical_value(value: Any) -> Any:
    """Floats and integers beyond 2**53 as text (floats in shortest round-trip form), so that the bytes equal
    RFC 8785's on any reader; the rest as it is."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {_key(key): canonical_value(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [canonical_value(item) for item in cast("list[Any]", value)]
    if isinstance(value, int) and not -_EXACT <= value <= _EXACT:
        return str(value)
    return value


def canonical_bytes(graph: Graph) -> bytes:
    """The graph's meaning as canonical JSON: equal for equal programs, whatever spelling or file they came from.

    Covered: nodes (ids, ops, args, operands, guards, capabilities), handles, events, outputs. Not covered: version
    and spelling, default shots, metadata.
    """
    nodes: list[list[Any]] = [
        [n.id, n.op, canonical_value(n.args) if n.args else n.args, n.vqs, n.chs, n.inputs, n.produces, n.caps, n.guard]
        for n in graph.nodes
    ]
    meaning = _Meaning(nodes, graph.vqs, graph.chs, graph.events, graph.caps, graph.outputs)
    return _ENCODER.encode(meaning)


def digest(graph: Graph) -> str:
    """SHA-256 of ``canonical_bytes`` in hexadecimal."""
    return once(graph, "digest", lambda it: hashlib.sha256(canonical_bytes(it)).hexdigest())


_PACKER = msgspec.msgpack.Encoder()
_UNPACKER = msgspec.msgpack.Decoder(Graph)


def pack(graph: Graph) -> bytes:
    """The graph as MessagePack, for the journal and the processes of one installation: fifteen times faster to write
    than ``formats.binary``, three times larger, and bound to this release's structs. Files are ``formats.binary``."""
    return once(graph, "packed", _PACKER.encode)


def unpack(data: bytes) -> Graph:
    """The inverse of ``pack``."""
    return _UNPACKER.decode(data)
