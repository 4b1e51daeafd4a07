"""Capability: an unforgeable right, and the tree in which rights derive from each other.

Each session has one tree. Its root carries no right; the granted capabilities derive from it; qubits reserved under
a capability are released with it. Revoking a capability revokes its whole subtree, for ever.
"""

from __future__ import annotations

from qmk.base.errors import QmkError

ROOT = "session"


class Capability:
    """``name`` is the right (``CAP_ALLOC``), ``id`` the handle that q_revoke takes."""

    __slots__ = ("children", "id", "name", "parent")

    def __init__(self, id: str, name: str, parent: Capability | None) -> None:
        self.id = id
        self.name = name
        self.parent = parent
        self.children: list[Capability] = []


class CapabilityTree:
    """The capabilities of one session. ``held`` is the set of rights that still have a capability."""

    __slots__ = ("_by_id", "held", "root")

    def __init__(self, root_id: str) -> None:
        self.root = Capability(root_id, ROOT, None)
        self._by_id = {root_id: self.root}
        self.held: frozenset[str] = frozenset()

    def derive(self, id: str, name: str, parent: Capability | None = None) -> Capability:
        """A new capability under ``parent`` (the root, if None)."""
        above = parent or self.root
        assert id not in self._by_id
        made = Capability(id, name, above)
        above.children.append(made)
        self._by_id[id] = made
        self.held = self.held | {name}
        return made

    def find(self, id: str) -> Capability:
        """The capability ``id``; INVALID_PARAMS when this session holds no such capability (any more)."""
        try:
            return self._by_id[id]
        except KeyError:
            raise QmkError(
                "INVALID_PARAMS",
                f"this session holds no capability '{id[:64]}'",
                field="capability",
                help="ids are in q_negotiate_caps' granted; a revoked one is gone",
            ) from None

    def of_right(self, name: str) -> Capability:
        """A live capability carrying the right; INSUFFICIENT_CAPS when there is none."""
        for capability in self._by_id.values():
            if capability.name == name:
                return capability
        raise insufficient((name,), self.held)

    def revoke(self, capability: Capability) -> list[Capability]:
        """Removes the subtree and returns it, the capability itself first."""
        gone = [capability]
        for item in gone:
            gone.extend(item.children)
        if capability.parent is not None:
            capability.parent.children.remove(capability)
        for item in gone:
            self._by_id.pop(item.id, None)
        self.held = frozenset(item.name for item in self._by_id.values() if item is not self.root)
        return gone


def insufficient(required: tuple[str, ...], held: frozenset[str]) -> QmkError:
    """INSUFFICIENT_CAPS naming what is required and what of it is missing."""
    missing = [name for name in required if name not in held]
    return QmkError(
        "INSUFFICIENT_CAPS",
        f"the session does not hold {', '.join(missing)}",
        required=list(required),
        missing=missing,
        help="ask for it in q_negotiate_caps",
    )
