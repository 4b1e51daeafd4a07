"""The outside form of QVM JSON: typed structs for the fast path, and for documents that do not fit them a walk that
names every misfit by its path and repairs what QVM 0.1 tolerates."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, cast

import msgspec
from msgspec import UNSET, UnsetType

from qmk.base.errors import Finding, invalid_graph
from qmk.formats.json_rules import finding
from qmk.qvm.graph import VERSIONS, Node, Output

Names = tuple[str, ...]


class RawNode(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A node as written; an absent key is UNSET, so that writing it again gives the same keys."""

    id: str
    op: str
    args: dict[str, Any] | UnsetType = UNSET
    vqs: Names | UnsetType = UNSET
    chs: Names | UnsetType = UNSET
    inputs: Names | UnsetType = UNSET
    produces: Names | UnsetType = UNSET
    caps: Names | UnsetType = UNSET
    guard: Any = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class RawProgram(msgspec.Struct, forbid_unknown_fields=True):
    nodes: list[RawNode]


class PlainProgram(msgspec.Struct, forbid_unknown_fields=True):
    """Nodes read as graphs have them, where no key says more than theirs (which msgspec does not tell)."""

    nodes: list[Node]


class RawResources(msgspec.Struct, forbid_unknown_fields=True):
    vqs: Names | UnsetType = UNSET
    chs: Names | UnsetType = UNSET
    events: Names | UnsetType = UNSET


