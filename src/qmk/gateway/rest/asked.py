"""What a request asks: fields of its path, query, headers and body as the request of an operation."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, cast

import msgspec
from msgspec import inspect

from qmk.abi.shapes import Program
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.gateway.http import AnyRequest, Refusal, bytes_of
from qmk.gateway.service.operation import Operation, field_of, narrow
from qmk.rpc import refusals

JSON = "application/json"
UPLOADS = ("text/plain", "application/octet-stream", "application/vnd.qmk.{format}")
"""Media types of a program that is sent as it is. The last names its format; of the others it is recognised."""
KEY_HEADER = "Idempotency-Key"
RANGE = re.compile(r"(\w+)=(\d{1,18})-(\d{1,18})?", re.ASCII)


@cache
def upload_request(operation: Operation) -> type:
    """What the query of an upload has: the fields of the request, and of its program all but the text."""
    call = operation.call
    extra = {each.name: field_of(each)[1:] for each in msgspec.structs.fields(Program)}
    kept = {name: row for name, row in extra.items() if name not in ("text", "base64")}
    return narrow(call.request, f"Upload{call.request.__name__}", drop=("program", "idempotency_key"), **kept)


@cache
def form_of(struct: type) -> dict[str, str]:
    """How the query has each field: ``text``, ``list`` for one that may come again, or ``json``."""
    return {each.encode_name: _form(each.type) for each in cast("inspect.StructType", inspect.type_info(struct)).fields}


def _form(kind: inspect.Type) -> str:
    match kind:
        case inspect.Metadata():
            return _form(kind.type)
        case inspect.UnionType():
            return next((form for form in map(_form, kind.types) if form != "text"), "text")
        case inspect.ListType() | inspect.VarTupleType():
            return "list"
        case inspect.StructType() | inspect.DictType():
            return "json"
        case _:
            return "text"


async def asked_by(operation: Operation, request: AnyRequest, *, upload: bool = False) -> Any:
    """The request of the operation. Raises INVALID_PARAMS naming the field, and ``Refusal``."""
    call = operation.call
    fields: dict[str, Any] = {name: request.path_params[name] for name in operation.fields_at("path")}
    if operation.fields_at("header") and (key := request.headers.get(KEY_HEADER.lower())) is not None:
        fields["idempotency_key"] = key
    strict = False
    if upload:
        query = _convert(_query(request, upload_request(operation)), upload_request(operation), operation, False)
        given = {name: getattr(query, name) for name in query.__struct_fields__}
        about = {name: given.pop(name) for name in ("format", "params")}
        fields |= {**given, "program": await _read_program(request, **about)}
    elif operation.has_body:
        if request.scope["query_string"] and request.query_params:
            raise _wrong("the address has a query", "give the fields in the body")
        fields |= await _body(operation, request, fields)
        strict = True
    else:
        fields |= _query(request, call.request)
        named: dict[str, Any] = {**range_of(operation, request)}
        if operation.follow is not None and (last := request.headers.get("last-event-id")) is not None:
            named["after"] = last
        if named:
            _convert(fields, call.request, operation, strict)  # what a header stands in for has to be right too
            fields |= named
    return _convert(fields, call.request, operation, strict)


def _convert(fields: dict[str, Any], wanted: type[Any], operation: Operation, strict: bool) -> Any:
    try:
        return msgspec.convert(fields, wanted, strict=strict)
    except msgspec.ValidationError as error:
        call = operation.call
        raise refusals.bad_params(call, str(error)) from None


def _query(request: AnyRequest, struct: type) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if not request.scope["query_string"]:
        return fields
    forms = form_of(struct)
    for name, text in cast("list[tuple[str, str]]", request.query_params.multi_items()):
        form = forms.get(name, "text")
        if form == "list":
            fields.setdefault(name, []).append(text)
        elif name in fields:
            raise _wrong(f"'{name[:64]}' is given twice", "give it once", name[:64])
        else:
            fields[name] = _json(text.encode(), f"'{name}'", name) if form == "json" else text
    return fields


async def _body(operation: Operation, request: AnyRequest, fixed: dict[str, Any]) -> dict[str, Any]:
    data = await bytes_of(request)
    if not data and not operation.takes_program and "programs" not in operation.places:
        return {}
    if _media(request) != JSON:
        hint = f"; programs as they are go to {upload_path(operation)}" if operation.takes_program else ""
        raise Refusal(415, f"the body must be JSON: send Content-Type: {JSON}{hint}")
    found = _json(data, "the body")
    if not isinstance(found, dict):
        raise _wrong("the body is not a JSON object", "send the fields of the request as one object")
    body = cast("dict[str, Any]", found)
    for name in (*operation.fields_at("path"), *operation.fields_at("header")):
        if name in body:
            place = "address" if name in fixed and name != "idempotency_key" else f"header {KEY_HEADER}"
            raise _wrong(f"'{name}' is in the body", f"give it in the {place} only", name)
    return body


async def _read_program(request: AnyRequest, format: str, params: dict[str, Any]) -> dict[str, Any]:
    media = _media(request)
    by_type = media.removeprefix("application/vnd.qmk.") if media.startswith("application/vnd.qmk.") else ""
    if not by_type and media not in UPLOADS:
        raise Refusal(415, f"a program is sent as one of: {', '.join(UPLOADS)}")
    if by_type and format and by_type != format:
        raise _wrong(f"the format is '{format}' and its media type says '{by_type[:64]}'", "name it once", "format")
    data = await bytes_of(request)
    program: dict[str, Any] = {"format": format or by_type, "params": params}
    try:
        return {**program, "text": data.decode()}
    except UnicodeDecodeError:
        import base64

        return {**program, "base64": base64.b64encode(data).decode()}


def range_of(operation: Operation, request: AnyRequest) -> dict[str, int]:
    """The fields of a range header; of another unit, or of several ranges, none: the header may be ignored."""
    if not operation.ranged:
        return {}
    match = RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if match is None or match[1] != operation.ranged:
        return {}
    first = int(match[2])
    if match[3] is None:
        return {"from_shot": first}
    wanted = min(int(match[3]) - first + 1, LIMITS.page_shots)
    return {"from_shot": first, "count": wanted} if wanted > 0 else {}


def upload_path(operation: Operation) -> str:
    """Where the operation takes a program as it is."""
    return operation.path.replace("/v1/", "/v1/upload/", 1)


def _media(request: AnyRequest) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _json(data: bytes, what: str, field: str = "") -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(f"{what} is not JSON: {error}", "send JSON in UTF-8", field) from None


def _wrong(message: str, fix: str, field: str = "") -> QmkError:
    return QmkError("INVALID_PARAMS", message, help=fix, **({"field": field} if field else {}))
