"""The committed schemas of the three protocols say the same: every operation, and of every field type and need."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import graphql
import msgspec
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_tools import protoc

from qmk.gateway.grpc.files import file
from qmk.gateway.grpc.shapes import item_of, messages, method_of, missing_numbers, service_of, stream_of
from qmk.gateway.service.operations import OPERATIONS

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "docs" / "reference"
OPENAPI = json.loads((REFERENCE / "openapi.json").read_text())
FROZEN = (370, "be5e1aeed8328e06f11570e9ca5eca5ea978e56638a0662409b20988b14f6c33")
"""The first lines of numbers.txt, which a release has promised, and their SHA-256. With a release, freeze them all."""
Fields = dict[str, tuple[Any, bool]]
"""Of each field its type, and whether it has to be given or is always there."""


def test_the_numbers_of_fields_are_never_changed() -> None:
    text = files("qmk.gateway.grpc").joinpath("numbers.txt").read_text()
    lines = text.splitlines(keepends=True)
    count, digest = FROZEN
    assert hashlib.sha256("".join(lines[:count]).encode()).hexdigest() == digest
    assert len(set(lines)) == len(lines)  # a line is a number: none is given twice
    assert missing_numbers() == []
    for message in messages().values():
        used = [field.number for field in message.fields]
        assert len(set(used)) == len(used)
        assert not set(used) & set(message.reserved)
        assert sorted([*used, *message.reserved]) == list(range(1, len(used) + len(message.reserved) + 1))


# --- the three schemas as one form: a type is a name, a list, a map, any, or the fields of an object


def of_openapi(schema: Any) -> Any:
    if "$ref" in schema:
        return of_openapi(OPENAPI["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        (named,) = [each for each in schema["anyOf"] if each.get("type") != "null"]
        return of_openapi(named)
    if "prefixItems" in schema:
        return ["pair", *map(of_openapi, schema["prefixItems"])]
    kind = schema.get("type")
    if kind == "array":
        return ["list", of_openapi(schema.get("items", {}))]
    if kind == "object" and "properties" in schema:
        return {name: of_openapi(each) for name, each in schema["properties"].items()}
    if kind == "object":
        more = schema.get("additionalProperties")
        return ["map", of_openapi(more) if isinstance(more, dict) else "any"]
    if schema.get("enum") or "const" in schema:
        return "string"
    return {"integer": "int", "number": "float", "string": "string", "boolean": "bool", None: "any"}[kind]


def of_graphql(kind: Any) -> Any:
    kind = graphql.get_nullable_type(kind)
    if isinstance(kind, graphql.GraphQLList):
        return ["list", of_graphql(kind.of_type)]
    if isinstance(kind, (graphql.GraphQLObjectType, graphql.GraphQLInputObjectType)):
        return {name: of_graphql(row.type) for name, row in kind.fields.items()}
    return {"Int64": "int", "Float": "float", "String": "string", "Base64": "string", "Boolean": "bool", "JSON": "any"}[
        kind.name
    ]


def of_proto(field: Any) -> Any:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        return ["map", one_of_proto(kind.fields_by_name["value"])]
    return ["list", one_of_proto(field)] if field.is_repeated else one_of_proto(field)


def one_of_proto(field: Any) -> Any:
    if (kind := field.message_type) is None:
        row = descriptor_pb2.FieldDescriptorProto
        names = {row.TYPE_INT64: "int", row.TYPE_DOUBLE: "float", row.TYPE_BOOL: "bool"}
        return names.get(field.type, "string")
    free = {"Value": "any", "Struct": ["map", "any"], "ListValue": ["list", "any"]}
    if kind.file.package == "google.protobuf":
        return free[kind.name]
    parts = {each.name: of_proto(each) for each in kind.fields}
    if list(parts) == ["items"]:
        return parts["items"]
    return ["pair", *parts.values()] if list(parts) == ["item_1", "item_2"] else parts


def agree(first: Any, other: Any, free: bool) -> bool:
    """Whether two types are the same; with ``free``, JSON of GraphQL stands for maps and pairs."""
    if free and other == "any":
        return first == "any" or (isinstance(first, list) and first[0] in ("map", "pair"))
    if isinstance(first, dict):
        return first.keys() == other.keys() and all(agree(each, other[key], free) for key, each in first.items())
    if isinstance(first, list):
        if first[0] == "pair" and other[0] == "list":  # GraphQL has no pairs, but lists of one type
            return all(each == other[1] for each in first[1:])
        if other == ["list", "any"] and not free:
            return first[1] in ("any", "string")  # with nulls, which gRPC has in a ListValue only
        return first[0] == other[0] and all(agree(*each, free) for each in zip(first[1:], other[1:], strict=True))
    return first == other


@cache
def compiled() -> tuple[descriptor_pool.DescriptorPool, dict[tuple[int, ...], str]]:
    """What protoc makes of the committed file, and the comments in it by their place."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "set"
        asked = [f"-I{REFERENCE}", f"--descriptor_set_out={found}", "--include_imports", "--include_source_info"]
        include = str(files("grpc_tools").joinpath("_proto"))
        assert protoc.main(["protoc", *asked, f"-I{include}", "qmk.proto"]) == 0
        rows = descriptor_pb2.FileDescriptorSet.FromString(found.read_bytes()).file
    pool = descriptor_pool.DescriptorPool()
    comments: dict[tuple[int, ...], str] = {}
    for row in rows:
        if row.name == "qmk.proto":
            comments = {tuple(each.path): each.leading_comments for each in row.source_code_info.location}
        row.ClearField("source_code_info")
        pool.Add(row)
    return pool, comments


