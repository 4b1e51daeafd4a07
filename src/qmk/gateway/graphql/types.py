"""Types of GraphQL made from the structs of the operations: an object for each that is answered, an input for each that
is sent.

A value of any kind, a map, and a pair of unlike things are of the scalar ``JSON``; bytes are base64. Names are those of
the structs' fields. A null that is sent is the default: a default that is a map cannot be written in a schema, and the
field is one that may be null there.
"""

from __future__ import annotations

import base64
from functools import cache, partial
from typing import Annotated, Any, NewType, Optional, cast

import msgspec
import strawberry
from graphql import GraphQLError
from msgspec import inspect

from qmk.gateway.service.types import fields_of, is_free, plain_default, strip, structs
from qmk.rpc import describe

INT_MAX, INT_MIN = 2**63 - 1, -(2**63)
Int64 = NewType("Int64", int)
Json = NewType("Json", object)
Base64 = NewType("Base64", bytes)


class Items(list[Any]):
    """A list as a default; Strawberry keeps defaults of arguments in a set."""

    __hash__ = object.__hash__  # type: ignore[assignment]


class NoFields(dict[str, Any]):
    """An empty object as a default."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def _read_int(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not INT_MIN <= value <= INT_MAX:
        raise GraphQLError("Int64 wants an integer of 64 bits")
    return value


def _write_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


SCALARS: dict[object, Any] = {
    Int64: strawberry.scalar(
        name="Int64", description="A whole number of 64 bits, as a number.", serialize=int, parse_value=_read_int
    ),
    Json: strawberry.scalar(
        name="JSON", description="Any value of JSON.", serialize=msgspec.to_builtins, parse_value=lambda value: value
    ),
    Base64: strawberry.scalar(name="Base64", description="Bytes in base64.", serialize=_write_base64),
}


def type_of(kind: inspect.Type, *, sent: bool, optional: bool = False) -> Any:
    """A type of a field as an annotation: ``sent`` in a request, or answered."""
    kind, nullable = strip(kind)
    made = _bare(kind, sent=sent)
    return Optional[made] if nullable or optional else made  # noqa: UP045 - NewTypes have no operator |


def _sent_type(row: inspect.Field) -> Any:
    return type_of(row.type, sent=True, optional=not row.required and isinstance(strip(row.type)[0], inspect.DictType))


def _default_of(row: inspect.Field) -> Any:
    """The default of a field that is sent; ``strawberry.UNSET`` where it has none or a map."""
    if row.required or isinstance(strip(row.type)[0], inspect.DictType):
        return strawberry.UNSET
    default = plain_default(row)
    if isinstance(default, list):
        return Items(cast("list[Any]", default))
    if not isinstance(default, dict):
        return default
    assert not default
    return NoFields()


def _bare(kind: inspect.Type, *, sent: bool) -> Any:
    match kind:
        case inspect.StructType():
            return (input_of if sent else object_of)(kind.cls)
        case inspect.ListType() | inspect.VarTupleType():
            return list[type_of(kind.item_type, sent=sent)]
        case inspect.TupleType() if len(set(map(type, kind.item_types))) == 1:
            return list[type_of(kind.item_types[0], sent=sent)]
        case inspect.IntType():
            return Int64
        case inspect.FloatType():
            return float
        case inspect.BoolType():
            return bool
        case inspect.BytesType():
            return Base64
        case inspect.StrType() | inspect.LiteralType():
            return str
        case _:
            assert is_free(kind) or isinstance(kind, (inspect.DictType, inspect.TupleType)), kind
            return Json


@cache
def object_of(struct: type) -> type:
    """The object type of a struct. Its values are the structs themselves."""
    rows = fields_of(struct)
    body: dict[str, Any] = {row.name: strawberry.field(description=describe.doc(row.type) or None) for row in rows}
    body["__annotations__"] = {row.name: type_of(row.type, sent=False) for row in rows}
    return strawberry.type(type(structs()[struct], (), body), description=describe.doc_of_struct(struct) or None)


@cache
def input_of(struct: type) -> type:
    """The input type of a struct."""
    rows = fields_of(struct)
    body: dict[str, Any] = {row.name: _input_field(row) for row in rows}
    body["__annotations__"] = {row.name: _sent_type(row) for row in rows}
    return strawberry.input(
        type(f"{structs()[struct]}Input", (), body), description=describe.doc_of_struct(struct) or None
    )


def _input_field(row: inspect.Field) -> Any:
    doc, default = describe.doc(row.type) or None, _default_of(row)
    if row.required:
        return strawberry.field(description=doc)
    if isinstance(default, (Items, NoFields)):
        return strawberry.field(description=doc, default_factory=partial(type(default), default))
    return strawberry.field(description=doc, default=default)


def argument_of(row: inspect.Field) -> tuple[Any, Any]:
    """A field of a request as the annotation and the default of an argument."""
    made: Any = _sent_type(row)
    return Annotated[made, strawberry.argument(description=describe.doc(row.type) or None)], _default_of(row)


def plain(value: Any) -> Any:
    """What was sent, as values of JSON."""
    if hasattr(value, "__strawberry_definition__"):
        return plain_fields(cast("dict[str, Any]", vars(value)))
    if isinstance(value, list):
        return [plain(each) for each in cast("list[Any]", value)]
    return value


def plain_fields(given: dict[str, Any]) -> dict[str, Any]:
    """The fields that were sent, without those that are null."""
    return {name: plain(each) for name, each in given.items() if each is not strawberry.UNSET and each is not None}