class RawOutput(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    bits: tuple[str | None, ...]
    descending: bool | UnsetType = UNSET


class Document(msgspec.Struct):
    """What both paths deliver. None: the key is absent. ``extra``: top-level keys the format does not know."""

    version: str | None = None
    nodes: list[RawNode] | list[Node] = []
    resources: RawResources | None = None
    caps: Names | None = None
    families: Names = ()
    outputs: list[RawOutput] | None = None
    shots: int | None = None
    extra: dict[str, Any] = {}


KEYS_01 = ("version", "program", "resources", "caps")
KEYS_10 = (*KEYS_01, "families", "outputs", "shots")
_NODE_LISTS = ("vqs", "chs", "inputs", "produces", "caps")
_NODE_KEYS = ("id", "op", "args", *_NODE_LISTS, "guard", "metadata")


def known_keys(version: str | None) -> tuple[str, ...]:
    """The top-level keys that mean something in ``version``; all others are metadata."""
    return KEYS_01 if version in (None, "0.1") else KEYS_10


_NOUNS: dict[type[object], str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}


def similar_key(key: Any, known: tuple[str, ...], given: Collection[Any]) -> str:
    """The key, of those that are not given, that was most likely meant by one that is spelt much like it; "" for
    none."""
    import difflib  # only when something is wrong

    word = str(key)[:40].lower()
    left = [name for name in known if name not in given and abs(len(name) - len(word)) <= 1]
    found = difflib.get_close_matches(word, left, 1, 0.8)
    return found[0] if found else ""


def type_text(value: object) -> str:
    """The JSON type of a decoded value, as a noun."""
    return "null" if value is None else _NOUNS.get(type(value), f"a {type(value).__name__}")


class Walk:
    """Reads a decoded JSON value into a ``Document``, collecting ``findings`` on the way."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.node = ""
        self.lenient = False

    def add(self, rule: str, message: str, fix: str = "") -> None:
        self.findings.append(finding(rule, message, self.node, fix=fix))

    def fits(self, value: Any, kind: type, path: str, noun: str) -> bool:
        if type(value) is kind:
            return True
        self.add("QVM-J03", f"{path} must be {noun}, not {type_text(value)}")
        return False

    def names(self, value: Any, path: str) -> Names:
        """A list of texts; a misfit gives the part that fits."""
        if type(value) is tuple:
            value = list(cast("Names", value))
        if not self.fits(value, list, path, "a list of texts"):
            return ()
        items = cast("list[Any]", value)
        return tuple(item for at, item in enumerate(items) if self.fits(item, str, f"{path}[{at}]", "a text"))

    def unknown(self, fields: dict[Any, Any], known: tuple[str, ...], path: str) -> None:
        for key in fields:
            if key not in known:
                self.refuse_key(key, known, path, similar_key(key, known, fields))

    def refuse_key(self, key: Any, known: tuple[str, ...], path: str, similar: str) -> None:
        fix = f"did you mean '{similar}'?" if similar else ""
        self.add("QVM-J05", f"{path} has no key '{key}'; it has {', '.join(known)}", fix)

    def extra(self, fields: Iterable[str], known: tuple[str, ...], given: Collection[str]) -> None:
        """Says what is wrong with keys at the top level that are not the format's: they are metadata, and do nothing.
        One that is spelt much like a key of the format, which is not ``given``, was meant as that."""
        for key in fields:
            if similar := similar_key(key, known, given):
                self.refuse_key(key, known, "the document", similar)
            elif key in KEYS_10:
                self.add("QVM-J21", f"'{key}' is a key of QVM 1.0; in this document of QVM 0.1 it does nothing")

    def document(self, value: Any) -> Document:
        out = Document()
        if not self.fits(value, dict, "the document", "an object"):
            raise invalid_graph(self.findings)
        fields = cast("dict[Any, Any]", value)
        out.version = self.version(fields)
        self.lenient = out.version in (None, "0.1")
        known = known_keys(out.version)
        out.extra = {str(key): item for key, item in fields.items() if key not in known}
        out.nodes = self.program(fields)
        if "resources" in fields:
            out.resources = self.resources(fields["resources"])
        if "caps" in fields:
            out.caps = self.names(fields["caps"], "caps")
        if not self.lenient:
            self.ending(fields, out)
        return out

    def version(self, fields: dict[Any, Any]) -> str | None:
        version = fields.get("version")
        if "version" not in fields:
            return None
        if not self.fits(version, str, "version", f"one of the texts {' and '.join(VERSIONS)}"):
            return "1.0"
        if version not in VERSIONS:
            self.add("QVM-J07", f"version '{str(version)[:40]}' is neither {' nor '.join(VERSIONS)}")
        return cast(str, version)

    def program(self, fields: dict[Any, Any]) -> list[RawNode]:
        if "program" not in fields:
            fix = 'put the nodes under \'program\': {"program": {"nodes": [...]}}' if "nodes" in fields else ""
            self.add("QVM-J04", "the document has no 'program'", fix)
            return []
        program = fields["program"]
        if not self.fits(program, dict, "program", "an object with 'nodes'"):
            return []
        body = cast("dict[Any, Any]", program)
        self.unknown(body, ("nodes",), "program")
        if "nodes" not in body:
            self.add("QVM-J04", "program has no 'nodes'")
            return []
        if not self.fits(body["nodes"], list, "program.nodes", "a list of nodes"):
            return []
        nodes = [self.read_node(item, f"program.nodes[{at}]") for at, item in enumerate(body["nodes"])]
        return [node for node in nodes if node is not None]

    def read_node(self, value: Any, path: str) -> RawNode | None:
        if not self.fits(value, dict, path, "an object"):
            return None
        fields = cast("dict[Any, Any]", value)
        self.node = fields["id"] if type(fields.get("id")) is str else ""
        for key in ("id", "op"):
            if key not in fields:
                self.add("QVM-J04", f"{path} has no '{key}'")
        words = {key: fields[key] for key in ("id", "op") if self.word(fields, key, path)}
        node = RawNode(words.get("id", ""), words.get("op", ""))
        for key in _NODE_LISTS:
            if key in fields:
                setattr(node, key, self.names(fields[key], f"{path}.{key}"))
        for key in ("args", "metadata"):
            if key in fields and self.fits(fields[key], dict, f"{path}.{key}", "an object"):
                setattr(node, key, {str(word): item for word, item in fields[key].items()})
        if fields.get("guard") is not None:
            node.guard = fields["guard"]
        self.keep(fields, node, path)
        self.node = ""
        return node if len(words) == 2 else None

    def word(self, fields: dict[Any, Any], key: str, path: str) -> bool:
        return key in fields and self.fits(fields[key], str, f"{path}.{key}", "a text")

    def keep(self, fields: dict[Any, Any], node: RawNode, path: str) -> None:
        """Keys of a node that the format does not know: metadata in 0.1, errors in 1.0 and where a key was misspelt."""
        strange = [key for key in fields if key not in _NODE_KEYS]
        if not strange:
            return
        if not self.lenient:
            self.unknown(fields, _NODE_KEYS, path)
            return
        metadata: dict[str, Any] = {} if node.metadata is UNSET else node.metadata
        for key in strange:
            if similar := similar_key(key, _NODE_KEYS, fields):
                self.refuse_key(key, _NODE_KEYS, path, similar)
            elif key in metadata:
                self.add("QVM-J06", f"{path} has '{key}' and 'metadata.{key}'")
            else:
                self.add("QVM-J16", f"{path} has no key '{key}'; it is kept in the node's metadata and does nothing")
        node.metadata = {**{str(key): fields[key] for key in strange}, **metadata}

    def resources(self, value: Any) -> RawResources:
        out = RawResources()
        if self.fits(value, dict, "resources", "an object"):
            fields = cast("dict[Any, Any]", value)
            self.unknown(fields, ("vqs", "chs", "events"), "resources")
            for key in ("vqs", "chs", "events"):
                if key in fields:
                    setattr(out, key, self.names(fields[key], f"resources.{key}"))
        return out

    def ending(self, fields: dict[Any, Any], out: Document) -> None:
        """The keys that 1.0 added: families, outputs, shots."""
        if "families" in fields:
            out.families = self.names(fields["families"], "families")
        if "shots" in fields and self.fits(fields["shots"], int, "shots", "a whole number"):
            out.shots = fields["shots"]
        outputs = fields.get("outputs")
        if outputs is not None and self.fits(outputs, list, "outputs", "a list of registers"):
            out.outputs = [self.output(item, f"outputs[{at}]") for at, item in enumerate(cast("list[Any]", outputs))]

    def output(self, value: Any, path: str) -> RawOutput:
        out = RawOutput("", ())
        if not self.fits(value, dict, path, "an object"):
            return out
        fields = cast("dict[Any, Any]", value)
        self.unknown(fields, ("name", "bits", "descending"), path)
        for key in ("name", "bits"):
            if key not in fields:
                self.add("QVM-J04", f"{path} has no '{key}'")
        if self.word(fields, "name", path):
            out.name = fields["name"]
        if self.fits(fields.get("descending", False), bool, f"{path}.descending", "true or false"):
            out.descending = fields.get("descending", False)
        bits = fields.get("bits", [])
        if self.fits(bits, list, f"{path}.bits", "a list of events and nulls"):
            out.bits = tuple(
                bit
                for at, bit in enumerate(cast("list[Any]", bits))
                if bit is None or self.fits(bit, str, f"{path}.bits[{at}]", "an event or null")
            )
        return out


def read_output(raw: RawOutput) -> Output:
    """The register in the graph's own form."""
    return Output(raw.name, raw.bits, raw.descending is True)
