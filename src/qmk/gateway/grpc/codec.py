"""Structs to messages and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

import msgspec
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from msgspec import inspect

from qmk.abi.call import Call
from qmk.base.errors import QmkError
from qmk.gateway.grpc.files import class_of
from qmk.gateway.grpc.shapes import LIST, STRUCT, VALUE, Field, messages, names, shape_of, single
from qmk.gateway.service.types import fields_of, strip
from qmk.rpc import refusals

EXACT = 2**53
"""Up to here a double is each whole number."""


Packs = Callable[[Any], Any]
"""Makes of a value that is not None what the constructor of a message takes."""


def pack(value: Any) -> Any:
    """The message of a struct."""
    name, rows = _packers(cast("type[Any]", type(value)))
    given = ((field, packs, getattr(value, attribute)) for field, attribute, packs in rows)
    return class_of(name)(**{field: packs(each) for field, packs, each in given if each is not None})


@cache
def _packers(struct: type[Any]) -> tuple[str, list[tuple[str, str, Packs]]]:
    """The name of a struct's message, and of each field its name there, its attribute, and what packs it. To look at
    the types for each value would take a millisecond a message."""
    rows = [(row.encode_name, row.name, _packer(row.type)) for row in fields_of(struct)]
    return names()[struct], rows


def _packer(kind: inspect.Type) -> Packs:
    shape, bare = shape_of(kind), strip(kind)[0]
    if shape.type in (VALUE, STRUCT, LIST) and not shape.many:
        return lambda value: _pack_free(shape.type, msgspec.to_builtins(value))
    match bare:
        case inspect.StructType():
            return pack
        case inspect.TupleType():
            parts = [(f"item_{at}", _packer(each)) for at, each in enumerate(bare.item_types, 1)]
            return lambda value: class_of(shape.type)(
                **{name: packs(row) for (name, packs), row in zip(parts, value, strict=True) if row is not None}
            )
        case inspect.DictType():
            found = _pack_map(_packer_of_one(bare.value_type))
        case inspect.ListType() | inspect.VarTupleType():
            found = _pack_list(_packer_of_one(bare.item_type))
        case _:
            return lambda value: value
    return found if shape.many else lambda value: class_of(shape.type)(items=found(value))


def _pack_map(packs: Packs) -> Packs:
    return lambda value: {key: packs(row) for key, row in value.items()}


def _pack_list(packs: Packs) -> Packs:
    return lambda value: [packs(row) for row in value]


def _packer_of_one(kind: inspect.Type) -> Packs:
    """What packs a value within a list or an object."""
    shape, packs = single(kind), _packer(kind)

    def wrap(value: Any) -> Any:
        found = None if value is None else packs(value)
        return class_of(shape.type)(items=found) if isinstance(found, (list, dict)) else found

    return wrap if shape.is_message else packs


def _pack_free(name: str, value: Any) -> Any:
    """Any value of JSON as a message of google.protobuf."""
    cls = class_of(name)
    if name == STRUCT:
        return cls(fields={str(key): _pack_free(VALUE, each) for key, each in value.items()})
    if name == LIST:
        return cls(values=[_pack_free(VALUE, each) for each in value])
    match value:
        case None:
            return cls(null_value=0)
        case bool():
            return cls(bool_value=value)
        case int() | float():
            return cls(number_value=value)
        case str():
            return cls(string_value=value)
        case list() | tuple():
            return cls(list_value=_pack_free(LIST, cast("list[Any]", value)))
        case _:
            return cls(struct_value=_pack_free(STRUCT, value))


def unpack(call: Call, data: bytes) -> Any:
    """The request of a call. Raises INVALID_PARAMS naming the field."""
    name, wanted = names()[call.request], cast("type[Any]", call.request)
    try:
        message = class_of(name).FromString(data)
    except DecodeError:
        raise QmkError("INVALID_PARAMS", f"{call.name}: the message is not a {name}") from None
    try:
        return msgspec.convert(_unpack_fields(name, message), wanted)
    except msgspec.ValidationError as error:
        raise refusals.bad_params(call, str(error)) from None
    except RecursionError:
        raise QmkError("INVALID_PARAMS", f"{call.name}: the message nests too deep") from None


def _unpack_fields(name: str, message: Any) -> dict[str, Any]:
    for each in UnknownFieldSet(message):
        help = "use stubs of docs/reference/qmk.proto of this release, or leave the field out"
        raise QmkError("INVALID_PARAMS", f"{name} has no field of number {each.field_number}", help=help)
    return {
        row.name: _unpack(row, getattr(message, row.name)) for row in messages()[name].fields if _is_set(row, message)
    }


def _is_set(field: Field, message: Any) -> bool:
    """Whether a field was given; one that must be, always is."""
    if field.shape.many:
        return field.required or len(getattr(message, field.name)) > 0
    return message.HasField(field.name) if field.optional or field.shape.is_message else True


def _unpack(field: Field, value: Any) -> Any:
    match field.shape.many:
        case "repeated":
            return [_unpack_one(field.shape.type, each) for each in value]
        case "map":
            return {key: _unpack_one(field.shape.type, each) for key, each in value.items()}
        case _:
            return _unpack_one(field.shape.type, value)


def _unpack_one(name: str, value: Any) -> Any:
    if name in (VALUE, STRUCT, LIST):
        return _unpack_free(name, value)
    if name not in messages():
        return value
    found = _unpack_fields(name, value)
    if name in names().values():
        return found
    rows = messages()[name].fields  # of a list, an object or a pair
    return (
        found.get("items", {} if rows[0].shape.many == "map" else []) if rows[0].name == "items" else [*found.values()]
    )


def _unpack_free(name: str, value: Any) -> Any:
    if name == STRUCT:
        return {key: _unpack_free(VALUE, each) for key, each in cast("Mapping[str, Any]", value.fields).items()}
    if name == LIST:
        return [_unpack_free(VALUE, each) for each in value.values]
    kind = value.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    found = getattr(value, kind)
    if kind == "number_value":
        return int(found) if math.isfinite(found) and found.is_integer() and abs(found) <= EXACT else found
    return (
        found
        if kind in ("bool_value", "string_value")
        else _unpack_free(STRUCT if kind == "struct_value" else LIST, found)
    )
