"""The capability tree as ``docs/howto/tenants.md``, ``docs/spec/qsyscall.md`` and ADR 0009 describe it.

Sessions of two tenants hand on, take up, use, revoke and close; time passes in ticks. Names stand for the kernel's
random ids: "A" is the root of session A, "A.ALLOC" what it was granted by that name, "1", "2", ... are derived
capabilities. The name of one that is gone is given to the next one, so that the old id is a stale one from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

DELEGABLE = frozenset({"STATUS", "RESULT"})
"""What another tenant may be given, over named jobs."""
JOB = frozenset({"job"})
"""The one job there is; it belongs to tenant chem and has a result."""
KINDS = ("STATUS", "RESULT", "ALLOC")


class Cap(NamedTuple):
    """``holder`` has it; "" while it is on ``offer`` to a session ("B") or a tenant ("bio"). ``jobs`` None: all of the
    tenant. ``uses`` and ``ends`` 0: not counted, never. ``spent``: it was used up and keeps what was begun under it."""

    parent: str
    holder: str
    offer: str
    maker: str
    rights: frozenset[str]
    jobs: frozenset[str] | None = None
    uses: int = 0
    ends: int = 0
    spent: bool = False


class State(NamedTuple):
    """``qubits``: (session, the capability that one was reserved under), sorted."""

    now: int
    sessions: frozenset[str]
    caps: tuple[tuple[str, Cap], ...]
    qubits: tuple[tuple[str, str], ...]

    @property
    def tree(self) -> dict[str, Cap]:
        return dict(self.caps)


@dataclass(frozen=True)
class Delegate:
    who: str
    source: str
    rights: frozenset[str]
    to: str
    jobs: frozenset[str] | None
    uses: int
    ends: int


@dataclass(frozen=True)
class Revoke:
    who: str
    what: str


@dataclass(frozen=True)
class Use:
    who: str
    right: str


@dataclass(frozen=True)
class Release:
    who: str


@dataclass(frozen=True)
class Close:
    who: str


@dataclass(frozen=True)
class Tick:
    pass


Action = Delegate | Revoke | Use | Release | Close | Tick


class Member(NamedTuple):
    """A session: its tenant, the rights its token leaves (None: all), and what it asks for by name."""

    tenant: str
    bounds: frozenset[str] | None = None
    granted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bounds:
    """How far the model goes: ``slots`` derived capabilities at once, and the choices of a delegation."""

    members: dict[str, Member]
    slots: int
    rights: tuple[frozenset[str], ...]
    to: tuple[str, ...] = ("",)
    jobs: tuple[frozenset[str] | None, ...] = (None,)
    uses: tuple[int, ...] = (0,)
    ends: tuple[int, ...] = (0,)
    use: tuple[str, ...] = ()
    qubits: int = 0
    ticks: int = 0
    close: bool = True

    @property
    def universe(self) -> frozenset[str]:
        return frozenset().union(*self.rights)


class Capabilities:
    """The model. Its methods after ``step`` are the rules, one each, so that a planted fault replaces one of them."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.slots = tuple(str(number + 1) for number in range(bounds.slots))

    def start(self) -> State:
        caps: dict[str, Cap] = {}
        for name, member in self.bounds.members.items():
            may = self.bounds.universe if member.bounds is None else self.bounds.universe & member.bounds
            caps[name] = Cap("", name, "", "", frozenset({"STATUS", "RESULT", *member.granted}) & may)
            for right in member.granted:
                caps[f"{name}.{right}"] = Cap(name, name, "", "", frozenset({right}) & may)
        return _state(0, self.bounds.members, caps, [])

    def actions(self, state: State) -> Iterator[Action]:
        bounds, names = self.bounds, [*state.tree, *(slot for slot in self.slots if slot not in state.tree)]
        who = list(bounds.members)
        if any(slot not in state.tree for slot in self.slots):
            choices = product(who, names, bounds.rights, bounds.to, bounds.jobs, bounds.uses, bounds.ends)
            for one, source, rights, to, jobs, uses, ends in choices:
                if to != one:
                    yield Delegate(one, source, rights, to, jobs, uses, ends)
        yield from (Revoke(one, what) for one in who for what in names)
        yield from (use for one in who for right in bounds.use if self.is_plain(state, use := Use(one, right)))
        yield from (Release(one) for one in who if bounds.qubits)
        yield from (Close(one) for one in who if bounds.close)
        if state.now < bounds.ticks:
            yield Tick()

    def is_plain(self, state: State, use: Use) -> bool:
        """Whether there is room for what is used, and one capability that answers for it: which of two equal ones does
        is not said anywhere."""
        if use.right == "ALLOC" and sum(owner == use.who for owner, _ in state.qubits) >= self.bounds.qubits:
            return False
        tree = state.tree
        able = sorted(self.breadth(tree, name) for name, cap in state.caps if self.allows(tree, use, name, cap))
        return len(able) < 2 or able[0][:-1] != able[1][:-1]

    def step(self, state: State, action: Action) -> State | None:
        if isinstance(action, Tick):
            return self.tick(state)
        if action.who not in state.sessions:
            return None
        match action:
            case Delegate():
                return self.delegate(state, action)
            case Revoke():
                found = state.tree.get(action.what)
                if found is None or all(cap.holder != action.who for cap in self.chain(state.tree, action.what)):
                    return None
                return self.revoke(state, action.what)
            case Use():
                return self.use(state, action)
            case Release():
                return self.release(state, action.who) if any(who == action.who for who, _ in state.qubits) else None
            case Close():
                return self.close(state, action.who)

    # The rules

    def delegate(self, state: State, asked: Delegate) -> State | None:
        tree, members = state.tree, self.bounds.members
        source = tree.get(asked.source)
        if source is None:
            return None
        mine = members[asked.who]
        held = source.holder == asked.who
        if not held and source.offer not in (asked.who, mine.tenant):
            return None
        if not held and asked.to:
            return None  # what is on offer is taken up before it is handed on
        if not asked.rights <= self.most_rights(source, mine):
            return None
        if asked.to in members and asked.to not in tree:
            return None  # a session is named by its root
        receiver = members[asked.to].tenant if asked.to in members else asked.to or mine.tenant
        jobs = self.fewest_jobs(asked, source)
        if receiver != self.tenant_of(tree, asked.source) and (jobs is None or not asked.rights <= DELEGABLE):
            return None
        if asked.jobs and not self.may_name(state, asked, source):
            return None
        ends = self.sooner(state.now + asked.ends if asked.ends else 0, source.ends)
        holder = "" if asked.to else asked.who
        made = Cap(asked.source, holder, asked.to, asked.who, asked.rights, jobs, asked.uses, ends)
        slot = next(slot for slot in self.slots if slot not in tree)
        return _state(state.now, state.sessions, {**tree, slot: made}, state.qubits)

    def most_rights(self, source: Cap, taker: Member) -> frozenset[str]:
        """A token bounds whatever its sessions take up."""
        return source.rights if taker.bounds is None else source.rights & taker.bounds

    def fewest_jobs(self, asked: Delegate, source: Cap) -> frozenset[str] | None:
        return source.jobs if not asked.jobs else asked.jobs

    def may_name(self, state: State, asked: Delegate, source: Cap) -> bool:
        """A job is named by whoever may see it: by what is delegated, or by anything else that the session holds."""
        return self.tenant_of(state.tree, asked.source) == "chem" and (source.jobs is None or asked.jobs <= source.jobs)

    def sooner(self, one: int, other: int) -> int:
        return min(one, other) if one and other else one or other

    def revoke(self, state: State, what: str) -> State:
        """Takes the capability and all that derives from it. One that was granted by name takes its right out of the
        session, and of all that this has handed on."""
        if "." not in what:
            return self.remove(state, what)
        root, right = what.split(".")
        state = self.remove(state, what)
        tree = state.tree
        for name in [name for name in tree if name != root and root in self.ancestors(tree, name)]:
            left = tree[name].rights - {right}
            tree[name] = tree[name]._replace(rights=left)
        tree[root] = tree[root]._replace(rights=tree[root].rights - {right})
        hit = {name for name in tree if name == root or root in self.ancestors(tree, name)}
        qubits = [(who, under) for who, under in state.qubits if under not in hit or right != "ALLOC"]
        state = _state(state.now, state.sessions, tree, qubits)
        for name in sorted(hit - {root}):
            if name in state.tree and not state.tree[name].rights and not self.keeps(state, name):
                state = self.remove(state, name)
        return state

    def remove(self, state: State, what: str) -> State:
        tree = state.tree
        gone = self.subtree(tree, what)
        qubits = [(who, under) for who, under in state.qubits if under not in gone]
        left = {name: cap for name, cap in tree.items() if name not in gone}
        return self.clear(_state(state.now, state.sessions, left, qubits))

    def clear(self, state: State) -> State:
        """What was used up goes as soon as nothing is left of what was begun under it."""
        for name, cap in state.caps:
            if cap.spent and not self.keeps(state, name):
                return self.remove(state, name)
        return state

    def use(self, state: State, action: Use) -> State | None:
        """The narrowest capability answers, and a use is counted wherever it was handed on to."""
        tree = state.tree
        able = [name for name, cap in tree.items() if self.allows(tree, action, name, cap)]
        if not able:
            return None
        under = min(able, key=lambda name: self.breadth(tree, name))
        qubits = [*state.qubits, (action.who, under)] if action.right == "ALLOC" else state.qubits
        state = _state(state.now, state.sessions, tree, qubits)
        for name in reversed([name for name in (under, *self.ancestors(tree, under)) if self.counts(tree[name])]):
            state = self.count(state, name)
        return state

    def counts(self, cap: Cap) -> bool:
        return cap.uses > 0

    def allows(self, tree: dict[str, Cap], action: Use, name: str, cap: Cap) -> bool:
        if cap.holder != action.who or action.right not in cap.rights:
            return False
        return cap.jobs is None if action.right == "ALLOC" else self.tenant_of(tree, name) == "chem"

    def breadth(self, tree: dict[str, Cap], name: str) -> tuple[Any, ...]:
        """Fewest jobs, then fewest rights, fewest uses left, the earliest end; then the one handed on most often."""
        chain = self.chain(tree, name)
        uses = min((cap.uses for cap in chain if cap.uses), default=1 << 30)
        cap = tree[name]
        jobs = 1 << 30 if cap.jobs is None else len(cap.jobs)
        more = self.rights_outside(tree, name)
        return jobs, len(cap.rights) + more, uses, cap.ends or 1 << 30, -len(chain), name

    def rights_outside(self, tree: dict[str, Cap], name: str) -> int:
        """Roots have rights that the model leaves out; what derives from them here has none."""
        return 9 if not tree[name].parent else 0

    def count(self, state: State, name: str) -> State:
        tree = state.tree
        if name not in tree:
            return state  # it went with what it derives from
        left = tree[name].uses - 1
        if left:
            return _state(state.now, state.sessions, {**tree, name: tree[name]._replace(uses=left)}, state.qubits)
        if not self.keeps(state, name):
            return self.remove(state, name)
        for below in self.subtree(tree, name):
            tree[below] = tree[below]._replace(rights=frozenset())
        tree[name] = tree[name]._replace(uses=0, spent=True)
        return _state(state.now, state.sessions, tree, state.qubits)

    def keeps(self, state: State, name: str) -> bool:
        """Whether something that was begun under it is left."""
        below = self.subtree(state.tree, name)
        return any(under in below for _, under in state.qubits)

    def release(self, state: State, who: str) -> State:
        qubits = [(owner, under) for owner, under in state.qubits if owner != who]
        return self.clear(_state(state.now, state.sessions, state.tree, qubits))

    def close(self, state: State, who: str) -> State:
        """Whatever the session held ends, and all that derives from it."""
        state = self.release(state, who)
        for name in [name for name, cap in state.caps if cap.holder == who]:
            if name in state.tree:
                state = self.remove(state, name)
        return state._replace(sessions=state.sessions - {who})

    def tick(self, state: State) -> State:
        state = state._replace(now=state.now + 1)
        for name, cap in state.caps:
            if 0 < cap.ends <= state.now and name in state.tree:
                state = self.remove(state, name)
        return state

    # What must hold

    def broken(self, state: State) -> str:
        tree = state.tree
        for name, cap in state.caps:
            above = tree.get(cap.parent)
            if cap.parent and above is None:
                return f"{name} derives from what is gone"
            if above is not None and not cap.rights <= above.rights:
                return f"{name} has a right that {cap.parent} lacks"
            if above is not None and above.jobs is not None and (cap.jobs is None or not cap.jobs <= above.jobs):
                return f"{name} is about more jobs than {cap.parent}"
            if above is not None and above.ends and not 0 < cap.ends <= above.ends:
                return f"{name} outlives {cap.parent}"
            if 0 < cap.ends <= state.now:
                return f"{name} has expired"
            if cap.spent and (cap.rights or not self.keeps(state, name)):
                return f"{name} is used up, and has rights or keeps nothing"
            if cap.holder and (why := self._wrong_holder(state, name, cap)):
                return why
        for who, under in state.qubits:
            if under not in tree or tree[under].holder != who:
                return f"a qubit of {who} hangs on {under}, which it does not hold"
        return ""

    def _wrong_holder(self, state: State, name: str, cap: Cap) -> str:
        if cap.holder not in state.sessions:
            return f"{name} is held by a session that is closed"
        holder = self.bounds.members[cap.holder]
        if holder.bounds is not None and not cap.rights <= holder.bounds:
            return f"{name} gives {cap.holder} more than its token"
        if holder.tenant != self.tenant_of(state.tree, name) and (cap.jobs is None or not cap.rights <= DELEGABLE):
            return f"{name} gives another tenant more than named jobs"
        return ""

    def is_end(self, state: State) -> bool:
        return not state.caps and not state.qubits if self.bounds.close else not state.qubits

    # The tree

    def ancestors(self, tree: dict[str, Cap], name: str) -> list[str]:
        """What it derives from, the nearest first."""
        found: list[str] = []
        while name in tree and tree[name].parent:
            name = tree[name].parent
            found.append(name)
        return found

    def chain(self, tree: dict[str, Cap], name: str) -> list[Cap]:
        return [tree[each] for each in (name, *self.ancestors(tree, name)) if each in tree]

    def subtree(self, tree: dict[str, Cap], name: str) -> set[str]:
        return {name, *(each for each in tree if name in self.ancestors(tree, each))}

    def tenant_of(self, tree: dict[str, Cap], name: str) -> str:
        root = (name, *self.ancestors(tree, name))[-1]
        return self.bounds.members[root].tenant if root in self.bounds.members else ""


def _state(now: int, sessions: Iterable[str], caps: dict[str, Cap], qubits: Iterable[tuple[str, str]]) -> State:
    return State(now, frozenset(sessions), tuple(sorted(caps.items())), tuple(sorted(qubits)))
