"""JSON Schema (2020-12) of QVM JSON, made from the op declarations.

A schema says what one node may look like by itself: spelling, operand counts, argument names, types and ranges. What
depends on other nodes (linearity, events, capabilities) is the verifier's. The committed files under ``schemas/``
equal ``text(version)``; a test compares them.
"""

from __future__ import annotations

import json
from typing import Any, cast

import msgspec

from qmk.base.ids import ID_PATTERN
from qmk.base.limits import LIMITS
from qmk.formats.legacy import OPS_01, OPTS_01
from qmk.qvm.families import OPS, analog, dynamics, script
from qmk.qvm.graph import VERSIONS
from qmk.qvm.op import Arity, Op, Param

Schema = dict[str, Any]

_GATES = sorted(op.short for op in OPS.values() if op.family == "core" and op.matrix and op.vqs.low == op.vqs.high)
_PATTERNS = {
    "bits": "^[01]*$",
    "pauli": "^[IXYZ]+$",
    "profile": r"^logical:[A-Za-z_][A-Za-z0-9_]*(\(.*\))?$",
}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _names(doc: str, high: int) -> Schema:
    return {"type": "array", "items": _ref("name"), "maxItems": high, "description": doc}


def _param(param: Param) -> Schema:
    """The schema of one argument. Numbers may be given as a text with an expression."""
    out: Schema = {}
    if param.kind in ("angle", "float", "int"):
        number: Schema = {"type": "integer" if param.kind == "int" else "number"}
        for key, bound in (("minimum", param.low), ("maximum", param.high)):
            if bound is not None:
                number[key] = int(bound) if param.kind == "int" else bound
        out = {"anyOf": [number, _ref("expression")]}
    elif param.kind == "map":
        out = {"type": "object"}
    elif param.kind == "data":
        out = _data(param.name)
    elif param.kind in ("kraus", "matrix"):
        depth, most = (3, 16) if param.kind == "kraus" else (2, 64)
        entry: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
        for _ in range(depth):
            entry = {"type": "array", "items": entry, "minItems": 1, "maxItems": most}
        out = entry
    elif param.kind == "points":
        point = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}
        out = {"type": "array", "items": point, "minItems": 1, "maxItems": LIMITS.operands}
    elif param.kind == "drives":
        out = {"type": "array", "items": _drive()}
    else:
        out = {"type": "string", "maxLength": LIMITS.text_chars}
        if param.kind == "gate":
            out["enum"] = _GATES
        if param.choices:
            out["enum"] = list(param.choices)
        if param.kind in _PATTERNS:
            out["pattern"] = _PATTERNS[param.kind]
    unit = f" ({param.unit})" if param.unit else ""
    return {**out, "description": f"{param.doc}{unit}"}


def _data(name: str) -> Schema:
    """The schema of an argument of ``dynamics.evolve`` or ``script.python``, with all that it refers to inside."""
    model = next(each for each in (dynamics.Model, script.Script) if name in each.__struct_fields__)
    part = msgspec.json.schema(model, ref_template="{name}")
    known = part["$defs"]

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            found = cast("Schema", value)
            if "$ref" in found:
                return whole(known[found["$ref"]])
            return {key: whole(each) for key, each in found.items() if key != "title"}
        return [whole(each) for each in cast("list[Any]", value)] if isinstance(value, list) else value

    return whole(known[model.__name__]["properties"][name])


def _drive() -> Schema:
    numbers: Schema = {"type": "array", "items": {"type": "number"}, "maxItems": LIMITS.field_knots}
    field: Schema = {
        "type": "object",
        "properties": {"times": {**numbers, "minItems": 2}, "values": {**numbers, "minItems": 2}},
        "required": ["times", "values"],
        "additionalProperties": False,
    }
    pattern = {"type": "array", "items": {"type": "number"}, "maxItems": LIMITS.operands}
    transition = {"type": "string", "enum": list(analog.COUPLES)}
    properties = {**dict.fromkeys(analog.FIELDS, field), "pattern": pattern, "transition": transition}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _args(op: Op) -> Schema:
    properties = {word: _param(param) for param in op.params for word in (param.name, *param.synonyms)}
    if op.name in OPTS_01:
        inner = {key: value for key, value in properties.items() if key != "opts"}
        properties["opts"] = {"type": "object", "properties": inner, "additionalProperties": False}
    needed = [
        {"anyOf": [{"required": [word]} for word in (param.name, *param.synonyms)]}
        for param in op.params
        if param.required
    ]
    out: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**out, "allOf": needed} if needed else out


def _count(arity: Arity) -> Schema:
    out: Schema = {}
    if arity.low:
        out["minItems"] = arity.low
    if arity.high is not None:
        out["maxItems"] = arity.high
    return out


