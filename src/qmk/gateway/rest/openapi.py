"""The OpenAPI 3.1 description of the API, made from the operations."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import msgspec

from qmk.base.errors import KINDS, QmkError
from qmk.gateway.http import status_of
from qmk.gateway.rest.asked import JSON, KEY_HEADER, UPLOADS, form_of, upload_path, upload_request
from qmk.gateway.rest.problem import MEDIA, Problem
from qmk.gateway.service.operation import Operation
from qmk.gateway.service.operations import OPERATIONS, RESOURCES
from qmk.gateway.slow import URL_BYTES

Schema = dict[str, Any]
REF = "#/components/schemas/"
BELL = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nh q[0];\ncx q[0], q[1];\nbit[2] c = measure q;\n'
SWEPT = 'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float theta;\nqubit q;\nrx(theta) q;\nbit c = measure q;\n'
NAMES = {"organisation", "service_of", "user"}
"""Fields that name what may not exist."""
_END_OF_TEXT = r"\\Z"
"""What ends our patterns, within JSON. JSON Schema has the patterns of JavaScript, whose ``$`` is the end alone."""
OF_BODIES = {
    408: "the body did not come in time",
    413: "the body is too long",
    415: "a media type that is not taken",
}


@cache
def text() -> str:
    """The description as JSON, the same in every run."""
    return json.dumps(description(), indent=1) + "\n"


def description() -> Schema:
    """The description as JSON-compatible values."""
    schemas, refs = _components()
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas, refs)
        if operation.takes_program:
            paths[upload_path(operation)] = {"post": _upload(operation, schemas, refs)}
    for operation in OPERATIONS:
        schemas.pop(refs[operation.call.request].removeprefix(REF), None)
        schemas.pop(refs.get(operation.call.reply, "").removeprefix(REF) if operation.media else "", None)
        if operation.takes_program:
            schemas.pop(refs[upload_request(operation)].removeprefix(REF), None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "QMK",
            "version": "1",
            "description": "Quantum programs as jobs. Errors are problem details (RFC 9457). A GET has an ETag. What "
            "belongs to another tenant is answered as what does not exist.",
        },
        "tags": [{"name": name, "description": doc} for name, doc in RESOURCES.items()],
        "security": [{"token": []}, {}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "a token of 'qmk token'; none on loopback"}
            },
            "responses": {
                "TooLong": {
                    "description": f"The address has more than {URL_BYTES} bytes; the answer is plain text.",
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                }
            },
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _operation(operation: Operation, schemas: dict[str, Schema], refs: dict[type, str]) -> Schema:
    call = operation.call
    fields = schemas[refs[call.request].removeprefix(REF)]
    found: Schema = {
        "operationId": call.name,
        "tags": [operation.resource],
        "summary": call.doc.partition(". ")[0].rstrip("."),
        "description": f"{operation.doc} {operation.note}".strip(),
        "parameters": _parameters(operation, fields, call.request),
    }
    if operation.has_body:
        body = _object(fields, operation.fields_at("body"))
        found["requestBody"] = {
            "required": bool(body["required"]),
            "content": {JSON: {"schema": body, **_example(operation)}},
        }
    return {**found, "responses": _responses(operation, refs)}


def _upload(operation: Operation, schemas: dict[str, Schema], refs: dict[type, str]) -> Schema:
    """The same operation for a program that is sent as it is."""
    found = _operation(operation, schemas, refs)
    wanted = upload_request(operation)
    fields = schemas[refs[wanted].removeprefix(REF)]
    query = [_parameter(name, "query", fields, form) for name, form in form_of(wanted).items()]
    key = [each for each in found["parameters"] if each["in"] == "header"]
    return {
        **found,
        "operationId": f"upload.{operation.call.name}",
        "description": f"{found['description']} The body is the program as it is, of one of the media types "
        f"{', '.join(UPLOADS)}, the last of which names its format.",
        "parameters": [*key, *query],
        "requestBody": {
            "required": True,
            "content": {each: {"schema": {"type": "string"}, "example": BELL} for each in UPLOADS[:-1]},
        },
    }


def _example(operation: Operation) -> Schema:
    """A body that is taken, where an operation is about programs."""
    if operation.takes_program:
        return {"example": {"program": {"text": BELL}}}
    if "programs" in operation.places:
        return {"example": {"programs": [{"text": SWEPT}], "points": {"theta": [0.0, 1.57, 3.14]}, "shots": 100}}
    return {}


def _parameters(operation: Operation, fields: Schema, struct: type) -> list[Schema]:
    found: list[Schema] = []
    for name, form in form_of(struct).items():
        place = operation.places[name]
        if place == "header":
            found.append({**_parameter(name, "header", fields, "text"), "name": KEY_HEADER})
        elif place != "body":
            found.append(_parameter(name, place, fields, form))
    if operation.follow is not None:
        doc = "`id` of the last event of a stream that is resumed, in place of `after`"
        schema = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
        found.append({"name": "Last-Event-ID", "in": "header", "description": doc, "schema": schema})
    if operation.ranged:
        doc = f"`{operation.ranged}=0-99`, in place of the query"
        found.append({"name": "Range", "in": "header", "description": doc, "schema": {"type": "string"}})
    if operation.method == "GET":
        doc = "ETag that the caller has: answered with 304 if it is still right"
        found.append({"name": "If-None-Match", "in": "header", "description": doc, "schema": {"type": "string"}})
    return found


def _parameter(name: str, place: str, fields: Schema, form: str) -> Schema:
    schema = dict(fields["properties"][name])
    doc = schema.pop("description", "")
    content: Schema = {"content": {JSON: {"schema": schema}}} if form == "json" else {"schema": schema}
    required = place == "path" or name in fields.get("required", ())
    return {"name": name, "in": place, "description": doc, **({"required": True} if required else {}), **content}


def _object(fields: Schema, names: list[str]) -> Schema:
    properties = {name: fields["properties"][name] for name in names}
    required = [name for name in fields.get("required", ()) if name in names]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _responses(operation: Operation, refs: dict[type, str]) -> Schema:
    reply: Schema = {"schema": {"$ref": refs[operation.call.reply]}}
    content: Schema = {operation.media: {"schema": {"type": "string"}}} if operation.media else {JSON: reply}
    headers: Schema = {"ETag": {"schema": {"type": "string"}}} if operation.method == "GET" else {}
    links: Schema = {}
    if operation.made:
        headers = {"Location": {"schema": {"type": "string"}, "description": operation.made}}
        links = {"links": _links(operation.made)}
    if operation.follow is not None:
        assert operation.item is not None
        doc = f"a stream of server-sent events, `data` of each a {operation.item.__name__}"
        content["text/event-stream"] = {"schema": {"type": "string", "description": doc}}
    done = {"description": "done", "headers": headers, "content": content, **links}
    found: Schema = {"201" if operation.made else "200": done}
    if operation.follow is not None:
        found["204"] = {"description": "the stream has nothing more to give"}
    if operation.ranged:
        found["206"] = {"description": "the shots of the range", "content": content}
    if operation.method == "GET":
        found["304"] = {"description": "what the caller has is still right"}
    found |= {str(status): _problem(names) for status, names in _errors(operation).items()}
    found["414"] = {"$ref": "#/components/responses/TooLong"}
    return dict(sorted(found.items()))


def _links(made: str) -> Schema:
    """What can be done with the thing that was made."""
    name = made.partition("{")[2].partition("}")[0]
    given = {"parameters": {name: f"$response.body#/{name}"}}
    rows = [each.call.name for each in OPERATIONS if each.path.startswith(made)]
    return {row: {"operationId": row, **given} for row in rows}


def _errors(operation: Operation) -> dict[int, list[str]]:
    """The errors by their status."""
    found: dict[int, list[str]] = {400: []}
    for name in operation.call.errors:
        found.setdefault(status_of(QmkError(name, "")), []).append(f"{name}: {KINDS[name].doc}")
    if operation.has_body:
        for status, why in OF_BODIES.items():
            found.setdefault(status, []).append(why)
    if operation.fields_at("path") or NAMES & {*operation.places}:
        found.setdefault(404, ["there is none of this name"])
    if operation.ranged:
        found[416] = ["the range begins past the last shot"]
    return found


def _problem(causes: list[str]) -> Schema:
    return {
        "description": " ".join(f"{cause.rstrip('.')}." for cause in causes),
        "content": {MEDIA: {"schema": {"$ref": f"{REF}Problem"}}},
    }


def _components() -> tuple[dict[str, Schema], dict[type, str]]:
    """The schemas of all requests and replies by name, and the reference to each."""
    types: list[Any] = [Problem]
    for operation in OPERATIONS:
        types += [operation.call.request, operation.call.reply, *([operation.item] if operation.item else [])]
        types += [upload_request(operation)] if operation.takes_program else []
    types = list(dict.fromkeys(types))
    found, schemas = msgspec.json.schema_components(types, schema_hook=_any, ref_template=f"{REF}{{name}}")
    names = {name: _short_name(name) for name in schemas}
    text = json.dumps([found, schemas])
    for long, short in names.items():
        text = text.replace(f'"{REF}{long}"', f'"{REF}{short}"')
    rows, schemas = json.loads(text.replace(_END_OF_TEXT, "$"))
    refs = {kind: row["$ref"] for kind, row in zip(types, rows, strict=True)}
    return {names[name]: schema for name, schema in schemas.items()}, refs


def _short_name(name: str) -> str:
    """``qmk.abi.calls.q_submit.Reply``, as names are that several modules have, as ``SubmitReply``."""
    parts = re.split(r"[._]", re.sub(r"^.*\bq_", "", name)) if re.search(r"\bq_\w+[._]\w+$", name) else [name]
    return "".join(part[:1].upper() + part[1:] for part in parts)


def _any(kind: type) -> Schema:
    """The schema of a value of any kind, as warnings hold."""
    assert kind is object, kind
    return {"description": "any value of JSON"}
