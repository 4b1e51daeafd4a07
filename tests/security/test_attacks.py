"""Attacks by whoever can reach the socket. Each is refused, and each gets through once its defence is taken away: the
tests would see if the defence were gone. Those on channels are in ``test_channels``."""

from __future__ import annotations

import hmac
from typing import Any

import pytest

from qmk.abi.calls import METHODS
from qmk.abi.rights import RIGHTS
from qmk.abi.token import Token, attenuate, read, write
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.kernel import admission, firewall, tokens
from qmk.kernel.effects import Recall, Reply, ReplyError, ReplyProgram, ReplyResult
from qmk.kernel.events import Recalled
from qmk.kernel.handlers import capabilities
from qmk.kernel.objects.session import SessionTable
from qmk.kernel.state import State
from qmk.kernel.tenants import TenantTable
from qmk.qvm.graph import Graph, Node, pack
from qmk.rpc import describe, splitter
from tests.unit.kernel.conftest import Bench, bell

ABSENT = {
    "job_id": "job_" + "0" * 32,
    "checkpoint_id": "chk_" + "0" * 32,
    "channel": "chan_" + "0" * 32,
    "capability": "cap_" + "0" * 32,
}
CALLS = [
    (name, field)
    for name, call in METHODS.items()
    for field in ABSENT
    if field in call.request.__struct_fields__ and not name.startswith("qmk_")
]
REQUIRED: dict[str, dict[str, Any]] = {
    "q_delegate": {"rights": ["CAP_STATUS"]},
    "q_migrate": {"region": "r0"},
    "q_rollback": {"epoch": 0},
}


def ask(bench: Bench, name: str, **params: Any) -> Any:
    """The result, whatever else the call does."""
    (found,) = [effect.result for effect in bench.call(name, **params) if isinstance(effect, Reply)]
    return found


class Theft:
    """Two tenants; ``mine`` are alice's ids by the field that takes them."""

    def __init__(self) -> None:
        self.bench = bench = Bench(local_allowed=False)
        alice = bench.ask("q_negotiate_caps", token=bench.enrol("alice"))
        self.bob = bench.ask("q_negotiate_caps", token=bench.enrol("bob"), requested=[*RIGHTS])
        first = bench.submit(alice.session_id, graph=bell())
        job = bench.submit(alice.session_id, graph=bell())
        saved = ask(bench, "q_checkpoint", session_id=alice.session_id, job_id=job)
        bench.start(first)
        peers = {"peers": ["alice", "alice"], "fidelity": 0.9, "entanglements_max": 5}
        channel = ask(bench, "q_open_chan", session_id=alice.session_id, **peers).channel
        self.mine = {"job_id": job, "checkpoint_id": saved.checkpoint_id, "channel": channel, "capability": alice.root}

    def tried(self, name: str, field: str, id: str) -> dict[str, Any] | str:
        """What bob is told; "got through" if it is not an error."""
        params = {**REQUIRED.get(name, {}), field: id}
        effects = self.bench.call(name, session_id=self.bob.session_id, **params)
        answers = [effect for effect in effects if isinstance(effect, (Reply, ReplyError, ReplyProgram, ReplyResult))]
        if any(isinstance(effect, ReplyError) for effect in answers):
            (error,) = [effect.error for effect in answers if isinstance(effect, ReplyError)]
            if error.kind.name in ("JOB_NOT_FOUND", "CHECKPOINT_NOT_FOUND", "CHANNEL_NOT_FOUND") or "holds no" in str(
                error
            ):
                return error.to_dict()
        assert answers or any(isinstance(effect, Recall) for effect in effects) or name in ("q_wait", "q_events")
        return "got through"


def test_every_call_that_names_a_thing_is_here() -> None:
    named = {name for name, _ in CALLS}
    for name, call in METHODS.items():
        if {"job_id", "checkpoint_id", "channel", "capability"} & set(describe.names(call.request)):
            assert name in named or name.startswith("qmk_")
    assert len(CALLS) >= 16


