"""A model of rights, kept from calls and their answers alone: what each session may do, by the rules and not by the
kernel's tables.

It errs on one side only. A capability that the kernel has ended for a reason that no answer tells (its session was idle
for too long) is still good here; whatever is not good here, no answer may rest on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from qmk.abi.token import Bounds
from qmk.base.units import SECOND_NS


@dataclass(slots=True, eq=False)
class Capability:
    """``session`` holds it; empty while it is on offer. ``jobs`` None: whatever belongs to its tenant. ``forced``:
    calls that no other capability can have let in; ``granted``: to a session, by name. Ends are in nanoseconds and in
    epochs, 0 where there is none."""

    id: str
    tenant: str
    rights: frozenset[str]
    parent: Capability | None = None
    session: str = ""
    jobs: frozenset[str] | None = None
    expires_ns: int = 0
    expires_epoch: int = 0
    shots: int | None = None
    uses: int | None = None
    forced: int = 0
    granted: bool = False
    children: list[Capability] = field(default_factory=list["Capability"])

    def chain(self) -> Iterator[Capability]:
        """Itself, and what it derives from."""
        at: Capability | None = self
        while at is not None:
            yield at
            at = at.parent

    def has_expired(self, now_ns: int, epoch: int) -> bool:
        ends = any(0 < item.expires_ns <= now_ns for item in self.chain())
        return ends or any(0 < item.expires_epoch <= epoch for item in self.chain())


@dataclass(slots=True, eq=False)
class Session:
    id: str
    tenant: str
    serial: str
    bounds: Bounds
    held: dict[str, Capability] = field(default_factory=dict[str, Capability])

    def has_expired(self, now_ns: int) -> bool:
        return self.bounds.expires is not None and now_ns >= self.bounds.expires * SECOND_NS


class Book:
    """``suspended`` tenants and ``revoked`` tokens are those whose answer has left the daemon; ``owners`` of jobs."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}
        self.issued: dict[str, str] = {}
        self.revoked: set[str] = set()
        self.suspended: set[str] = set()
        self.sessions: dict[str, Session] = {}
        self.capabilities: dict[str, Capability] = {}

    def restart(self) -> None:
        """Sessions and capabilities end with the daemon; tokens, tenants and jobs do not."""
        self.sessions.clear()
        self.capabilities.clear()

    def add(self, made: Capability) -> None:
        self.capabilities[made.id] = made
        if made.parent is not None:
            made.parent.children.append(made)
        session = self.sessions.get(made.session)
        if session is not None:
            session.held[made.id] = made

    def remove(self, id: str) -> None:
        """The capability, with all that derives from it, whoever holds it."""
        gone = self.capabilities.pop(id, None)
        if gone is None:
            return
        session = self.sessions.get(gone.session)
        if session is not None:
            session.held.pop(id, None)
        for child in gone.children:
            self.remove(child.id)

    def revoke(self, id: str) -> None:
        """Ends it. What a session was granted by name goes out of the session, and out of all that this handed on."""
        gone = self.capabilities.get(id)
        if gone is not None and gone.granted and gone.parent is not None:
            below = [gone.parent]
            for item in below:
                item.rights -= gone.rights
                below += item.children
        self.remove(id)

    def close(self, id: str) -> None:
        """The session is over, and what it held and handed on."""
        session = self.sessions.pop(id, None)
        for capability in list(session.held) if session is not None else ():
            self.remove(capability)

    def able(self, session: Session, right: str, job: str, now_ns: int, epoch: int) -> list[Capability]:
        """What the session holds that allows it the right: over ``job``, or with none named over any."""
        owner = self.owners.get(job, "") if job else ""
        return [
            item
            for item in session.held.values()
            if right in item.rights
            and not item.has_expired(now_ns, epoch)
            and (not job or (item.tenant == owner and (item.jobs is None or job in item.jobs)))
            and owner not in self.suspended
        ]