def _op(op: Op) -> Schema:
    """The schema of a node with this op, beside the part that all nodes share."""
    operands = (("vqs", op.vqs), ("chs", op.chs), ("inputs", op.inputs), ("produces", op.produces))
    properties: Schema = {key: _count(arity) for key, arity in operands if arity != Arity(0, None)}
    needed = [key for key, arity in operands if arity.low]
    properties["args"] = _args(op) if op.params else {"maxProperties": 0}
    if any(param.required for param in op.params):
        needed.append("args")
    out: Schema = {"description": op.doc, "properties": properties}
    return {**out, "required": needed} if needed else out


def _guard() -> Schema:
    equality = {
        "type": "object",
        "properties": {
            "type": {"const": "eq"},
            "event": _ref("name"),
            "equals": _ref("bit"),
            "value": _ref("bit"),
        },
        "required": ["event"],
        "oneOf": [{"required": ["equals"]}, {"required": ["value"]}],
        "additionalProperties": False,
    }
    group = {
        "type": "object",
        "properties": {
            "type": {"enum": ["and", "or"]},
            "conditions": {
                "type": "array",
                "items": _ref("guard"),
                "minItems": 1,
                "maxItems": LIMITS.guard_conditions,
            },
        },
        "required": ["type", "conditions"],
        "additionalProperties": False,
    }
    return {"description": "the node runs only when the condition holds", "oneOf": [equality, group]}


def _node(ops: dict[str, list[str]], strict: bool) -> Schema:
    operand = {"vqs": "qubits", "chs": "channels", "inputs": "events read", "produces": "events written"}
    properties: Schema = {
        "id": _ref("name"),
        "op": {"enum": [word for words in ops.values() for word in words]},
        "args": {"type": "object", "maxProperties": LIMITS.args_entries},
        **{key: _names(doc, LIMITS.operands) for key, doc in operand.items()},
        "caps": _names("capabilities the node needs", LIMITS.operands),
        "guard": {"anyOf": [{"type": "null"}, _ref("guard")]},
        "metadata": {"type": "object"},
    }
    rules = [
        {"if": {"properties": {"op": {"enum": words}}, "required": ["op"]}, "then": _ref(f"op.{name}")}
        for name, words in ops.items()
    ]
    out: Schema = {"type": "object", "properties": properties, "required": ["id", "op"], "allOf": rules}
    return {**out, "additionalProperties": False} if strict else out


def _top(version: str) -> Schema:
    program = {
        "type": "object",
        "properties": {"nodes": {"type": "array", "items": _ref("node"), "minItems": 1, "maxItems": LIMITS.nodes}},
        "required": ["nodes"],
        "additionalProperties": False,
    }
    resources = {
        "type": "object",
        "properties": {
            "vqs": _names("qubits", LIMITS.qubits),
            "chs": _names("channels", LIMITS.qubits),
            "events": _names("events, in the order in which results print them", LIMITS.events),
        },
        "additionalProperties": False,
    }
    properties: Schema = {
        "version": {"const": version},
        "program": program,
        "resources": resources,
        "caps": _names("capabilities of the program", LIMITS.operands),
    }
    if version == "1.0":
        properties["families"] = {"type": "array", "items": {"type": "string", "pattern": r"^[a-z_]+@\d+$"}}
        properties["outputs"] = {"type": "array", "items": _ref("output")}
        properties["shots"] = {"type": "integer", "minimum": 1, "maximum": LIMITS.shots}
    return properties


def schema(version: str) -> Schema:
    """The schema of QVM JSON ``version`` as JSON-compatible values."""
    old = version == "0.1"
    listed = [op for op in OPS.values() if not old or op.name in OPS_01]
    ops = {op.name: [op.legacy] if old else [word for word in (op.name, op.legacy) if word] for op in listed}
    definitions: Schema = {
        "name": {"type": "string", "pattern": f"^{ID_PATTERN}$", "maxLength": LIMITS.name_chars},
        "bit": {"enum": [0, 1] if old else [0, 1, 2, 3]},
        "expression": {
            "type": "string",
            "minLength": 1,
            "maxLength": LIMITS.expression_chars,
            "description": "an arithmetic expression such as 3*pi/4",
        },
        "guard": _guard(),
        "node": _node(ops, strict=not old),
        **{f"op.{op.name}": _op(op) for op in listed},
    }
    if not old:
        definitions["output"] = {
            "type": "object",
            "properties": {
                "name": {"type": "string", "maxLength": LIMITS.name_chars},
                "bits": {"type": "array", "items": {"anyOf": [_ref("name"), {"type": "null"}]}},
                "descending": {"type": "boolean"},
            },
            "required": ["name", "bits"],
            "additionalProperties": False,
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:qmk:qvm:{version}",
        "title": f"QVM graph, version {version}",
        "type": "object",
        "properties": _top(version),
        "required": ["program"] if old else ["version", "program"],
        "$defs": definitions,
    }


def file_name(version: str) -> str:
    """The name of the committed file."""
    return f"qvm-{version}.schema.json"


def text(version: str) -> str:
    """The committed file's content."""
    return json.dumps(schema(version), indent=1) + "\n"


def texts() -> dict[str, str]:
    """Every committed file's content by name."""
    return {file_name(version): text(version) for version in VERSIONS}
