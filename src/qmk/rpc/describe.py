"""Reads declarations as data: the fields of a request or reply with type, default and meaning.

The docs generator, the errors of the decoder and the client's help all take their words from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast

import msgspec
from msgspec import inspect


class Field(msgspec.Struct, frozen=True):
    """One field. ``path`` is dotted from the top, ``[]`` marking list items and ``*`` the values of a map."""

    path: str
    type: str
    required: bool
    default: str
    doc: str


@lru_cache(maxsize=256)
def fields(struct: type) -> tuple[Field, ...]:
    """All fields of a Struct type, nested ones after their parent."""
    return tuple(_walk(inspect.type_info(struct), ""))


def field(struct: type, path: str) -> Field | None:
    """The field at ``path`` (as the decoder names it: ``policy.seed``, ``handles[3]`` or ``handles[...]``)."""
    wanted = _without_indexes(path)
    return next((row for row in fields(struct) if row.path == wanted), None)


def names(struct: type) -> list[str]:
    """Names of the top-level fields."""
    return list(struct.__struct_encode_fields__)  # type: ignore[attr-defined]


def _without_indexes(path: str) -> str:
    parts = [part.partition("[")[0] + ("[]" if "[" in part else "") for part in path.split(".")]
    return ".".join(parts)


def _walk(kind: inspect.Type, lead: str) -> Iterator[Field]:
    kind = _plain(kind)
    if isinstance(kind, inspect.StructType):
        for row in kind.fields:
            path = f"{lead}.{row.encode_name}" if lead else row.encode_name
            yield Field(path, type_text(row.type), row.required, _default_text(row), doc(row.type))
            yield from _walk(row.type, path)
    elif isinstance(kind, (inspect.ListType, inspect.VarTupleType)):
        yield from _walk(kind.item_type, f"{lead}[]")
    elif isinstance(kind, inspect.UnionType):
        for choice in kind.types:
            yield from _walk(choice, lead)


def _plain(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def doc(kind: inspect.Type) -> str:
    """The nearest description: of the type itself, of what it wraps, or of a union's member."""
    if isinstance(kind, inspect.Metadata):
        schema = cast("dict[str, Any]", kind.extra_json_schema or {})  # pyright: ignore[reportUnknownMemberType]
        return schema.get("description") or doc(kind.type)
    if isinstance(kind, inspect.UnionType):
        return next((text for text in map(doc, kind.types) if text), "")
    return ""


def doc_of_struct(struct: type) -> str:
    """What a struct is, from its docstring; "" where it has none of its own."""
    text = struct.__doc__ or ""
    return "" if text.startswith(f"{struct.__name__}(") else " ".join(text.split())


def _default_text(row: inspect.Field) -> str:
    if row.required:
        return ""
    value = row.default if row.default is not msgspec.NODEFAULT else row.default_factory()
    if isinstance(value, (msgspec.Raw, msgspec.Struct)):
        return ""
    return "null" if value is None else msgspec.json.encode(value).decode()


def type_text(kind: inspect.Type) -> str:
    """A type as the docs write it: ``int >= 1``, ``list of str``, ``object``."""
    kind = _plain(kind)
    if isinstance(kind, inspect.UnionType):
        return " or ".join(type_text(choice) for choice in kind.types)
    if isinstance(kind, (inspect.ListType, inspect.VarTupleType)):
        return f"list of {type_text(kind.item_type)}"
    if isinstance(kind, inspect.DictType):
        return f"object of {type_text(kind.value_type)}"
    if isinstance(kind, inspect.IntType):
        return _range_text("int", kind)
    if isinstance(kind, inspect.FloatType):
        return _range_text("number", kind)
    return _SIMPLE.get(type(kind), "object")


_SIMPLE: dict[Any, str] = {
    inspect.StrType: "str",
    inspect.BoolType: "bool",
    inspect.NoneType: "null",
    inspect.AnyType: "any",
}


def _range_text(name: str, kind: inspect.IntType | inspect.FloatType) -> str:
    low, high = kind.ge, kind.le
    if low is not None and high is not None:
        return f"{name} {low} to {high}"
    if low is not None:
        return f"{name} >= {low}"
    return name if high is None else f"{name} <= {high}"
