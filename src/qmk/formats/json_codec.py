"""Reads and writes graphs as QVM JSON, versions 0.1 and 1.0.

Reading has two paths to the same result. The fast one decodes straight into typed structs and normalises node by
node. Whatever does not fit them takes the slow one (``json_shape.Walk``), which names every misfit in one answer and
repairs what QVM 0.1 tolerates. Limits of what is read: UTF-8, byte order mark allowed; no duplicate keys; integers of
64 bits, finite floats; nesting within ``json_depth``. The same rules hold for both versions unless
``docs/spec/qvm.md`` says otherwise.
"""

from __future__ import annotations

import codecs
import math
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from qmk.base.errors import Finding, invalid_graph
from qmk.base.limits import LIMITS, check
from qmk.formats import json_text, legacy
from qmk.formats.json_rules import finding
from qmk.formats.json_shape import (
    KEYS_10,
    Document,
    Names,
    PlainProgram,
    RawNode,
    RawOutput,
    RawProgram,
    RawResources,
    Walk,
    known_keys,
    read_output,
)
from qmk.formats.normal import Problem, json_problem, normal_args, read_guard
from qmk.qvm.families import OPS, SPELLINGS
from qmk.qvm.graph import VERSIONS, Graph, Guard, Node, collect

_SPACES = b" \t\r\n"
_WRONG = (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_TOP = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TYPES: dict[str, Any] = {
    "version": str,
    "program": RawProgram,
    "resources": RawResources,
    "caps": Names,
    "families": Names,
    "outputs": list[RawOutput],
    "shots": int,
}
_DECODERS = {key: msgspec.json.Decoder(kind) for key, kind in _TYPES.items()}
_PLAIN_DECODERS = {**_DECODERS, "program": msgspec.json.Decoder(PlainProgram)}
_ANY = msgspec.json.Decoder()
_ANGLES = {op.name: op.params[0].name for op in OPS.values() if len(op.params) == 1 and op.params[0].kind == "angle"}
"""The parameter of the ops that have a single one, an angle."""


def decode(data: bytes) -> tuple[Graph, list[Finding]]:
    """The graph in QVM JSON ``data`` and the warnings of what 0.1's leniency let pass.

    Raises INVALID_GRAPH with every finding when it cannot be read, QUOTA_EXCEEDED when it is too large.
    """
    check("source_bytes", len(data), "the document")
    if data.startswith(codecs.BOM_UTF8):
        data = data[len(codecs.BOM_UTF8) :]
    walk = Walk()
    try:
        top = _TOP.decode(data)
        known = known_keys(_ANY.decode(top["version"]) if "version" in top else None)
        parts = _plain_parts(data, top, known) or _parts(top, known, _DECODERS)
        document = _document(parts, known)
        plain = parts["program"].__class__ is PlainProgram
        if not plain and (b"\\" in data or _keys(data) != _keys(msgspec.json.encode(parts))):
            walk.findings += json_text.duplicates(data)
    except _WRONG:
        document = walk.document(json_text.decode(data))
        walk.findings += json_text.duplicates(data)
    return _graph(document, walk)


def _parts(top: Mapping[str, msgspec.Raw], known: tuple[str, ...], decoders: Mapping[str, Any]) -> dict[str, Any]:
    return {key: (decoders[key] if key in known else _ANY).decode(raw) for key, raw in top.items()}


def _plain_parts(data: bytes, top: Mapping[str, msgspec.Raw], known: tuple[str, ...]) -> dict[str, Any] | None:
    """The parts with nodes as graphs have them; None unless every key of the document is one of theirs, once."""
    if b"\\" in data or b'"guard"' in data:
        return None
    try:
        parts = _parts(top, known, _PLAIN_DECODERS)
    except _WRONG:
        return None
    return parts if _keys(data) == _keys(msgspec.json.encode(parts)) else None


def _document(parts: dict[str, Any], known: tuple[str, ...]) -> Document:
    """The fast path's document; raises ValidationError when the slow path has something to say."""
    version = parts.get("version")
    if version not in (None, *VERSIONS) or "program" not in parts:
        raise msgspec.ValidationError("for the walk to name")
    return Document(
        version,
        parts["program"].nodes,
        parts.get("resources"),
        parts.get("caps"),
        parts.get("families", ()) if known is KEYS_10 else (),
        parts.get("outputs") if known is KEYS_10 else None,
        parts.get("shots") if known is KEYS_10 else None,
        {key: part for key, part in parts.items() if key not in known},
    )


def _keys(data: bytes) -> int:
    """The keys of all objects in JSON without escapes. A text that begins with a colon counts too; as the document and
    its decoded form written again share their texts, the two counts differ exactly when a key was lost as duplicate."""
    return data.translate(None, _SPACES).count(b'":')


def _graph(document: Document, walk: Walk) -> tuple[Graph, list[Finding]]:
    """Normalises what either path delivered. Raises with all findings when one of them is an error."""
    nodes = tuple([_plain_node(raw, walk) if isinstance(raw, Node) else _node(raw, walk) for raw in document.nodes])
    problem = json_problem(document.extra, "metadata")
    if problem is not None:
        walk.add(problem.rule, f"top level, {problem.where}: {problem.message}", problem.fix)
    if document.extra:
        given = [name for name in KEYS_10 if name == "program" or getattr(document, name) is not None]
        walk.extra(document.extra, known_keys(document.version), given)
    if document.shots is not None and document.shots < 1:
        walk.add("QVM-J09", f"shots is {document.shots}; at least 1 is needed")
    vqs, chs, events = _handles(document, nodes, walk)
    if document.version is None:
        walk.add("QVM-J13", "the document has no 'version'; it is read as 0.1")
    if document.caps is None:
        walk.add("QVM-J15", "the document has no 'caps'")
    errors = [item for item in walk.findings if item.severity == "error"]
    if errors:
        warnings = [item for item in walk.findings if item.severity == "warning"]
        raise invalid_graph([*errors, *warnings][: LIMITS.findings])
    graph = Graph(
        version=document.version or "0.1",
        nodes=nodes,
        vqs=vqs,
        chs=chs,
        events=events,
        caps=document.caps or (),
        families=document.families,
        outputs=None if document.outputs is None else tuple(read_output(raw) for raw in document.outputs),
        shots=document.shots,
        metadata=_keep_extra(document.extra),
        inferred=document.resources is None,
    )
    return graph, walk.findings[: LIMITS.findings]


def _keep_extra(extra: dict[str, Any]) -> dict[str, Any]:
    """The metadata of a program: keys of 1.0 in a document of 0.1 stand together under one key, as 1.0 could not be
    written with them."""
    unread = {key: part for key, part in extra.items() if key in KEYS_10}
    return {**{key: part for key, part in extra.items() if key not in unread}, "unread": unread} if unread else extra


def _plain_node(node: Node, walk: Walk) -> Node:
    """The node itself where its op and its arguments are in normal form, as ``encode`` writes them."""
    args = node.args
    if node.op in OPS and not node.metadata:
        if not args:
            return node
        if len(args) == 1:
            ((key, value),) = args.items()
            if type(value) is float and math.isfinite(value) and _ANGLES.get(node.op) == key:
                return node
    return _node(RawNode(**{name: getattr(node, name) for name in node.__struct_fields__}), walk)


def _node(raw: RawNode, walk: Walk) -> Node:
    op = SPELLINGS.get(raw.op, raw.op)
    args, guard, metadata = raw.args, raw.guard, raw.metadata
    vqs, chs, inputs, produces, caps = raw.vqs, raw.chs, raw.inputs, raw.produces, raw.caps
    if args is not UNSET or guard is not UNSET or metadata is not UNSET:
        problems: list[Problem] = []
        args = normal_args(op, args, problems) if args else {}
        guard = read_guard(guard, problems) if guard is not UNSET and guard is not None else None
        metadata = metadata or {}
        problem = json_problem(metadata, "metadata") if metadata else None
        if problem is not None:
            problems.append(problem)
        if problems:
            walk.node = raw.id
            for item in problems:
                walk.add(item.rule, f"{item.where}: {item.message}", item.fix)
            walk.node = ""
    else:
        args, guard, metadata = {}, None, {}
    node = Node(
        raw.id,
        op,
        args,
        () if vqs is UNSET else vqs,
        () if chs is UNSET else chs,
        () if inputs is UNSET else inputs,
        () if produces is UNSET else produces,
        () if caps is UNSET else caps,
        guard,
        metadata,
    )
    return node if guard is None else legacy.guarded_pauli(node)


def _handles(document: Document, nodes: tuple[Node, ...], walk: Walk) -> tuple[Names, Names, Names]:
    """The declared handles, or those in use where nothing is declared."""
    declared = document.resources
    if declared is None:
        walk.add("QVM-J14", "the document has no 'resources'; the handles are collected from the nodes")
        return collect(nodes)
    events = declared.events or ()
    if document.version in (None, "0.1") and not events:
        events = tuple(dict.fromkeys(event for node in nodes for event in node.produces))
        for event in events:
            walk.add("QVM-J17", f"event '{event}' is produced but not declared; it is added")
    return declared.vqs or (), declared.chs or (), events


def encode(graph: Graph, version: str = "1.0", indent: int = 0) -> bytes:
    """``graph`` as QVM JSON in ``version``, with one node a line, indented, when ``indent`` is not 0.

    ``decode(encode(graph, graph.version))`` equals ``graph``. Raises INVALID_GRAPH with a finding for each thing that
    ``version`` cannot express. Families are written when the graph lists them, resources unless they were inferred.
    """
    if version not in VERSIONS:
        raise invalid_graph([finding("QVM-J07", f"there is no QVM version '{version}'")])
    known = known_keys(version)
    findings = [
        finding("QVM-J19", f"metadata key '{key}' is a key of the format") for key in graph.metadata if key in known
    ]
    if version == "0.1":
        findings += [finding("QVM-J18", message, node) for node, message in legacy.gaps(graph)]
    if findings:
        raise invalid_graph(findings[: LIMITS.findings])
    out: dict[str, Any] = {"version": version}
    if graph.families and version == "1.0":
        out["families"] = graph.families
    out |= graph.metadata
    out["program"] = {"nodes": [_raw(node, version == "0.1") for node in graph.nodes]}
    if not graph.inferred or collect(graph.nodes) != (graph.vqs, graph.chs, graph.events):
        out["resources"] = {"vqs": graph.vqs, "chs": graph.chs, "events": graph.events}
    out["caps"] = graph.caps
    if graph.outputs is not None:
        out["outputs"] = [RawOutput(row.name, row.bits, row.descending or UNSET) for row in graph.outputs]
    if graph.shots is not None:
        out["shots"] = graph.shots
    try:
        return _pretty(out, b" " * indent) if indent else msgspec.json.encode(out)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise invalid_graph([finding("QVM-J03", f"the graph has no JSON form: {error}")]) from None


def _pretty(out: dict[str, Any], pad: bytes) -> bytes:
    """Writes one top-level key or node a line, which is easy to compare and edit."""

    def encode_spaced(value: Any) -> bytes:
        return msgspec.json.format(msgspec.json.encode(value), indent=0)

    nodes = b",\n".join([pad * 3 + encode_spaced(node) for node in out["program"]["nodes"]])
    program = b"{\n" + pad * 2 + b'"nodes": [\n' + nodes + b"\n" + pad * 2 + b"]\n" + pad + b"}"
    lines = [
        pad + encode_spaced(key) + b": " + (program if key == "program" else encode_spaced(part))
        for key, part in out.items()
    ]
    return b"{\n" + b",\n".join(lines) + b"\n}\n"


def _raw(node: Node, old: bool) -> RawNode:
    op = OPS.get(node.op)
    args: dict[str, Any] = node.args
    if old and args and op is not None:
        words = legacy.ARGS_01.get(node.op, {})
        args = {words.get(name, name): value for name, value in args.items()}
        args = {"opts": args} if node.op in legacy.OPTS_01 else args
    return RawNode(
        node.id,
        op.spelling_01 if old and op is not None else node.op,
        args or UNSET,
        node.vqs or UNSET,
        node.chs or UNSET,
        node.inputs or UNSET,
        node.produces or UNSET,
        node.caps or UNSET,
        guard_value(node.guard) if node.guard is not None else UNSET,
        node.metadata or UNSET,
    )


def guard_value(guard: Guard, nested: bool = False) -> dict[str, Any]:
    """The JSON form of a guard, the same in both versions."""
    if guard.type == "eq":
        if nested:
            return {"type": "eq", "event": guard.event, "value": guard.value}
        return {"event": guard.event, "equals": guard.value}
    return {"type": guard.type, "conditions": [guard_value(part, True) for part in guard.conditions]}
