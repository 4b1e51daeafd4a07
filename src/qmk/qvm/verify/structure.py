"""QVM-S: the shape of a graph: version, ids, ops and families that exist, handles that are declared and used."""

from __future__ import annotations

from functools import lru_cache

from qmk.base.ids import is_id
from qmk.base.limits import LIMITS
from qmk.qvm.families import FAMILIES, OPS, SPELLINGS, meant
from qmk.qvm.graph import VERSIONS, Graph, Node
from qmk.qvm.op import Op
from qmk.qvm.verify.rule import Rule
from qmk.qvm.verify.state import CLOSED, DECLARED, LIVE, OPEN, UNOPENED, State, join_names, quote, show

VERSION = Rule(
    "QVM-S01",
    "unknown version",
    "`version` is one of the published versions of the format.",
    f"write one of: {', '.join(VERSIONS)}",
)
EMPTY = Rule(
    "QVM-S02",
    "empty program",
    "A program has at least one node.",
    "add nodes to program.nodes",
)
NODE_ID = Rule(
    "QVM-S03",
    "malformed node id",
    "A node id is an ASCII letter or underscore followed by letters, digits and underscores.",
    "use only letters, digits and underscores, and do not begin with a digit",
)
DUPLICATE_NODE = Rule(
    "QVM-S04",
    "duplicate node id",
    "Every node id of a program is different from all others.",
    "give the node an id of its own",
)
UNKNOWN_OP = Rule(
    "QVM-S05",
    "unknown op",
    "An op is a name of a declared family (`core.h`) or its QVM 0.1 spelling (`APPLY_H`).",
    "see the reference of ops for the names",
)
UNDECLARED = Rule(
    "QVM-S06",
    "undeclared handle",
    "Every qubit and channel that a node uses stands in `resources`.",
    "add the name to resources.vqs or resources.chs",
)
DECLARED_TWICE = Rule(
    "QVM-S07",
    "handle declared twice",
    "A name stands in `resources` once, as a qubit, a channel or an event.",
    "remove one of the declarations, or rename the handle",
)
UNUSED = Rule(
    "QVM-S08",
    "declared but never allocated",
    "Every declared qubit is allocated by some node, and every declared channel is opened by one.",
    "allocate or open it, or remove it from resources",
)
HANDLE_NAME = Rule(
    "QVM-S09",
    "malformed handle name",
    "A handle's name follows the grammar of node ids.",
    "use only letters, digits and underscores, and do not begin with a digit",
)
UNKNOWN_FAMILY = Rule(
    "QVM-S10",
    "unknown family",
    "`families` lists declared op families, as `core` or with the version as `core@1`.",
    "known families: " + ", ".join(f"{family.name}@{family.version}" for family in FAMILIES),
)
UNLISTED_FAMILY = Rule(
    "QVM-S11",
    "op of a family that is not listed",
    "A program that lists `families` uses ops of those families only. Without a list all families are open.",
    "add the family to families",
)
OUTPUT_BIT = Rule(
    "QVM-S12",
    "output of an unknown event",
    "Every bit of an output register is a declared event, or null for a constant 0.",
    "add the event to resources.events, or take the bit out of the register",
)
OUTPUT_NAME = Rule(
    "QVM-S13",
    "bad register name",
    "Registers have different names without blanks; only a lone register may be unnamed.",
    "give every register a name of its own, without blanks",
)
SHOTS = Rule(
    "QVM-S14",
    "shots out of range",
    "The default number of shots is at least 1 and within the limit `shots`.",
    "ask for at least one shot, and split very large runs into several jobs",
)

RULES = (
    VERSION, EMPTY, NODE_ID, DUPLICATE_NODE, UNKNOWN_OP, UNDECLARED, DECLARED_TWICE, UNUSED, HANDLE_NAME,
    UNKNOWN_FAMILY, UNLISTED_FAMILY, OUTPUT_BIT, OUTPUT_NAME, SHOTS,
)  # fmt: skip

_VERSIONS = {family.name: family.version for family in FAMILIES}


def check_graph(state: State) -> None:
    """Checks everything about a graph that does not depend on what its nodes do."""
    graph = state.graph
    if graph.version not in VERSIONS:
        state.add(VERSION, f"version {quote(graph.version)} is not one of {', '.join(VERSIONS)}")
    if not graph.nodes:
        state.add(EMPTY, "the program has no nodes")
    if graph.shots is not None and not 1 <= graph.shots <= LIMITS.shots:
        state.add(SHOTS, f"{show(graph.shots)} shots are asked for, but 1 to {LIMITS.shots} are allowed")
    _check_families(state, graph)
    _check_handles(state, graph)
    _check_node_ids(state, graph)
    _check_outputs(state, graph)


def _check_families(state: State, graph: Graph) -> None:
    listed_families: dict[str, int] = {}
    for entry in graph.families:
        name, at, version = entry.partition("@")
        known = _VERSIONS.get(name)
        if known is None or (at and version != str(known)):
            state.add(UNKNOWN_FAMILY, f"the family {quote(entry)} does not exist")
        else:
            listed_families[name] = known
    state.families = listed_families if graph.families else None


