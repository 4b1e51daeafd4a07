"""A real kernel, driven by the actions of the model of capabilities."""

from __future__ import annotations

from typing import Any

from qmk.abi.token import attenuate
from qmk.kernel.effects import ClearTimer, ReplyError, SetTimer
from qmk.kernel.events import TimerFired
from tests.exhaustive.capability_model import (
    Action,
    Bounds,
    Cap,
    Close,
    Delegate,
    Release,
    Revoke,
    State,
    Tick,
    Use,
)
from tests.unit.kernel.conftest import Bench

TICK_S = 10
CALLS = {"STATUS": "q_status", "RESULT": "q_result"}


class KernelOfCapabilities:
    """``ids`` has the id of each name of the model, that of the last one where it is gone. ``names`` is the other way
    round, and every capability of the kernel must be in it."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.bench = Bench(local_allowed=False)
        self.timers: dict[str, int] = {}
        self.sessions: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        tokens = {tenant: self.bench.enrol(tenant) for tenant in ("chem", "bio")}
        for name, member in bounds.members.items():
            token = tokens[member.tenant]
            if member.bounds is not None:
                token = attenuate(token, rights=[f"CAP_{right}" for right in sorted(member.bounds)])
            asked = [f"CAP_{right}" for right in member.granted]
            reply = self.bench.ask("q_negotiate_caps", token=token, requested=asked)
            self.sessions[name] = reply.session_id
            self.ids[name] = reply.root
            self.ids |= {f"{name}.{row.name.removeprefix('CAP_')}": row.capability for row in reply.granted}
        self.names = {id: name for name, id in self.ids.items()}
        owner = self.bench.open(tenant="chem")
        self.job = self.bench.submit(owner)
        self.bench.start(self.job)
        self.bench.finish(self.job)
        self.bench.call("q_close_session", session_id=owner)
        self.began_s = self.bench.now_s

    def do(self, action: Action) -> bool:
        match action:
            case Tick():
                return self.tick()
            case Delegate():
                return self.delegate(action)
            case Revoke():
                return self.call("q_revoke", action.who, capability=self.id_of(action.what)) is not None
            case Use(who, "ALLOC"):
                return self.call("q_alloc", who, n=1) is not None
            case Use(who, right):
                return self.call(CALLS[right], who, job_id=self.job) is not None
            case Release(who):
                session = self.bench.kernel.sessions.get(self.sessions[who])
                handles = list(session.qubits) if session is not None else []
                return self.call("q_release", who, handles=handles or ["lq_none_0"]) is not None
            case Close(who):
                return self.call("q_close_session", who) is not None

    def call(self, name: str, who: str, **params: Any) -> Any:
        """The answer, None where the call was refused."""
        effects = self.bench.call(name, session_id=self.sessions[who], **params)
        for effect in effects:
            if isinstance(effect, SetTimer):
                self.timers[effect.key] = effect.at_ns
            elif isinstance(effect, ClearTimer):
                self.timers.pop(effect.key, None)
        (answer,) = [effect for effect in effects if getattr(effect, "ref", None) == self.bench.count]
        return None if isinstance(answer, ReplyError) else answer

    def id_of(self, name: str) -> str:
        return self.ids.get(name, "cap_none")

    def delegate(self, action: Delegate) -> bool:
        to = {"to_session": self.ids[action.to]} if action.to in self.sessions else {"to_tenant": action.to}
        ends_s = self.began_s + TICK_S * (self.now + action.ends)
        answer = self.call(
            "q_delegate",
            action.who,
            capability=self.id_of(action.source),
            rights=[f"CAP_{right}" for right in sorted(action.rights)],
            jobs=[self.job] if action.jobs else None,
            uses=action.uses or None,
            expiry=ends_s if action.ends else None,
            **to,
        )
        if answer is None:
            return False
        caps = self.bench.kernel.caps
        slots = (str(number + 1) for number in range(self.bounds.slots + 1))
        slot = next(slot for slot in slots if caps.get(self.id_of(slot)) is None)
        self.ids[slot] = answer.result.capability
        self.names[self.ids[slot]] = slot
        return True

    @property
    def now(self) -> int:
        return round((self.bench.now_s - self.began_s) / TICK_S)

    def tick(self) -> bool:
        self.bench.now_s += TICK_S
        for key in [key for key, at_ns in self.timers.items() if at_ns <= self.bench.now_ns]:
            del self.timers[key]
            self.bench.step(TimerFired, key=key)
        return True

    def view(self) -> State:
        kernel = self.bench.kernel
        sessions = {name: kernel.sessions.get(id) for name, id in self.sessions.items()}
        open = {name: session for name, session in sessions.items() if session is not None}
        by_id = {session.id: name for name, session in open.items()}
        roots = {self.ids[name]: name for name in self.sessions}
        caps: dict[str, Cap] = {}
        for id, item in kernel.caps._by_id.items():
            assert item.parent is None or kernel.caps.get(item.parent.id) is item.parent
            caps[self.names[id]] = Cap(
                self.names[item.parent.id] if item.parent is not None else "",
                by_id.get(item.session, item.session),
                roots[item.for_root] if item.for_root else item.for_tenant,
                next((name for name, id in self.sessions.items() if id == item.maker), ""),
                frozenset(right.removeprefix("CAP_") for right in item.rights) & self.bounds.universe,
                None if item.jobs is None else frozenset("job" if id == self.job else id for id in item.jobs),
                item.uses or 0,
                round((item.expires_ns / 1e9 - self.began_s) / TICK_S) if item.expires_ns else 0,
                item.uses == 0,
            )
        self.require_counts(open)
        qubits = [(name, self.names[at]) for name, session in open.items() for at in session.qubits.values()]
        return State(self.now, frozenset(open), tuple(sorted(caps.items())), tuple(sorted(qubits)))

    def require_counts(self, open: dict[str, Any]) -> None:
        """What the kernel keeps twice agrees: holdings with the tree, quotas with the qubits."""
        kernel = self.bench.kernel
        for session in open.values():
            items = session.caps.items
            assert items == {id: item for id, item in kernel.caps._by_id.items() if item.session == session.id}
            held = [item.rights for item in items.values() if item.jobs is None]
            assert session.caps.held == frozenset().union(*held)
            assert session.caps.anywhere == frozenset().union(*[item.rights for item in items.values()])
            assert session.derived == sum(item.maker == session.id for item in kernel.caps._by_id.values())
        for tenant in ("chem", "bio"):
            held = sum(len(session.qubits) for session in open.values() if session.tenant.name == tenant)
            assert kernel.tenant(tenant).held_qubits.in_use == held
