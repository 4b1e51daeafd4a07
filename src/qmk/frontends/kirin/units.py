"""The document as data. Kirin's JSON is nested units ``{"$u": [kind, data]}`` or ``{"$u": [kind, module, class,
data]}``. Kirin itself imports the module that a unit names; here names are only compared with those that are known.

``Document`` walks the whole tree once, without recursion, before anything is unrolled: every kind, statement and
module must be known, whether it is reached or not.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable
from typing import Any, cast

import msgspec

from qmk.frontends.kirin.values import Method
from qmk.sdk.frontend import Refused, strip_bom

KINDS = frozenset(
    [
        "attr_ref",
        "attribute",
        "block",
        "block-arg",
        "block_ref",
        "bool",
        "dialect",
        "dialect_group",
        "dict",
        "float",
        "frozenset",
        "ilist",
        "int",
        "list",
        "method",
        "none",
        "pyattr",
        "range",
        "region",
        "region_ref",
        "result-value",
        "signature",
        "slice",
        "ssa_ref",
        "statement",
        "str",
        "tuple",
        "type",
        "type-attribute",
    ]
)
PACKAGES = ("builtins", "kirin", "bloqade", "py.ilist", "types", "typing")
"""The packages whose classes a document may name in types and attributes."""

LARGEST = 1 << 24
"""The largest document in bytes, unpacked: as Python objects it takes up to 25 times as much."""

Raw = dict[str, Any]
Name = tuple[str, str]


class Statement(msgspec.Struct, frozen=True):
    """``slices`` gives an argument's place among ``args`` by its name; ``attributes`` are units."""

    name: Name
    id: str
    args: tuple[str, ...]
    results: tuple[str, ...]
    slices: dict[str, int | slice]
    attributes: dict[str, Any]
    regions: tuple[Any, ...]
    successors: tuple[Any, ...]


class Block(msgspec.Struct, frozen=True):
    id: str
    args: tuple[str, ...]
    statements: tuple[Any, ...]


def text_of(data: bytes) -> bytes:
    """The JSON text, unpacked where it is gzipped, never beyond ``LARGEST``."""
    if data[:2] != b"\x1f\x8b":
        if len(data) > LARGEST:
            raise Refused("KIRIN-08", f"it is larger than {LARGEST} bytes")
        return strip_bom(data)
    stream = zlib.decompressobj(wbits=31)
    try:
        text = stream.decompress(data, LARGEST + 1)
    except zlib.error as error:
        raise Refused("KIRIN-01", f"the gzip stream is broken: {error}") from error
    if len(text) > LARGEST:
        raise Refused("KIRIN-08", f"unpacked it is larger than {LARGEST} bytes")
    if not stream.eof:
        raise Refused("KIRIN-01", "the gzip stream ends too early")
    return text


def unit(raw: Any) -> tuple[str, Name, Any]:
    """Kind, (module, class) and data of a unit."""
    parts = cast("Raw", raw).get("$u") if isinstance(raw, dict) else None
    if isinstance(parts, list):
        found = cast("list[Any]", parts)
        if len(found) == 2 and isinstance(found[0], str):
            return found[0], ("", ""), found[1]
        if len(found) == 4 and all(isinstance(part, str) for part in found[:3]):
            return found[0], (found[1], found[2]), found[3]
    raise Refused("KIRIN-01", f"not a unit: {str(cast('object', raw))[:60]}")


def member(data: Any, key: str, kind: type, what: str) -> Any:
    if not isinstance(data, dict) or not isinstance(cast("Raw", data).get(key), kind):
        raise Refused("KIRIN-01", f"a unit '{what}' without its '{key}'")
    return cast("Raw", data)[key]


