"""Capability: an unforgeable set of rights, and the tree in which capabilities derive from each other.

There is one tree per kernel. Each session holds a root, which carries all the session may do; what it was granted by
name, what it hands on and what others hand on from there derive from it. A capability never carries more than the one
it derives from: not more rights, jobs, shots, time or uses. Revoking one revokes its whole subtree, for ever, whoever
holds it. Nothing here decides who may do what: see ``authority``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from qmk.base.errors import QmkError

NEVER = 0
"""``expires_ns`` and ``expires_epoch`` of what does not expire."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a capability is bounded by beside its rights. ``jobs`` None: whatever belongs to its tenant. ``shots`` None:
    no bound on those of one job. ``uses`` None: any number of calls."""

    jobs: frozenset[str] | None = None
    expires_ns: int = NEVER
    expires_epoch: int = NEVER
    shots: int | None = None
    uses: int | None = None


class Capability(msgspec.Struct, eq=False):
    """Rights within bounds as in ``Limits``. ``tenant``: whose authority it is. ``session`` holds it; "" while it is
    only on offer, to the sessions of ``for_tenant`` or to the session with the root ``for_root``. ``maker`` is the
    session that derived it. ``granted``: a session's own, by name. A capability without rights left is spent: it only
    keeps what was begun under it, qubits and calls that are not answered yet, which go on with the rights that it had,
    ``paid``."""

    id: str
    rights: frozenset[str]
    tenant: str
    parent: Capability | None
    depth: int = 0
    granted: bool = False
    session: str = ""
    maker: str = ""
    for_tenant: str = ""
    for_root: str = ""
    paid: frozenset[str] = frozenset()
    children: list[Capability] = []
    jobs: frozenset[str] | None = None
    expires_ns: int = NEVER
    expires_epoch: int = NEVER
    shots: int | None = None
    uses: int | None = None

    def has_expired(self, now_ns: int, epoch: int) -> bool:
        return 0 < self.expires_ns <= now_ns or 0 < self.expires_epoch <= epoch

    def chain(self) -> Iterator[Capability]:
        """Gives this capability and all that it derives from."""
        at: Capability | None = self
        while at is not None:
            yield at
            at = at.parent

    def subtree(self) -> list[Capability]:
        """This capability and all that derives from it, nearer ones first."""
        found: list[Capability] = [self]
        for item in found:
            found.extend(item.children)
        return found

    def spend(self) -> None:
        """Takes its rights away after its last use; what was begun under it goes on."""
        self.paid |= self.rights
        self.rights = frozenset[str]()

    @property
    def is_metered(self) -> bool:
        """Whether its uses are counted against a bound."""
        at: Capability | None = self
        while at is not None:
            if at.uses is not None:
                return True
            at = at.parent
        return False

    @property
    def breadth(self) -> tuple[float, ...]:
        """Sorts the narrowest first."""
        return (
            len(self.jobs) if self.jobs is not None else float("inf"),
            len(self.rights),
            min((item.uses for item in self.chain() if item.uses is not None), default=float("inf")),
            self.expires_ns or float("inf"),
            -self.depth,
        )


class CapabilityTree:
    """All capabilities by id."""

    def __init__(self) -> None:
        self._by_id: dict[str, Capability] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, id: str) -> Capability | None:
        return self._by_id.get(id)

    def root(self, id: str, rights: Iterable[str], tenant: str, limits: Limits) -> Capability:
        assert id not in self._by_id, "the host gave the same entropy twice"
        made = self._by_id[id] = Capability(id, frozenset(rights), tenant, None, **msgspec.structs.asdict(limits))
        return made

    def derive(
        self, id: str, parent: Capability, rights: Iterable[str], limits: Limits | None = None, *, granted: bool = False
    ) -> Capability:
        """A new capability under ``parent``, cut down to what the parent has."""
        assert id not in self._by_id, "the host gave the same entropy twice"
        within = parent.rights.intersection(rights)
        cut = msgspec.structs.asdict(_cut(limits or Limits(), parent))
        made = Capability(id, within, parent.tenant, parent, parent.depth + 1, granted, **cut)
        parent.children.append(made)
        self._by_id[id] = made
        return made

    def remove(self, capability: Capability) -> list[Capability]:
        """Takes the subtree out and returns it, the capability itself first."""
        gone = capability.subtree()
        if capability.parent is not None:
            capability.parent.children.remove(capability)
        for item in gone:
            del self._by_id[item.id]
        return gone


class Holding:
    """The capabilities of one session. ``held``: rights over whatever belongs to its tenant; ``anywhere``: also those
    over named jobs only. ``metered``: some of them count their uses. ``expiring``: some of them expire
    before the session does."""

    __slots__ = ("anywhere", "expiring", "held", "items", "metered", "root")

    def __init__(self, root: Capability) -> None:
        self.root = root
        self.items: dict[str, Capability] = {}
        self.add(root)

    def add(self, capability: Capability) -> None:
        self.items[capability.id] = capability
        self.refresh()

    def drop(self, ids: Iterable[str]) -> None:
        for id in ids:
            self.items.pop(id, None)
        self.refresh()

    def refresh(self) -> None:
        """Updates the fields after any change of what is held."""
        held: set[str] = set()
        anywhere: set[str] = set()
        self.metered = self.expiring = False
        for item in self.items.values():
            anywhere |= item.rights
            if item.jobs is None:
                held |= item.rights
            self.metered |= item.is_metered
            self.expiring |= bool(item.maker and (item.expires_ns or item.expires_epoch))
        self.held = frozenset(held)
        self.anywhere = frozenset(anywhere)

    def shots(self) -> int | None:
        """Most shots of one job that some capability allows to submit; None: no bound."""
        most = 0
        for item in self.items.values():
            if "CAP_SUBMIT" in item.rights and item.jobs is None:
                if item.shots is None:
                    return None
                most = max(most, item.shots)
        return most


def _cut(asked: Limits, parent: Capability) -> Limits:
    """Cuts limits down to those of the parent."""
    jobs = asked.jobs if parent.jobs is None else parent.jobs & (parent.jobs if asked.jobs is None else asked.jobs)
    return Limits(
        jobs=jobs,
        expires_ns=sooner(asked.expires_ns, parent.expires_ns),
        expires_epoch=sooner(asked.expires_epoch, parent.expires_epoch),
        shots=less(asked.shots, parent.shots),
        uses=asked.uses,
    )


def sooner(one: int, other: int) -> int:
    """The earlier of two ends; ``NEVER`` is none."""
    return min(one, other) if one and other else one or other


def less(one: int | None, other: int | None) -> int | None:
    """The tighter of two bounds; None is none."""
    return other if one is None else one if other is None else min(one, other)


def insufficient(required: Iterable[str], held: frozenset[str]) -> QmkError:
    """Makes INSUFFICIENT_CAPS, which names what is required and what of it is missing."""
    wanted = list(required)
    missing = [name for name in wanted if name not in held]
    return QmkError(
        "INSUFFICIENT_CAPS",
        f"the session does not hold {', '.join(missing)}",
        required=wanted,
        missing=missing,
        help="ask for it in q_negotiate_caps, with a token that allows it",
    )