@pytest.mark.parametrize(("name", "field"), CALLS)
def test_anothers_id_is_answered_like_one_that_does_not_exist(name: str, field: str) -> None:
    theft = Theft()
    before = theft.bench.kernel.snapshot()
    stolen, absent = theft.mine[field], ABSENT[field]
    seen, none = theft.tried(name, field, stolen), theft.tried(name, field, absent)
    assert isinstance(seen, dict)
    assert repr(seen).replace(stolen, absent) == repr(none)
    assert theft.bench.kernel.snapshot() == before


def any_job(kernel: Any, _session: Any, id: str, _rights: Any = None) -> Any:
    return kernel.jobs.by_id[id]


def any_channel(kernel: Any, _tenant: str, id: str) -> Any:
    return kernel.channels.by_id[id]


def any_capability(kernel: Any, _session: Any, id: str) -> Any:
    return kernel.caps.get(id)


@pytest.mark.parametrize(("name", "field"), CALLS)
def test_anothers_id_gets_through_without_the_defence(name: str, field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    theft = Theft()
    monkeypatch.setattr(State, "job_of", any_job)
    monkeypatch.setattr(firewall, "party", any_channel)
    monkeypatch.setattr(capabilities, "_source", any_capability)
    if name == "q_restore":  # the row's tenant is compared where it is read: make it bob's
        table = theft.bench.kernel.jobs.checkpoints.by_id
        row = table[theft.mine[field]]
        fields: dict[str, Any] = {f: getattr(row, f) for f in row.__struct_fields__} | {"tenant": "bob"}
        monkeypatch.setitem(table, row.id, type(row)(**fields))
    if name == "q_program":  # whose the job is is compared once more
        theft.bench.kernel.jobs.by_id[theft.mine[field]].tenant = "bob"
    if name == "q_revoke":
        theft.bench.kernel.caps.get(theft.mine[field]).session = theft.bob.session_id
    assert theft.tried(name, field, theft.mine[field]) == "got through"


# Tokens


def forged(bench: Bench) -> str:
    real = read(bench.enrol("chem"))
    return write(Token(real.serial, real.tenant, (), bytes(32)))


def tampered(bench: Bench) -> str:
    real = read(bench.enrol("chem"))
    bench.enrol("bio")
    return write(Token(real.serial, "bio", (), real.signature))


def widened(bench: Bench) -> str:
    real = read(attenuate(bench.enrol("chem"), shots=5))
    return write(Token(real.serial, real.tenant, (), real.signature))


def replayed(bench: Bench) -> str:
    """A token that was good once, and was revoked."""
    token = bench.enrol("chem")
    bench.ask("q_negotiate_caps", token=token)
    bench.operate("op_token_revoke", tenant="chem")
    return token


def expired(bench: Bench) -> str:
    token = bench.enrol("chem", expires=1500)
    bench.now_s = 1500
    return token


def equal(_one: bytes, _other: bytes) -> bool:
    return True


def always(*_: Any) -> bool:
    return True


def unbounded(_caveats: Any) -> Any:
    return tokens.Bounds()


TOKENS = [
    (forged, [(hmac, "compare_digest", equal)]),
    (tampered, [(hmac, "compare_digest", equal), (TenantTable, "live", always)]),
    (widened, [(hmac, "compare_digest", equal)]),
    (replayed, [(TenantTable, "live", always)]),
    (expired, [(tokens, "bounds_of", unbounded)]),
]


@pytest.mark.parametrize("defended", [True, False])
@pytest.mark.parametrize(("attack", "off"), TOKENS, ids=lambda value: getattr(value, "__name__", ""))
def test_tokens(attack: Any, off: Any, defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(local_allowed=False)
    token = attack(bench)
    if defended:
        assert bench.refusal("q_negotiate_caps", token=token).kind.name == "AUTH_FAILED"
        return
    for where, name, replacement in off:
        monkeypatch.setattr(where, name, replacement)
    assert bench.ask("q_negotiate_caps", token=token).session_id


@pytest.mark.parametrize("defended", [True, False])
def test_a_session_taken_up_by_another_user(defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(local_allowed=False)
    session = bench.ask("q_negotiate_caps", token=bench.enrol("chem"), uid=1001).session_id
    if defended:
        assert bench.refusal("q_get_telemetry", session_id=session, uid=1002).kind.name == "SESSION_NOT_FOUND"
        return
    monkeypatch.setattr(SessionTable, "use", lambda table, id, *_: table.get(id))
    assert bench.ask("q_get_telemetry", session_id=session, uid=1002).session.calls


# Authority of a program's own making


@pytest.mark.parametrize("defended", [True, False])
def test_capabilities_that_a_graph_grants_itself(defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(local_allowed=False)
    session = bench.open(token=bench.enrol("chem", rights=["CAP_SUBMIT", "CAP_ALLOC"]))
    every = ("CAP_ALLOC", "CAP_MEASURE", "CAP_LINK")
    nodes = (
        Node("a", "core.alloc", vqs=("q",), caps=every),
        Node("m", "core.mz", vqs=("q",), produces=("e",), caps=every),
    )
    graph = Graph(nodes=nodes, vqs=("q",), events=("e",), caps=every)
    if defended:
        assert bench.refusal("q_submit", session_id=session, graph=graph).kind.name == "INSUFFICIENT_CAPS"
        return
    monkeypatch.setattr(admission, "verify_for", lambda *_: [])
    assert bench.submit(session, graph=graph)


@pytest.mark.parametrize("again", ["q_submit", "q_replay", "q_restore"])
def test_a_capability_for_one_more_job_is_for_one(again: str) -> None:
    """Whichever call makes the job: the one with room for its shots is spent, not a narrower one of the caller's own
    making."""
    bench = Bench(local_allowed=False)
    full = bench.ask("q_negotiate_caps", token=bench.enrol("chem"))
    small = bench.ask(
        "q_negotiate_caps", token=bench.enrol("chem"), requested=["CAP_SUBMIT", "CAP_ALLOC", "CAP_MEASURE"]
    )
    me = small.session_id
    bench.ask("q_revoke", session_id=me, capability=small.granted[0].capability)
    _, job = (bench.submit(full.session_id, shots=100) for _ in range(2))
    saved = ask(bench, "q_checkpoint", session_id=full.session_id, job_id=job).checkpoint_id

    def taken(capability: str, **bounds: Any) -> str:
        params = {"capability": capability, "rights": ["CAP_SUBMIT"]}
        offer = bench.ask("q_delegate", session_id=full.session_id, to_tenant="chem", **{**params, **bounds})
        return bench.ask("q_delegate", session_id=me, **{**params, "capability": offer.capability}).capability

    few = taken(full.root, shots=5)
    taken(full.root, uses=1)
    decoy = {"capability": few, "rights": ["CAP_SUBMIT"], "uses": 1, "expiry": bench.now_s + 50}
    bench.ask("q_delegate", session_id=me, **decoy)
    params: dict[str, Any] = {
        "q_submit": {"graph": bell(), "shots": 100},
        "q_replay": {"job_id": job},
        "q_restore": {"checkpoint_id": saved},
    }[again]
    for effect in bench.call(again, session_id=me, **params):
        if isinstance(effect, Recall):
            made = bench.step(Recalled, key=effect.key, graph=pack(bell()))
            assert not [effect for effect in made if isinstance(effect, ReplyError)]
    assert bench.kernel.sessions.get(me).caps.shots() == 5


# Frames


@pytest.mark.parametrize("defended", [True, False])
def test_a_frame_without_end(defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    found = splitter.FrameSplitter(1000)
    if not defended:
        monkeypatch.setattr(splitter.FrameSplitter, "_fits", lambda *_: True)
    for _ in range(100):
        found.feed(b"x" * 100)
    assert (found.error is not None) == defended
    assert (found.pending_bytes <= 1000) == defended
    assert LIMITS.frame_bytes == splitter.FrameSplitter().limit
    if defended:
        assert isinstance(found.error, QmkError)
        assert found.error.kind.name == "QUOTA_EXCEEDED"