class Document(msgspec.Struct):
    """One module. ``names`` are the statements in it."""

    body: Any
    names: set[Name] = set()
    _regions: dict[str, Any] = {}
    _blocks: dict[str, Any] = {}
    _parsed: dict[int, Statement] = {}

    @classmethod
    def read(cls, data: bytes, statements: Collection[Name]) -> Document:
        try:
            whole = json.loads(text_of(data), parse_int=lambda digits: int(digits[:400]))
        except (ValueError, RecursionError) as error:
            raise Refused("KIRIN-01", f"not JSON, or nested too deep: {str(error)[:120]}") from error
        if not isinstance(whole, dict) or cast("Raw", whole).get("__serialization_module__") is not True:
            raise Refused("KIRIN-01", "it is not an object with __serialization_module__ true")
        made = cls(cast("Raw", whole).get("body"))
        made._walk(statements)
        return made

    def _walk(self, statements: Collection[Name]) -> None:
        stack: list[Any] = [self.body]
        while stack:
            value = stack.pop()
            if isinstance(value, list):
                stack.extend(cast("list[Any]", value))
            elif isinstance(value, dict):
                if "$u" in value:
                    self._check(value, statements)
                stack.extend(cast("Raw", value).values())

    def _check(self, raw: Any, statements: Collection[Name]) -> None:
        kind, name, data = unit(raw)
        if kind not in KINDS:
            raise Refused("KIRIN-01", f"'{kind[:40]}' is not a kind of unit")
        if kind == "statement":
            if name not in statements:
                raise Refused("KIRIN-02", f"the statement {name[1][:80]} of {name[0][:80]} is unknown")
            self.names.add(name)
        elif name[0] and not any(name[0] == known or name[0].startswith(known + ".") for known in PACKAGES):
            raise Refused("KIRIN-03", f"{kind} {name[1][:80]} comes from {name[0][:80]}")
        elif kind == "region":
            self._regions[member(data, "id", str, kind)] = raw
        elif kind == "block":
            self._blocks[member(data, "id", str, kind)] = raw

    # -- code --------------------------------------------------------------------------------------------------------

    def statement(self, raw: Any) -> Statement:
        found = self._parsed.get(id(raw))
        if found is None:
            found = self._parsed[id(raw)] = self._statement(raw)
        return found

    def _statement(self, raw: Any) -> Statement:
        kind, name, data = unit(raw)
        if kind != "statement":
            raise Refused("KIRIN-01", f"'{kind}' stands where a statement should")
        lists = {key: member(data, key, dict, kind) for key in ("_args", "_results", "successors", "_regions")}
        attributes = self._mapping(member(data, "attributes", dict, kind))
        slices = self._mapping(member(data, "_name_args_slice", dict, kind))
        return Statement(
            name,
            member(data, "id", str, kind),
            tuple(self._identity(item) for item in self.items(lists["_args"])),
            tuple(self._identity(item) for item in self.items(lists["_results"])),
            {key: self._place(value) for key, value in slices.items()},
            attributes,
            tuple(self.items(lists["_regions"])),
            tuple(self.items(lists["successors"])),
        )

    def _place(self, raw: Any) -> int | slice[Any, Any, Any]:
        found = self.constant(raw)
        if not isinstance(found, (int, slice)):
            raise Refused("KIRIN-01", "an argument's place is neither a number nor a slice")
        return cast("int | slice[Any, Any, Any]", found)

    def _identity(self, raw: Any) -> str:
        kind, _, data = unit(raw)
        if kind not in ("ssa_ref", "result-value", "block-arg"):
            raise Refused("KIRIN-01", f"'{kind}' stands where a value should")
        return member(data, "id", str, kind)

    def items(self, raw: Any) -> list[Any]:
        kind, _, data = unit(raw)
        if kind not in ("list", "tuple", "frozenset"):
            raise Refused("KIRIN-01", f"'{kind}' stands where a list should")
        return member(data, "value", list, kind)

    def _mapping(self, raw: Any) -> dict[str, Any]:
        kind, _, data = unit(raw)
        keys, values = member(data, "keys", list, kind), member(data, "values", list, kind)
        names = [self.constant(key) for key in keys]
        if kind != "dict" or len(names) != len(values) or not all(isinstance(name, str) for name in names):
            raise Refused("KIRIN-01", f"'{kind}' stands where a dict of names should")
        return dict(zip(names, values, strict=True))

    def blocks(self, raw: Any) -> tuple[Block, ...]:
        """The blocks of a region."""
        kind, _, data = unit(raw)
        if kind == "region_ref":
            raw = self._regions.get(member(data, "id", str, kind))
            if raw is None:
                raise Refused("KIRIN-09", f"no region is '{data['id'][:40]}'")
            kind, _, data = unit(raw)
        if kind != "region":
            raise Refused("KIRIN-01", f"'{kind}' stands where a region should")
        return tuple(self.block(block) for block in member(data, "blocks", list, kind))

    def block(self, raw: Any) -> Block:
        kind, _, data = unit(raw)
        if kind == "block_ref":
            raw = self._blocks.get(member(data, "id", str, kind))
            if raw is None:
                raise Refused("KIRIN-09", f"no block is '{data['id'][:40]}'")
            kind, _, data = unit(raw)
        if kind != "block":
            raise Refused("KIRIN-01", f"'{kind}' stands where a block should")
        args = tuple(self._identity(arg) for arg in member(data, "_args", list, kind))
        return Block(member(data, "id", str, kind), args, tuple(member(data, "stmts", list, kind)))

    def method(self, raw: Any) -> Method:
        """What a unit 'method' can be called as; its code is one statement with one region."""
        kind, _, data = unit(raw)
        if kind != "method":
            raise Refused("KIRIN-01", f"'{kind}' stands where a method should")
        code = self.statement(member(data, "code", dict, kind))
        captured = tuple(self.constant(item) for item in self.items(member(data, "fields", dict, kind)))
        return self.callable(code, captured)

    def callable(self, code: Statement, captured: Iterable[Any]) -> Method:
        slots = self.constant(code.attributes.get("slots"))
        name = self.constant(code.attributes.get("sym_name"))
        if not isinstance(slots, tuple) or not isinstance(name, str) or len(code.regions) != 1:
            raise Refused("KIRIN-01", "a function has a name, slots and one body")
        found = cast("tuple[Any, ...]", slots)
        return Method(name[:80], tuple(str(slot) for slot in found), code.regions[0], tuple(captured))

    # -- values ------------------------------------------------------------------------------------------------------

    def constant(self, raw: Any) -> Any:
        """The value of a unit."""
        kind, name, data = unit(raw)
        if kind in ("int", "float", "bool", "str"):
            return _scalar(kind, member(data, "value", str, kind))
        if kind == "none":
            return None
        if kind in ("list", "tuple"):
            made = [self.constant(item) for item in self.items(raw)]
            return tuple(made) if kind == "tuple" else made
        if kind in ("slice", "range"):
            parts = [self.constant(member(data, key, dict, kind)) for key in ("start", "stop", "step")]
            if not all(part is None or isinstance(part, int) for part in parts) or (kind == "range" and parts[2] == 0):
                raise Refused("KIRIN-01", f"a {kind} of what is not whole")
            return slice(*parts) if kind == "slice" else range(*parts)
        if kind in ("attribute", "pyattr", "ilist") and name[0] != "kirin.ir.attrs.types":
            found = self.constant(member(data, "data", dict, kind))
            return list(cast("Iterable[Any]", found)) if kind == "ilist" and isinstance(found, tuple) else found
        if kind == "method":
            return self.method(raw)
        raise Refused("KIRIN-04", f"a constant of the kind '{kind}' has no meaning here")


def _scalar(kind: str, text: str) -> Any:
    if kind == "str":
        return text
    if kind == "bool":
        return text == "True"
    try:
        if kind == "float":
            return float(text)
        return int(text) if len(text) < 400 else _refuse_number(text)
    except ValueError as error:
        raise Refused("KIRIN-01", f"{text[:40]!r} is not a valid {kind}") from error


def _refuse_number(text: str) -> int:
    raise Refused("KIRIN-08", f"a number of {len(text)} digits")
