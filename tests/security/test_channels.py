"""Attacks on the entanglement firewall. Each is refused, and each gets through once its defence is taken away: the test
would see if the defence were gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qmk.abi.calls import METHODS
from qmk.abi.operator import OPERATOR_METHODS
from qmk.abi.shapes import Policy
from qmk.base.errors import QmkError
from qmk.kernel import firewall
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Journal, Reply, ReplyError, Route
from qmk.kernel.events import CallReceived, Routed, Submitted
from qmk.kernel.handlers import submit as submitting
from qmk.kernel.objects.channel import Channel
from qmk.policy.standard import STANDARD
from qmk.qvm.graph import Graph, unpack
from qmk.qvm.verify import firewall as rules
from qmk.sdk.kit.builder import Builder

TENANTS = ("alice", "bob", "carol")
SECOND = 10**9


class World:
    """A kernel with three tenants; calls are answered at once, jobs are routed at once."""

    def __init__(self) -> None:
        self.kernel = Kernel(KernelConfig(token_key=b"k" * 32), STANDARD)
        self.now_s, self.count = 1000.0, 0
        self.journal: list[Any] = []
        self.token = {name: self.enrol(name) for name in TENANTS}
        self.session = {name: self.open(name) for name in TENANTS}

    def enrol(self, name: str) -> str:
        self.send("op_tenant_add", tenant=name)
        return self.send("op_token_issue", tenant=name).token

    def open(self, name: str, **params: Any) -> str:
        return self.send("q_negotiate_caps", token=self.token[name], **params).session_id

    def step(self, event: Any) -> list[Any]:
        effects = self.kernel.step(event)
        self.journal += [effect.record for effect in effects if isinstance(effect, Journal)]
        for effect in list(effects):
            if isinstance(effect, Route):
                effects += self.step(
                    Routed(
                        now_ns=event.now_ns,
                        job=effect.job,
                        engine="reference",
                        method="",
                        seconds=1.0,
                        memory_bytes=0,
                        reasons=[],
                    )
                )
        return effects

    def send(self, call: str, graph: Graph | None = None, **params: Any) -> Any:
        self.count += 1
        event = CallReceived(
            now_ns=int(self.now_s * SECOND),
            conn=1,
            ref=self.count,
            method=call,
            params={**METHODS, **OPERATOR_METHODS}[call].request(**params),
            entropy=self.count.to_bytes(16, "big"),
            graph=graph,
            operator=call in OPERATOR_METHODS,
        )
        (answer,) = [e for e in self.step(event) if isinstance(e, (Reply, ReplyError)) and e.ref == self.count]
        return answer.result if isinstance(answer, Reply) else answer.error

    def ask(self, who: str, call: str, **params: Any) -> Any:
        return self.send(call, session_id=self.session[who], **params)

    def propose(self, who: str = "alice", peer: str = "bob", **bounds: Any) -> str:
        return self.ask(
            who, "q_open_chan", peers=[who, peer], **{"fidelity": 0.9, "entanglements_max": 10, **bounds}
        ).channel

    def channel(self, who: str = "alice", peer: str = "bob", **bounds: Any) -> str:
        id = self.propose(who, peer, **bounds)
        self.ask(peer, "q_open_chan", channel=id)
        return id

    def submit(self, who: str, graph: Graph, channel: str = "", shots: int = 10, key: str = "") -> Any:
        policy = Policy(channels={"c": channel} if channel else {})
        return self.ask(who, "q_submit", graph=graph, shots=shots, policy=policy, idempotency_key=key)

    @property
    def programs(self) -> list[Graph]:
        """Of the accepted jobs."""
        return [unpack(record.graph) for record in self.journal if isinstance(record, Submitted)]


def program(*owners: str, through: bool = True, cnot: bool = False, **args: Any) -> Graph:
    """A qubit of each owner; the first is teleported to the second, or a CNOT acts on both."""
    b = Builder()
    for number, owner in enumerate(owners):
        b.alloc(1)
        b.nodes[number].args["tenant_id"] = owner
    b.op("h", 0)
    if through:
        b.channel(0, 1, **args)
    if cnot:
        b.op("cnot", 0, 1)
    elif through:
        b.use()
    if through:
        b.close()
    b.measure_all()
    made = b.graph()
    fields = {name: getattr(made, name) for name in made.__struct_fields__}
    return Graph(**{**fields, "caps": ("CAP_ALLOC", "CAP_LINK")})


JOINT = program("alice", "bob")


def cnot_without_channel(world: World) -> Any:
    return world.submit("alice", program("alice", "bob", through=False, cnot=True))


def self_granted(world: World) -> Any:
    world.channel()
    return world.submit("alice", JOINT)


def qubits_of_a_stranger(world: World) -> Any:
    return world.submit("alice", program("alice", "bob", through=False))


def one_side_only(world: World) -> Any:
    return world.submit("alice", JOINT, world.propose())


def own_approval(world: World) -> Any:
    id = world.propose()
    world.ask("alice", "q_open_chan", channel=id)
    return world.submit("alice", JOINT, id)


def revoked(world: World) -> Any:
    id = world.channel()
    world.ask("bob", "q_close_chan", channel=id)
    return world.submit("alice", JOINT, id)


def expired(world: World) -> Any:
    id = world.channel(expiry=2000.0)
    world.now_s = 2000.0
    return world.submit("alice", JOINT, id)


def used_up(world: World) -> Any:
    id = world.channel()
    assert not isinstance(world.submit("alice", JOINT, id), QmkError)
    return world.submit("alice", JOINT, id)


def somebody_elses(world: World) -> Any:
    return world.submit("carol", program("alice", "bob"), world.channel())


def of_other_tenants(world: World) -> Any:
    return world.submit("alice", JOINT, world.channel("alice", "carol"))


def more_than_granted(world: World) -> Any:
    return world.submit("alice", program("alice", "bob", fidelity=0.999), world.channel())


def invented_link(world: World) -> Any:
    return world.submit("alice", program("alice", "bob", raw=0.8), world.channel())


def any_channel(kernel: Any, _tenant: str, id: str) -> Any:
    return kernel.channels.by_id[id]


def unread(kernel: Any, _tenant: str, _opening: Any, id: str) -> Any:
    return kernel.channels.by_id[id]


def nothing(*_args: Any) -> None:
    return None


def let_in(_kernel: Any, _tenant: str, graph: Graph, _named: Any, _shots: int) -> Any:
    return graph, ()


Off = list[tuple[Any, str, Any]]
ATTACKS: list[tuple[Callable[[World], Any], str, Off]] = [
    (cnot_without_channel, "INVALID_GRAPH", [(rules, "_judge", nothing), (firewall, "admit", let_in)]),
    (self_granted, "CHANNEL_REQUIRED", [(firewall, "admit", let_in)]),
    (qubits_of_a_stranger, "CHANNEL_REQUIRED", [(firewall, "admit", let_in)]),
    (one_side_only, "CHANNEL_NOT_APPROVED", [(Channel, "usable", True)]),
    (own_approval, "CHANNEL_NOT_APPROVED", [(Channel, "awaits", lambda *_: True)]),
    (revoked, "CHANNEL_CLOSED", [(Channel, "usable", True)]),
    (expired, "CHANNEL_EXPIRED", [(firewall, "expire", nothing)]),
    (used_up, "CHANNEL_EXHAUSTED", [(firewall, "require", nothing)]),
    (somebody_elses, "CHANNEL_NOT_FOUND", [(firewall, "party", any_channel)]),
    (of_other_tenants, "CHANNEL_MISMATCH", [(firewall, "_backing", unread)]),
    (more_than_granted, "CHANNEL_MISMATCH", [(firewall, "_backing", unread)]),
    (invented_link, "CHANNEL_MISMATCH", [(firewall, "_require_link", nothing)]),
]
BY_NAME = {attack.__name__: (attack, kind, off) for attack, kind, off in ATTACKS}


@pytest.mark.parametrize("name", BY_NAME)
def test_attack_is_refused(name: str) -> None:
    attack, kind, _ = BY_NAME[name]
    world = World()
    refused = attack(world)
    assert isinstance(refused, QmkError), "it got through"
    assert refused.kind.name == kind
    accepted = len(world.programs)
    assert accepted == (1 if attack is used_up else 0)
    fresh = Kernel(world.kernel.config, STANDARD)
    fresh.replay(world.journal)
    assert fresh.snapshot() == world.kernel.snapshot()


@pytest.mark.parametrize("name", BY_NAME)
def test_attack_gets_through_without_its_defence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    attack, _, off = BY_NAME[name]
    for module, attribute, replacement in off:
        monkeypatch.setattr(module, attribute, replacement)
    assert not isinstance(attack(World()), QmkError)


def test_the_cross_tenant_cnot_is_named_by_the_verifier() -> None:
    refused = cnot_without_channel(World())
    assert [finding.rule for finding in refused.findings if finding.severity == "error"] == ["QVM-F01"]


@pytest.mark.parametrize("defended", [True, False])
def test_a_program_cannot_lower_the_fidelity_agreed_on(defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not defended:
        monkeypatch.setattr(firewall, "bound", lambda graph, *_: graph)
    world = World()
    world.submit("alice", program("alice", "bob", fidelity=0.3), world.channel(fidelity=0.96))
    (ran,) = world.programs
    asked = [node.args["fidelity"] for node in ran.nodes if node.op == "channel.open"]
    assert asked == [0.96 if defended else 0.3]


@pytest.mark.parametrize("defended", [True, False])
def test_a_replayed_submit_is_charged_once(defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not defended:
        monkeypatch.setattr(submitting, "repeat", lambda *_: False)
    world = World()
    id = world.channel(entanglements_max=1000)
    jobs = {world.submit("alice", JOINT, id, key="once").job_id for _ in range(5)}
    used = world.ask("bob", "q_chan_status", channel=id).use_count
    assert (len(jobs), used) == ((1, 10) if defended else (5, 50))


@pytest.mark.parametrize("call", ["q_chan_status", "q_close_chan", "q_open_chan"])
def test_a_third_tenant_sees_no_channel(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    id = world.channel()
    before = world.kernel.snapshot()
    refused = world.ask("carol", call, channel=id)
    absent = world.ask("carol", call, channel="chan_" + "0" * 32)
    assert refused.kind.name == absent.kind.name == "CHANNEL_NOT_FOUND"
    assert refused.message.replace(id, "ID") == absent.message.replace("chan_" + "0" * 32, "ID")
    assert refused.fields.keys() == absent.fields.keys()
    assert world.kernel.snapshot() == before
    monkeypatch.setattr(firewall, "party", any_channel)
    assert not isinstance(world.ask("carol", call, channel=id), QmkError)


def test_a_proposal_does_not_tell_which_tenants_there_are() -> None:
    world = World()
    real = world.ask("alice", "q_open_chan", peers=["alice", "bob"], fidelity=0.9, entanglements_max=1)
    none = world.ask("alice", "q_open_chan", peers=["alice", "nobody"], fidelity=0.9, entanglements_max=1)
    hide = {"channel": "", "peers": []}
    shown = [{name: getattr(reply, name) for name in reply.__struct_fields__} | hide for reply in (real, none)]
    assert shown[0] == shown[1]
    a, b = (world.submit("alice", program("alice", owner), "") for owner in ("bob", "nobody"))
    assert a.kind is b.kind
    assert a.message.replace("bob", "X") == b.message.replace("nobody", "X")


def test_a_session_without_cap_link_cannot_touch_channels() -> None:
    world = World()
    id = world.propose()
    bare = world.open("bob", requested=["CAP_ALLOC"])
    for call in ("q_open_chan", "q_close_chan"):
        assert world.send(call, session_id=bare, channel=id).kind.name == "INSUFFICIENT_CAPS"
    assert world.ask("alice", "q_chan_status", channel=id).state == "PROPOSED"


def test_two_submits_cannot_share_the_last_pairs() -> None:
    """Fifty sessions race for pairs that are enough for three of them."""
    world = World()
    id = world.channel(entanglements_max=35)
    sessions = [world.open("alice") for _ in range(50)]
    policy = Policy(channels={"c": id})
    found = [world.send("q_submit", session_id=s, graph=JOINT, shots=10, policy=policy) for s in sessions]
    assert sum(not isinstance(answer, QmkError) for answer in found) == 3
    assert world.ask("bob", "q_chan_status", channel=id).use_count == 30
