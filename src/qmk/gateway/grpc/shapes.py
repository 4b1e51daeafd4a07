"""Messages made from the structs of the operations, and the number of each of their fields.

| a field of a struct | a field of its message |
|---|---|
| int, float, str, bool, bytes | int64, double, string, bool, bytes |
| that may be null, or of a request has a default | the same, ``optional`` |
| list, object of X | repeated X, map of string and X |
| one of these that may be null, or stands in another | a message of its own: ``Int64List``, ``Int64ListMap`` |
| pair | a message of its own, such as ``StringAndDouble`` |
| any value, an object or a list of them, a list with nulls | ``google.protobuf.Value``, ``Struct``, ``ListValue`` |

``numbers.txt`` has a line for each field that there has ever been. It is only appended to: the number of a field is the
count of its message's lines so far. A field of which the type changes is another line, so that a number never has two
meanings; the numbers of lines that are no more in use are reserved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from msgspec import inspect

from qmk.gateway.rest.problem import Problem
from qmk.gateway.service.operation import Operation
from qmk.gateway.service.operations import OPERATIONS
from qmk.gateway.service.types import collect, fields_of, is_free, parts_of, strip, structs
from qmk.rpc import describe

PACKAGE = "qmk.v1"
VALUE, STRUCT, LIST = (f"google.protobuf.{name}" for name in ("Value", "Struct", "ListValue"))
SCALARS: dict[type, str] = {
    inspect.IntType: "int64",
    inspect.FloatType: "double",
    inspect.StrType: "string",
    inspect.LiteralType: "string",
    inspect.BoolType: "bool",
    inspect.BytesType: "bytes",
}


@dataclass(frozen=True)
class Shape:
    """How a value stands in a message: of a type by its name in a ``.proto``, one of it, many, or many by name."""

    type: str
    many: str = ""

    @property
    def is_message(self) -> bool:
        return self.type not in SCALARS.values()


@dataclass(frozen=True)
class Field:
    """A field of a message. ``optional`` is that of a scalar whose absence differs from its zero."""

    name: str
    shape: Shape
    optional: bool = False
    required: bool = False
    doc: str = ""
    number: int = 0

    @property
    def line(self) -> str:
        """The field as it stands in ``numbers.txt`` after the name of its message."""
        kind = self.shape.type
        many = {"repeated": f"repeated {kind}", "map": f"map<string, {kind}>", "": kind}[self.shape.many]
        return f"{self.name} {'optional ' if self.optional else ''}{many}"


@dataclass(frozen=True)
class Message:
    name: str
    fields: tuple[Field, ...]
    doc: str = ""
    reserved: tuple[int, ...] = ()


def service_of(resource: str) -> str:
    """The full name of the service of a resource."""
    return f"{PACKAGE}.{resource.capitalize()}Service"


def method_of(operation: Operation) -> str:
    """The name of the method of an operation."""
    return operation.call.name.partition(".")[2].capitalize()


def stream_of(operation: Operation) -> str:
    """The name of the method that streams, "" where there is none."""
    if operation.follow is not None:
        return f"Follow{method_of(operation)}"
    return f"Stream{method_of(operation)}" if operation.ranged else ""


def item_of(operation: Operation) -> type:
    """What a stream of the operation is of: its items, or replies one after another."""
    return operation.item or operation.call.reply


def shape_of(kind: inspect.Type) -> Shape:
    """How a field of this type stands in its message."""
    kind, nullable = strip(kind)
    found = _shape(kind)
    return Shape(wrapper_of(kind)) if nullable and found.many else found


def _shape(kind: inspect.Type) -> Shape:
    match kind:
        case inspect.StructType():
            return Shape(names()[kind.cls])
        case inspect.TupleType():
            return Shape(wrapper_of(kind))
        case inspect.DictType():
            return Shape(STRUCT) if is_free(strip(kind.value_type)[0]) else Shape(single(kind.value_type).type, "map")
        case inspect.ListType() | inspect.VarTupleType():
            item, nullable = strip(kind.item_type)
            return Shape(LIST) if nullable or is_free(item) else Shape(single(item).type, "repeated")
        case _:
            return Shape(VALUE if is_free(kind) else SCALARS[type(kind)])


def single(kind: inspect.Type) -> Shape:
    """How a value stands where there can be one only: within a list, an object or a pair."""
    kind = strip(kind)[0]
    found = _shape(kind)
    return Shape(wrapper_of(kind)) if found.many else found


def wrapper_of(kind: inspect.Type) -> str:
    """The name of the message that stands for a list, an object or a pair, by what it holds."""
    match kind:
        case inspect.TupleType():
            return "And".join(map(_name, kind.item_types))
        case inspect.DictType():
            return f"{_name(kind.value_type)}Map"
        case inspect.ListType() | inspect.VarTupleType():
            return f"{_name(kind.item_type)}List"
        case _:
            raise AssertionError(f"there is no message for one {kind}")


def _name(kind: inspect.Type) -> str:
    found = single(kind)
    return found.type.rpartition(".")[2] if found.is_message else found.type.capitalize()


@cache
def names() -> dict[type, str]:
    """Every struct with the name of its message, those of errors among them."""
    found: dict[type, None] = {}
    collect(inspect.type_info(Problem), found)
    return structs() | {each: each.__name__ for each in found}


@cache
def messages() -> dict[str, Message]:
    """Every message: those of structs in the order of ``names``, then those that stand for lists and pairs."""
    asked: dict[type, None] = {}
    for operation in OPERATIONS:
        collect(inspect.type_info(operation.call.request), asked)
    made: dict[str, list[Field]] = {}
    for struct, name in names().items():
        made[name] = [_field(row, struct in asked) for row in fields_of(struct)]
    wrappers: dict[str, list[Field]] = {}
    for struct in names():
        for row in fields_of(struct):
            _add_wrappers(row.type, wrappers)
    while found := {row.shape.type for rows in made.values() for row in rows} & (wrappers.keys() - made.keys()):
        made |= {name: wrappers[name] for name in sorted(found)}
    docs = {name: describe.doc_of_struct(struct) for struct, name in names().items()}
    return {name: _number(name, fields, docs.get(name, "")) for name, fields in made.items()}


def _field(row: inspect.Field, asked: bool) -> Field:
    shape = shape_of(row.type)
    optional = not (shape.is_message or shape.many) and (strip(row.type)[1] or (asked and not row.required))
    return Field(row.encode_name, shape, optional, asked and row.required, describe.doc(row.type))


def _add_wrappers(kind: inspect.Type, found: dict[str, list[Field]]) -> None:
    """The messages that could stand for the lists, objects and pairs of a field."""
    bare = strip(kind)[0]
    if isinstance(bare, inspect.StructType):
        return
    if isinstance(bare, inspect.TupleType):
        found[wrapper_of(bare)] = [Field(f"item_{at}", single(each)) for at, each in enumerate(bare.item_types, 1)]
    elif (shape := _shape(bare)).many:
        found[wrapper_of(bare)] = [Field("items", shape)]
    for part in parts_of(bare):
        _add_wrappers(part, found)


def _number(name: str, fields: list[Field], doc: str) -> Message:
    lines = numbers().get(name, [])
    made = [replace(each, number=lines.index(each.line) + 1 if each.line in lines else 0) for each in fields]
    used = {each.number for each in made}
    return Message(name, tuple(made), doc, tuple(at for at in range(1, len(lines) + 1) if at not in used))


@cache
def numbers() -> dict[str, list[str]]:
    """The lines of each message, in the order in which they were added."""
    found: dict[str, list[str]] = {}
    for line in files("qmk.gateway.grpc").joinpath("numbers.txt").read_text().splitlines():
        message, _, rest = line.partition(".")
        found.setdefault(message, []).append(rest)
    return found


def missing_numbers() -> list[str]:
    """The lines that ``numbers.txt`` lacks, to be appended."""
    found = messages().values()
    return [f"{each.name}.{field.line}" for each in found for field in each.fields if not field.number]
