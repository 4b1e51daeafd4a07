"""The structs of the operations as data, for protocols with types of their own: which there are, what each is called,
and what a field is beneath its bounds and its null."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import msgspec
from msgspec import inspect

from qmk.gateway.service.operations import OPERATIONS


def strip(kind: inspect.Type) -> tuple[inspect.Type, bool]:
    """A type without its bounds and words, and whether null is allowed beside it."""
    if isinstance(kind, inspect.Metadata):
        return strip(kind.type)
    if not isinstance(kind, inspect.UnionType):
        return kind, False
    named = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
    assert len(named) == 1, f"no protocol but JSON has a field of several types: {kind}"
    return strip(named[0])[0], len(named) < len(kind.types)


def fields_of(struct: type) -> tuple[inspect.Field, ...]:
    """The fields of a struct."""
    found = inspect.type_info(struct)
    assert isinstance(found, inspect.StructType)
    return found.fields


@cache
def structs() -> dict[type, str]:
    """Every struct of a request, a reply or an item of a stream, with the one name that it has in every protocol."""
    tops: list[type] = []
    for each in OPERATIONS:
        tops += [each.call.request, each.call.reply, *([each.item] if each.item else [])]
    found: dict[type, None] = {}
    for top in tops:
        collect(inspect.type_info(top), found)
    given = [each.__name__ for each in found]
    return {each: each.__name__ if given.count(each.__name__) == 1 else _qualify(each) for each in found}


def collect(kind: inspect.Type, found: dict[type, None]) -> None:
    """Adds the structs that a type is made of."""
    kind, _ = strip(kind)
    if isinstance(kind, inspect.StructType):
        if kind.cls in found:
            return
        found[kind.cls] = None
    for part in parts_of(kind):
        collect(part, found)


def parts_of(kind: inspect.Type) -> Iterator[inspect.Type]:
    """The types that a type without bounds is made of."""
    match kind:
        case inspect.StructType():
            yield from (each.type for each in kind.fields)
        case inspect.ListType() | inspect.VarTupleType():
            yield kind.item_type
        case inspect.TupleType():
            yield from kind.item_types
        case inspect.DictType():
            yield kind.value_type
        case _:
            pass


def _qualify(struct: type) -> str:
    """``Reply`` of ``qmk.abi.calls.q_submit`` as ``SubmitReply``."""
    words = re.split(r"_", struct.__module__.rpartition(".")[2].removeprefix("q_"))
    return "".join(word.capitalize() for word in words) + struct.__name__


def is_free(kind: inspect.Type) -> bool:
    """Whether a type without bounds is any value of JSON."""
    return isinstance(kind, (inspect.AnyType, inspect.CustomType))


def plain_default(row: inspect.Field) -> Any:
    """The default of a field as values of JSON: a struct with nothing but defaults is an empty object."""
    value: Any = row.default if row.default is not msgspec.NODEFAULT else row.default_factory()
    if isinstance(value, tuple):
        return list(cast("tuple[Any, ...]", value))
    return {} if isinstance(value, msgspec.Struct) else value