def _check_handles(state: State, graph: Graph) -> None:
    names = (*graph.vqs, *graph.chs, *graph.events)
    for name in _not_ids(names):
        state.add(HANDLE_NAME, f"{quote(name)} is not a handle's name")
    if len(set(names)) == len(names):
        return
    seen: dict[str, str] = {}
    for slot, handles in (("vqs", graph.vqs), ("chs", graph.chs), ("events", graph.events)):
        for name in handles:
            if name in seen:
                state.add(DECLARED_TWICE, f"{quote(name)} is declared in {seen[name]} and again in {slot}")
            seen.setdefault(name, slot)


def _check_node_ids(state: State, graph: Graph) -> None:
    ids = [node.id for node in graph.nodes]
    bad = set(_not_ids(ids))
    repeated = len(set(ids)) != len(ids)
    if not bad and not repeated:
        return
    first: dict[str, int] = {}
    for index, node in enumerate(graph.nodes):
        if node.id in bad:
            state.add(NODE_ID, f"{quote(node.id)} is not a node id", node, index=index)
        before = first.setdefault(node.id, index)
        if before != index:
            state.add(DUPLICATE_NODE, f"nodes {before} and {index} are both called {quote(node.id)}", node, index=index)


def _not_ids(names: list[str] | tuple[str, ...]) -> list[str]:
    """The names that break the grammar of ids. An ASCII identifier of Python is exactly a QVM id, which lets the
    common case run without a Python-level loop."""
    if all(map(str.isidentifier, names)) and all(map(str.isascii, names)):
        return []
    return [name for name in names if not is_id(name)]


def _check_outputs(state: State, graph: Graph) -> None:
    outputs = graph.outputs or ()
    seen: set[str] = set()
    for output in outputs:
        if output.name in seen or (not output.name and len(outputs) > 1):
            state.add(OUTPUT_NAME, f"two registers are called {quote(output.name)}, or one of several has no name")
        elif any(character.isspace() for character in output.name) or not output.name.isprintable():
            state.add(OUTPUT_NAME, f"the register name {quote(output.name)} holds blanks or control characters")
        seen.add(output.name)
        for position, bit in enumerate(output.bits):
            if bit is not None and bit not in state.events:
                message = f"bit {position} of register {quote(output.name)} is {quote(bit)}, which is not an event"
                state.add(OUTPUT_BIT, message)


def check_op(state: State, node: Node) -> Op | None:
    """The declaration of the node's op, or None with a finding when there is none."""
    op = OPS.get(node.op)
    if op is None:
        if state.is_full:
            state.add(UNKNOWN_OP, "")
        else:
            state.add(UNKNOWN_OP, f"no op is called {quote(node.op)}", node, help=_spelling_help(node.op[:64]))
        return None
    if state.families is not None and op.family not in state.families:
        message = f"{op.name} is of family '{op.family}', which the program does not list"
        state.add(UNLISTED_FAMILY, message, node, help=f"add '{op.family}' to families")
    return op


@lru_cache(maxsize=256)
def _spelling_help(name: str) -> str:
    known = SPELLINGS.get(name) or SPELLINGS.get(name.upper()) or SPELLINGS.get(name.lower())
    if known:
        return f"write '{known}'"
    near = meant(name)
    return f"did you mean {', '.join(near)}?" if near else UNKNOWN_OP.help


def check_operands(state: State, node: Node) -> None:
    """Finds qubits and channels that no declaration names. (A name declared as another kind is a matter of types.)"""
    for slot, handles, phases in (("vqs", node.vqs, state.qubits), ("chs", node.chs, state.channels)):
        for name in handles:
            if name not in phases and not is_declared(state, name):
                what = "qubit" if slot == "vqs" else "channel"
                state.add(
                    UNDECLARED,
                    f"the {what} {quote(name)} is not declared",
                    node,
                    help=f"add {quote(name)} to resources.{slot}",
                )


def is_declared(state: State, name: str) -> bool:
    return name in state.qubits or name in state.channels or name in state.events


def adopt(state: State, node: Node) -> None:
    """Takes the operands of an unknown op as live, so that one misspelt ALLOC gives one finding and not hundreds."""
    for name in node.vqs:
        if state.qubits.get(name) == DECLARED:
            state.qubits[name] = LIVE
    for name in node.chs:
        if state.channels.get(name) in (UNOPENED, CLOSED):
            state.channels[name] = OPEN


def check_end(state: State) -> None:
    """Declared handles that no node allocates or opens and none uses (a use is reported by its own rule)."""
    idle = [name for name, phase in state.qubits.items() if phase == DECLARED and name not in state.misused]
    if idle:
        state.add(UNUSED, f"declared but never allocated: {join_names(idle)}")
    idle = [name for name, phase in state.channels.items() if phase == UNOPENED and name not in state.misused]
    if idle:
        state.add(UNUSED, f"declared but never opened: {join_names(idle)}")
