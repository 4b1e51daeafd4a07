"""Descriptors and classes of the messages, made when they are first asked for: no generated module is needed.

They have a pool of their own, so that a process can hold them beside stubs made of ``docs/reference/qmk.proto``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, struct_pb2

from qmk.gateway.grpc.shapes import PACKAGE, Field, item_of, messages, method_of, names, service_of, stream_of
from qmk.gateway.service.operations import OPERATIONS, RESOURCES

PROTO = "qmk.proto"
_Row = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "int64": _Row.TYPE_INT64,
    "double": _Row.TYPE_DOUBLE,
    "string": _Row.TYPE_STRING,
    "bool": _Row.TYPE_BOOL,
    "bytes": _Row.TYPE_BYTES,
}
RPC_STATUS, ERROR_INFO = "google.rpc.Status", "google.rpc.ErrorInfo"


@cache
def pool() -> descriptor_pool.DescriptorPool:
    """The pool with our file, and with what it imports and what errors are made of."""
    made = descriptor_pool.DescriptorPool()
    for each in (struct_pb2, any_pb2):
        made.AddSerializedFile(each.DESCRIPTOR.serialized_pb)
    made.Add(_rpc_file())
    made.Add(file())
    return made


@cache
def class_of(name: str) -> Any:
    """The class of a message by its name, in our package if it has none."""
    full = name if "." in name else f"{PACKAGE}.{name}"
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(full))  # pyright: ignore[reportUnknownMemberType]


def file() -> descriptor_pb2.FileDescriptorProto:
    """The file with all messages and services."""
    made = descriptor_pb2.FileDescriptorProto(
        name=PROTO, package=PACKAGE, syntax="proto3", dependency=["google/protobuf/struct.proto"]
    )
    for message in messages().values():
        row = made.message_type.add(name=message.name)
        for field in message.fields:
            _add_field(row, field)
        for number in message.reserved:
            row.reserved_range.add(start=number, end=number + 1)
    for resource in RESOURCES:
        service = made.service.add(name=service_of(resource).rpartition(".")[2])
        for each in OPERATIONS:
            if each.resource == resource:
                request = f".{PACKAGE}.{names()[each.call.request]}"
                reply = f".{PACKAGE}.{names()[each.call.reply]}"
                service.method.add(name=method_of(each), input_type=request, output_type=reply)
                if stream := stream_of(each):
                    item = f".{PACKAGE}.{names()[item_of(each)]}"
                    service.method.add(name=stream, input_type=request, output_type=item, server_streaming=True)
    return made


def _add_field(row: descriptor_pb2.DescriptorProto, field: Field) -> None:
    made = row.field.add(name=field.name, number=field.number, label=_Row.LABEL_OPTIONAL)
    value = made
    if field.shape.many:
        made.label = _Row.LABEL_REPEATED
    if field.shape.many == "map":
        entry = row.nested_type.add(name="".join(word.capitalize() for word in field.name.split("_")) + "Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=_Row.TYPE_STRING, label=_Row.LABEL_OPTIONAL)
        value = entry.field.add(name="value", number=2, label=_Row.LABEL_OPTIONAL)
        made.type, made.type_name = _Row.TYPE_MESSAGE, f".{PACKAGE}.{row.name}.{entry.name}"
    if field.shape.is_message:
        kind = field.shape.type
        value.type, value.type_name = _Row.TYPE_MESSAGE, f".{kind}" if "." in kind else f".{PACKAGE}.{kind}"
    else:
        value.type = _SCALARS[field.shape.type]
    if field.optional:
        made.proto3_optional, made.oneof_index = True, len(row.oneof_decl)
        row.oneof_decl.add(name=f"_{field.name}")


def _rpc_file() -> descriptor_pb2.FileDescriptorProto:
    """The two messages of google.rpc in which errors are told, as its files declare them."""
    made = descriptor_pb2.FileDescriptorProto(
        name="google/rpc/qmk_errors.proto",
        package="google.rpc",
        syntax="proto3",
        dependency=["google/protobuf/any.proto"],
    )
    status = made.message_type.add(name="Status")
    status.field.add(name="code", number=1, type=_Row.TYPE_INT32, label=_Row.LABEL_OPTIONAL)
    status.field.add(name="message", number=2, type=_Row.TYPE_STRING, label=_Row.LABEL_OPTIONAL)
    kind, name = _Row.TYPE_MESSAGE, ".google.protobuf.Any"
    status.field.add(name="details", number=3, type=kind, type_name=name, label=_Row.LABEL_REPEATED)
    info = made.message_type.add(name="ErrorInfo")
    for number, field in enumerate(("reason", "domain"), 1):
        info.field.add(name=field, number=number, type=_Row.TYPE_STRING, label=_Row.LABEL_OPTIONAL)
    entry = info.nested_type.add(name="MetadataEntry")
    entry.options.map_entry = True
    for number, field in enumerate(("key", "value"), 1):
        entry.field.add(name=field, number=number, type=_Row.TYPE_STRING, label=_Row.LABEL_OPTIONAL)
    name = ".google.rpc.ErrorInfo.MetadataEntry"
    info.field.add(name="metadata", number=3, type=kind, type_name=name, label=_Row.LABEL_REPEATED)
    return made
