"""Random histories of delegation, use and revocation: authority never grows, and nothing hangs on what is gone.

- A capability has at most the rights, jobs, time and shots of the one it derives from, in the same tree.
- What a session holds is in the tree and is its own, within what its token was narrowed to; what it holds of another
  tenant is delegable and about named jobs. What it handed on derives from something it holds.
- Every reserved qubit hangs on a capability that its session holds; quotas and counts agree with what there is.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from qmk.abi.rights import DELEGABLE, RIGHTS
from qmk.abi.token import attenuate
from qmk.kernel.effects import Reply
from tests.unit.kernel.conftest import Bench

ANY = st.integers(0, 1 << 16)
NAMES = ("CAP_ALLOC", "CAP_STATUS", "CAP_RESULT", "CAP_CANCEL", "CAP_SUBMIT", "CAP_MEASURE")
TENANTS = ("chem", "bio")


class Delegations(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(local_allowed=False)
        whole = [self.bench.enrol(name) for name in TENANTS]
        self.tokens = [*whole, *whole, *(attenuate(token, rights=["CAP_STATUS", "CAP_ALLOC"]) for token in whole)]
        self.sessions: list[Any] = []
        self.capabilities: list[str] = ["cap_none"]
        self.handles: list[str] = ["lq_none_0"]
        self.jobs: list[str] = ["job_none"]
        for number in range(3):
            self.open(number)
            self.jobs.append(self.bench.submit(self.sessions[-1].session_id))

    @rule(pick=ANY)
    def open(self, pick: int) -> None:
        if len(self.sessions) < 6:
            token = self.tokens[pick % 6]
            self.sessions.append(self.bench.ask("q_negotiate_caps", token=token))
            reply = self.sessions[-1]
            self.capabilities += [reply.root, reply.root, *(row.capability for row in reply.granted)]

    def any_session(self, pick: int) -> Any:
        return self.sessions[pick % len(self.sessions)]

    def reply(self, name: str, session: Any, **params: Any) -> Any:
        """What the call is answered with, None when it is refused."""
        effects = self.bench.call(name, session_id=session.session_id, **params)
        return next((e.result for e in effects if isinstance(e, Reply) and e.ref == self.bench.count), None)

    @rule(
        who=ANY,
        what=ANY,
        to=ANY,
        rights=st.sets(st.sampled_from(NAMES), min_size=1, max_size=3),
        jobs=st.lists(ANY, max_size=2),
        uses=st.none() | st.integers(1, 3),
        seconds=st.none() | st.integers(1, 20),
    )
    def delegate(
        self, who: int, what: int, to: int, rights: set[str], jobs: list[int], uses: int | None, seconds: int | None
    ) -> None:
        receiver: dict[str, str] = [
            {},
            {},
            {"to_tenant": TENANTS[to % 2]},
            {"to_session": self.any_session(to).root},
        ][to % 4]
        reply = self.reply(
            "q_delegate",
            self.any_session(who),
            capability=self.capabilities[-1 - what % len(self.capabilities)],
            rights=sorted(rights),
            jobs=[self.jobs[pick % len(self.jobs)] for pick in jobs] or None,
            uses=uses,
            expiry=None if seconds is None else self.bench.now_s + seconds,
            **receiver,
        )
        if reply is not None:
            self.capabilities.append(reply.capability)

    @rule(who=ANY, what=ANY)
    def revoke(self, who: int, what: int) -> None:
        self.reply("q_revoke", self.any_session(who), capability=self.capabilities[-1 - what % len(self.capabilities)])

    @rule(who=ANY, n=st.integers(1, 3))
    def reserve(self, who: int, n: int) -> None:
        reply = self.reply("q_alloc", self.any_session(who), n=n)
        self.handles += reply.handles if reply is not None else []

    @rule(who=ANY, what=ANY)
    def release(self, who: int, what: int) -> None:
        self.reply("q_release", self.any_session(who), handles=[self.handles[-1 - what % len(self.handles)]])

    @rule(who=ANY, what=ANY, name=st.sampled_from(("q_status", "q_events", "q_wait")))
    def look(self, who: int, what: int, name: str) -> None:
        self.bench.call(name, session_id=self.any_session(who).session_id, job_id=self.jobs[what % len(self.jobs)])

    @rule(who=ANY, really=st.sampled_from((False, False, True)))
    def close(self, who: int, really: bool) -> None:
        if really and len(self.sessions) > 1:
            self.reply("q_close_session", self.sessions.pop(who % len(self.sessions)))

    @rule(seconds=st.integers(-2, 15))
    def time_passes(self, seconds: int) -> None:
        self.bench.now_s += seconds

    @rule(name=st.sampled_from(TENANTS))
    def suspend_for_a_moment(self, name: str) -> None:
        self.bench.operate("op_tenant_suspend", tenant=name)
        self.bench.operate("op_tenant_resume", tenant=name)

    @rule(name=st.sampled_from(TENANTS), allowed=st.sets(st.sampled_from(("CAP_ALLOC", "CAP_MEASURE"))))
    def narrow(self, name: str, allowed: set[str]) -> None:
        self.bench.operate("op_tenant_set", tenant=name, allowed=sorted(allowed))

    def live(self) -> list[Any]:
        kernel = self.bench.kernel
        found = [kernel.sessions.get(session.session_id) for session in self.sessions]
        assert None not in found
        return found

    @invariant()
    def nothing_grows(self) -> None:
        kernel = self.bench.kernel
        for session in self.live():
            for top in session.caps.items.values():
                for item in top.subtree():
                    assert kernel.caps.get(item.id) is item
                    if item.parent is None:
                        continue
                    above = item.parent
                    assert item in above.children
                    assert item.tenant == above.tenant
                    assert item.rights <= above.rights <= RIGHTS.keys()
                    assert above.jobs is None or (item.jobs is not None and item.jobs <= above.jobs)
                    assert not above.expires_ns or 0 < item.expires_ns <= above.expires_ns

    @invariant()
    def holdings_agree_with_the_tree(self) -> None:
        kernel = self.bench.kernel
        total = 0
        for session in self.live():
            held: set[str] = set()
            for id, item in session.caps.items.items():
                assert (item.id, item.session) == (id, session.id)
                assert kernel.caps.get(id) is item
                assert session.bounds.rights is None or item.rights | item.paid <= session.bounds.rights
                held |= item.rights if item.jobs is None else set()
                if item.tenant != session.tenant.name:
                    assert item.jobs is not None
                    assert item.rights <= set(DELEGABLE)
            assert session.caps.held == held
            assert set(session.qubits.values()) <= session.caps.items.keys()
            total += len(session.qubits)
        assert total == sum(kernel.tenant(name).held_qubits.in_use for name in TENANTS)

    @invariant()
    def counts_agree(self) -> None:
        kernel = self.bench.kernel
        seen = {
            item.id: item for session in self.live() for top in session.caps.items.values() for item in top.subtree()
        }
        assert len(seen) == len(kernel.caps), "nothing is in the tree that no session holds or derives"
        for session in self.live():
            assert session.derived == sum(item.maker == session.id for item in seen.values())
        for item in seen.values():
            if item.maker and item.session != item.maker:
                assert item.parent.session == item.maker, "what is handed on was held"


TestDelegations = Delegations.TestCase
TestDelegations.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