def test_the_file_for_stubs_is_what_the_gateway_serves() -> None:
    found = descriptor_pb2.FileDescriptorProto()
    compiled()[0].FindFileByName("qmk.proto").CopyToProto(found)
    for message in found.message_type:
        for each in (message, *message.nested_type):
            for field in each.field:
                field.ClearField("json_name")
    assert found == file()


def asked_by_openapi(operation: Any) -> Fields:
    row = OPENAPI["paths"][operation.path][operation.method.lower()]
    found: Fields = {}
    headers = {"Idempotency-Key": "idempotency_key"}
    for each in row["parameters"]:
        name: str = headers.get(each["name"]) or each["name"]
        if name in operation.places:
            schema = each.get("schema") or next(iter(each["content"].values()))["schema"]
            found[name] = (of_openapi(schema), each.get("required", False))
    if "requestBody" in row:
        schema = row["requestBody"]["content"]["application/json"]["schema"]
        found |= {name: (of_openapi(each), name in schema["required"]) for name, each in schema["properties"].items()}
    return found


def asked_by_graphql(field: Any) -> Fields:
    return {name: (of_graphql(row.type), graphql.is_required_argument(row)) for name, row in field.args.items()}


def asked_by_proto(message: Any) -> Fields:
    comments = compiled()[1]
    at = message.index if hasattr(message, "index") else [*message.file.message_types_by_name].index(message.name)
    return {
        each.name: (of_proto(each), comments.get((4, at, 2, each.index), "").strip().startswith("Required."))
        for each in message.fields
    }


@cache
def schema() -> graphql.GraphQLSchema:
    return graphql.build_schema((REFERENCE / "schema.graphql").read_text())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.call.name)
def test_an_operation_is_the_same_in_all_schemas(operation: Any) -> None:
    name = operation.call.name.replace(".", "_")
    root: Any = schema().query_type if operation.method == "GET" else schema().mutation_type
    service = compiled()[0].FindServiceByName(service_of(operation.resource))
    method = service.FindMethodByName(method_of(operation))
    first = asked_by_openapi(operation)
    for other, free in ((asked_by_graphql(root.fields[name]), True), (asked_by_proto(method.input_type), False)):
        assert first.keys() == other.keys()
        for field, (kind, needed) in first.items():
            assert agree(kind, other[field][0], free), (field, kind, other[field][0])
            assert other[field][1] == needed, field
    reply = next(iter(OPENAPI["paths"][operation.path][operation.method.lower()]["responses"].items()))[1]
    (text,) = msgspec.structs.fields(operation.call.reply) if operation.media else [None]
    made = {text.name: "string"} if text else of_openapi(next(iter(reply["content"].values()))["schema"])
    assert agree(made, of_graphql(root.fields[name].type), True)
    of_message = {each.name: of_proto(each) for each in method.output_type.fields}
    assert agree(made, of_message, False)
    if operation.follow is not None:
        item = OPENAPI["components"]["schemas"][operation.item.__name__]
        stream = service.FindMethodByName(stream_of(operation))
        followed: Any = schema().subscription_type
        assert agree(of_openapi(item), of_graphql(followed.fields[name].type), True)
        assert agree(of_openapi(item), {each.name: of_proto(each) for each in stream.output_type.fields}, False)
        assert stream.output_type.name == item_of(operation).__name__


def test_no_schema_has_more() -> None:
    count = len(OPERATIONS)
    root: Any = schema()
    assert len(root.query_type.fields) + len(root.mutation_type.fields) == count
    assert len(root.subscription_type.fields) == sum(each.follow is not None for each in OPERATIONS)
    assert sum(len(each) for path, each in OPENAPI["paths"].items() if "/upload/" not in path) == count
    services = compiled()[0].FindFileByName("qmk.proto").services_by_name.values()
    assert sum(len(each.methods) for each in services) == count + sum(bool(stream_of(each)) for each in OPERATIONS)
