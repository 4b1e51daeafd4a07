"""The state of the verifier while it walks a graph: phases of handles, writers of events, and the findings so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from qmk.base.errors import Finding
from qmk.base.limits import LIMITS
from qmk.qvm.graph import Graph, Node
from qmk.qvm.verify.rule import Report, Rule

# Phases of a qubit, ordered so that ``phase >= usable`` is the whole test of the fast path.
MODE: Final = -2  # of light, alive
OTHER_KIND: Final = -1
UNDECLARED: Final = 0
DECLARED: Final = 1
FREED: Final = 2
MEASURED: Final = 3
LIVE: Final = 4

# Phases of a channel.
UNOPENED: Final = 1
CLOSED: Final = 2
OPEN: Final = 3


def quote(name: str) -> str:
    """Puts a name in quotes for a message, cut to a readable length."""
    return f"'{name}'" if len(name) <= 64 else f"'{name[:60]}...' ({len(name)} characters)"


def show(value: object) -> str:
    """Shows an argument's value in a message, in a short form that is cheap to make."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, int) and value.bit_length() > 128:
        return f"a whole number of {value.bit_length()} bits"
    if value is None or isinstance(value, (bool, int, float)):
        return {"True": "true", "False": "false", "None": "null"}.get(repr(value), repr(value))
    if isinstance(value, Mapping):
        return "an object"
    return "an array" if isinstance(value, (list, tuple)) else f"a value of type {type(value).__name__}"


def join_names(names: list[str], most: int = 8) -> str:
    """Joins names for a message: the first few, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(quote(name) for name in names[:most]) + more


class State:
    """The facts that one verification has gathered so far. The rule groups read and write it; nothing else does."""

    def __init__(self, graph: Graph, held_caps: frozenset[str] | None, strict: bool, tenant: str) -> None:
        self.graph = graph
        self.held_caps = held_caps
        self.strict = strict
        self.tenant = tenant
        self.usable = LIVE if strict else MEASURED
        self.qubits: dict[str, int] = dict.fromkeys(graph.vqs, DECLARED)
        self.strays: dict[str, int] = {}
        """Phases of names that are used as qubits without being declared."""
        self.channels: dict[str, int] = dict.fromkeys(graph.chs, UNOPENED)
        self.events: frozenset[str] = frozenset(graph.events)
        self.misused: set[str] = set()
        """Handles used before they were allocated or opened: reported, so not reported again as unused"""
        self.writers: dict[str, int] = {}
        """Event to the index of the node that writes it."""
        self.wide: set[str] = set()
        """Events of two bits: a Bell measurement written into one event"""
        self.late_reads: list[tuple[int, Node, str]] = []
        """Reads of events that nothing before them writes; judged at the end, when all writers are known."""
        self.outsized: set[int] = set()
        """Nodes that exceed a bound: their arguments and guards are not looked into"""
        self.owners: dict[str, str] = {}
        self.tenants: set[str] = set()
        """Owner of each allocated qubit, and all owners so far."""
        self.links: dict[str, tuple[str, str]] = {}
        """Open channel to the two qubits it joins."""
        self.joined: dict[tuple[str, str], int] = {}
        """Two qubits, in sorted order, to the number of open channels between them."""
        self.channels_of: dict[str, set[str]] = {}
        """Qubit to the open channels that end at it."""
        self.families: Mapping[str, int] | None = None
        """The listed families, or None when the graph lists none."""
        self.declared_caps = frozenset(graph.caps)
        self.settled_caps: set[str] = {""}
        """Capabilities found in order once: the same need is not judged again"""
        self.needed_caps: set[str] = set()
        self.notes: dict[str, None] = {}
        self.sound_shapes: set[tuple[str, int, int, int, int]] = set()
        """Op with its numbers of operands, found in order once."""
        self.most_operands = LIMITS.operands
        self.index = -1
        self._errors: list[tuple[int, Finding]] = []
        self._warnings: list[tuple[int, Finding]] = []
        self._most = LIMITS.findings
        self._omitted = 0

    @property
    def is_full(self) -> bool:
        """Whether a further error would only be counted: callers may then skip costly help texts."""
        return len(self._errors) >= self._most

    @property
    def findings_count(self) -> int:
        """How many findings there are so far, kept or not."""
        return len(self._errors) + len(self._warnings) + self._omitted

    def add(self, rule: Rule, message: str, node: Node | None = None, *, help: str = "", index: int = -2) -> None:
        """Adds a finding of ``rule`` at ``node``, which is the current node unless ``index`` says where in the program
        it stands."""
        severity = "error" if self.strict else rule.severity
        found = self._errors if severity == "error" else self._warnings
        if len(found) >= self._most:
            self._omitted += 1
            return
        place = node.id[: LIMITS.name_chars] if node is not None else ""
        finding = Finding(rule.id, message, help or rule.help, place, severity=severity)
        found.append((self.index if index == -2 else index, finding))

    def report(self) -> Report:
        """The answer: errors first into the limit, then put back into program order."""
        kept = (self._errors + self._warnings)[: self._most]
        omitted = self._omitted + len(self._errors) + len(self._warnings) - len(kept)
        kept.sort(key=lambda entry: entry[0])
        required = self.needed_caps | self.declared_caps
        missing = set[str]() if self.held_caps is None else required - self.held_caps
        return Report(
            tuple(finding for _, finding in kept),
            tuple(sorted(required)),
            tuple(sorted(missing)),
            tuple(self.notes),
            omitted,
        )
