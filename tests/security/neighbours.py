"""Two tenants of one system, for tests of whether one can tell that the other is there: the real kernel, host, router
and engines, with a clock and a launcher of their own, and tenants who make random calls."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, deque
from collections.abc import Callable, Mapping
from functools import cache
from random import Random
from typing import Any

import msgspec

from qmk.abi.calls import METHODS
from qmk.abi.operator import OPERATOR_METHODS
from qmk.abi.rights import RIGHTS
from qmk.abi.shapes import Policy
from qmk.base.errors import QmkError
from qmk.base.ids import opaque, sorted_by_time
from qmk.host.host import Host, Turns
from qmk.host.launcher import Capacity, Loss
from qmk.host.routing import Routing
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Interrupt, Launch
from qmk.policy.standard import STANDARD
from qmk.qvm.graph import Graph, unpack
from qmk.sdk.kit.builder import Builder
from qmk.sdk.kit.random_programs import random_case
from qmk.simulation.disk import Disk, SimJournal
from qmk.worker.messages import Failed, NotDone
from qmk.worker.runner import Runner

SECOND = 1_000_000_000
BEGIN_NS = 1_800_000_000 * SECOND
TICK_NS = 100_000_000
STEPS = 36
GUESSES = 60
"""Ids of the other tenant's that each knows beforehand, of every sort."""
ALICE, BOB, OPERATOR = "alice", "bob", "operator"
CONN = {ALICE: 1, BOB: 2, OPERATOR: 3}
UID = {ALICE: 1001, BOB: 1002, OPERATOR: 0}
LOAD = {"estimated_start": None, "region": "", "first_qubit": 0, "index": 0}
"""Fields of answers that are documented to depend on the load, and what stands for them in the comparison."""
TIMES = {
    *LOAD,
    "submitted",
    "started",
    "ended",
    "time",
    "opened",
    "proposed",
    "saved",
    "queued_seconds",
    "running_seconds",
    "used",
}


@cache
def runner(engine: str) -> Runner:
    return Runner(engine)


@cache
def program(number: int) -> Graph:
    """One of a few programs that both tenants use, so that they meet in every cache."""
    return random_case(number, clifford=number % 3 > 0, dynamic=number % 2 > 0, qubits=2 + number % 3, nodes=6).graph


def fenced() -> Graph:
    return Builder(2).op("h", 0).op("fence").op("cnot", 0, 1).op("fence").measure_all().graph()


def owned_by(tenant: str) -> Graph:
    """A qubit of the caller's and one of ``tenant``."""
    b = Builder(1)
    b.op("alloc", "q1", tenant_id=tenant)
    b.qubits.append("q1")
    return b.measure_all().graph()


def entropy_of(who: str, number: int) -> bytes:
    return f"{who}{number:011d}".encode()[-16:].rjust(16, b".")


class Machine:
    """The launcher, the timers and the clock. Whatever is due happens in order of its time."""

    def __init__(self) -> None:
        self.now_ns = BEGIN_NS
        self.agenda: list[tuple[int, int, Callable[[], None]]] = []
        self.order = itertools.count()
        self.timers: dict[str, int] = {}
        self.out: dict[tuple[str, int], Launch] = {}
        self.host: Any = None
        self.crashing: set[str] = set()

    def at(self, ns: int, what: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (ns, next(self.order), what))

    def set(self, key: str, at_ns: int) -> None:
        self.timers[key] = at_ns
        self.at(max(at_ns, self.now_ns), lambda: self._fire(key, at_ns))

    def clear(self, key: str) -> None:
        self.timers.pop(key, None)

    def _fire(self, key: str, at_ns: int) -> None:
        if self.timers.get(key) == at_ns:
            del self.timers[key]
            self.host.timer_fired(key)

    def launch(self, launch: Launch, graph: bytes, state: bytes | None = None) -> None:
        """It starts after a millisecond and ends some milliseconds later, by its seed."""
        self.out[launch.job, launch.fence] = launch
        self.at(self.now_ns + 1_000_000, lambda: self._start(launch))
        self.at(self.now_ns + 2_000_000 + launch.seed % 7 * 60_000_000, lambda: self._end(launch, graph))

    def _start(self, launch: Launch) -> None:
        if (launch.job, launch.fence) in self.out:
            self.host.launches.on_started(launch.job, launch.fence)

    def _end(self, launch: Launch, graph: bytes) -> None:
        if self.out.pop((launch.job, launch.fence), None) is None:
            return
        if launch.job in self.crashing:
            failed = Failed(launch.fence, "JOB_FAILED", "killed by signal 11")
            self.host.launches.on_failed(launch.job, launch.fence, failed, Loss())
            return
        run = (launch.method, launch.shots, launch.seed)
        done = runner(launch.engine).execute(
            unpack(graph), *run, digest=launch.digest, keep_events=launch.keep_events, fence=launch.fence
        )
        timeless = {"prepare_s": 0.0, "run_s": 0.25, "cpu_s": 0.25, "peak_rss_bytes": 0}
        self.host.launches.on_done(launch.job, launch.fence, msgspec.structs.replace(done, **timeless), "1")

    def interrupt(self, interrupt: Interrupt) -> None:
        refusal = NotDone(interrupt.fence, interrupt.ref, "no fence is left")
        self.at(self.now_ns, lambda: self.host.launches.on_not_done(interrupt.job, interrupt.fence, refusal))

    def cancel(self, job: str, fence: int, grace_s: float = 0.0) -> None:
        self.out.pop((job, fence), None)

    def reconcile(self, fences: Mapping[str, int]) -> list[tuple[str, int]]:
        return []

    def waited_s(self, job: str, fence: int) -> float:
        return 0.0

    def capacity(self) -> Capacity:
        return Capacity(2, len(self.out), 0)


class System:
    """The whole of it. ``heard`` are the answers of each tenant by the number of its call, with the moment."""

    def __init__(self, shared: bool) -> None:
        self.machine = Machine()
        self.speaker = OPERATOR
        self.calls: dict[str, int] = {ALICE: 0, BOB: 0, OPERATOR: 0}
        self.spent: Counter[str] = Counter()
        self.refs: dict[int, tuple[str, int]] = {}
        self.heard: dict[str, dict[int, tuple[int, Any]]] = {ALICE: {}, BOB: {}, OPERATOR: {}}
        self.turns: deque[Callable[[], None]] = deque()
        config = KernelConfig(
            workers=1 if shared else 2,
            token_key=b"k" * 32,
            local_allowed=False,
            session_idle_s=3600 if shared else 1,
            kept_jobs=4,
            open_waits=3,
        )
        self.kernel = Kernel(config, STANDARD)
        routing = Routing(1 << 30, config.workers, {})
        turns = Turns(schedule=self.turns.append)
        self.host = Host(
            self.kernel,
            SimJournal(Disk()),
            routing,
            self,  # pyright: ignore[reportArgumentType]
            self.machine,
            turns,
            lambda: self.machine.now_ns,
            self.entropy,
        )
        self.machine.host = self.host
        self.host.connect(self.machine)
        self.host.recover()
        self.tokens = {name: self.enrol(name, {} if shared else {"running_jobs": 1}) for name in (ALICE,)}

    def enrol(self, name: str, quotas: dict[str, int]) -> str:
        self.ask(OPERATOR, "op_tenant_add", tenant=name, quotas={"queued_jobs": 5, "held_qubits": 20, **quotas})
        return self.ask(OPERATOR, "op_token_issue", tenant=name).token

    def entropy(self, size: int) -> bytes:
        self.spent[self.speaker] += 1
        return entropy_of(self.speaker, self.spent[self.speaker])

    def answer(self, conn: int, ref: int, result: Any) -> None:
        who, number = self.refs[ref]
        assert number not in self.heard[who], "answered twice"
        self.heard[who][number] = (self.machine.now_ns, result)

    refuse = answer

    def call(self, who: str, method: str, graph: Graph | None = None, stream: str = "", **params: Any) -> int:
        """The number of the call among those of its tenant. ``stream``: entropy that nobody foresees."""
        self.calls[who] += 1
        self.speaker = stream or who
        ref = len(self.refs)
        self.refs[ref] = (who, self.calls[who])
        operator = who == OPERATOR
        request = (OPERATOR_METHODS if operator else METHODS)[method].request(**params)
        self.host.call(CONN[who], ref, method, request, graph, UID[who], operator=operator)
        self.settle()
        return self.calls[who]

    def ask(self, who: str, method: str, graph: Graph | None = None, **params: Any) -> Any:
        """The answer, if it came at once."""
        return self.heard[who].get(self.call(who, method, graph, **params), (0, None))[1]

    def settle(self) -> None:
        while self.turns:
            self.turns.popleft()()

    def until(self, ns: int) -> None:
        machine = self.machine
        while machine.agenda and machine.agenda[0][0] <= ns:
            at_ns, _, what = heapq.heappop(machine.agenda)
            machine.now_ns = max(machine.now_ns, at_ns)
            what()
            self.settle()
        machine.now_ns = ns

    def rest(self) -> None:
        """Until no launch is out."""
        while self.machine.out:
            self.until(self.machine.agenda[0][0])


class Tenant:
    """Somebody who makes random calls. Its lists begin with what it
    guesses of the other's ids."""

    def __init__(self, system: System, who: str, rng: Random, shared: bool) -> None:
        self.system, self.who, self.rng, self.shared = system, who, rng, shared
        self.token = system.tokens[who]
        self.sessions: list[Any] = []
        self.regions = ("r7",)  # where a job is, and so what it takes to move it, depends on the load
        others = [entropy_of(BOB if who == ALICE else ALICE, number) for number in range(1, GUESSES + 1)]
        self.jobs = [sorted_by_time("job", entropy) for entropy in others]
        self.channels = [opaque("chan", entropy) for entropy in others]
        self.checkpoints = [opaque("chk", entropy) for entropy in others]
        self.capabilities = [opaque("cap", entropy, "CAP_MEASURE") for entropy in others]
        self.handles = [f"{opaque('lq', entropy)}_0" for entropy in others]

    def one(self, known: list[Any]) -> Any:
        """Mostly one of its own, the newest; else one that is the other's, if the other has come as far."""
        own = known[GUESSES:]
        return self.rng.choice(own[-3:] if own and self.rng.random() < 0.85 else known[:GUESSES])

    def ask(self, method: str, graph: Graph | None = None, **params: Any) -> Any:
        return self.system.ask(self.who, method, graph, session_id=self.session, **params)

    @property
    def session(self) -> str:
        return self.rng.choice(self.sessions[-2:] if self.rng.random() < 0.8 else self.sessions).session_id

    def open(self, token: str = "") -> None:
        reply = self.system.ask(self.who, "q_negotiate_caps", token=token or self.token, requested=[*RIGHTS])
        if not isinstance(reply, QmkError):
            self.sessions.append(reply)
            self.capabilities += [reply.root, *(row.capability for row in reply.granted)]

    def submit(self) -> None:
        rng = self.rng
        graph = program(rng.randrange(12))
        policy: dict[str, Any] = {"seed": rng.randrange(4)} if rng.random() < 0.5 else {}
        chance = rng.random()
        if chance < 0.2:
            graph = rng.choice((fenced(), owned_by(BOB), owned_by(ALICE), owned_by("carol")))
        elif chance < 0.3:
            policy["engine"] = rng.choice(("stabilizer", "nonsense"))
        elif chance < 0.4:
            policy["channels"] = {"c": self.one(self.channels)}
        elif chance < 0.45:
            graph = Builder(40).op("t", 0).measure_all().graph()  # too large for any dense engine
        if rng.random() < 0.3:
            policy["debug"] = True
        if rng.random() < 0.2:
            policy |= {"priority": rng.randrange(-2, 3), "deadline_epochs": 10**9}
        if rng.random() < 0.1 and not self.shared:
            policy["timeout_ms"] = rng.choice((1, 3, 50))
        key = rng.choice(("", "", "one", "two"))
        shots = 10**9 if rng.random() < 0.05 else rng.choice((1, 5, 16))
        made = self.ask("q_submit", graph, shots=shots, policy=Policy(**policy), idempotency_key=key)
        self.note(made)

    def note(self, made: Any) -> None:
        if made is not None and not isinstance(made, QmkError):
            self.jobs.append(made.job_id)
            if self.shared:
                self.system.rest()

    def again(self) -> None:
        if self.rng.random() < 0.5:
            self.note(self.ask("q_replay", job_id=self.one(self.jobs)))
        else:
            self.note(self.ask("q_restore", checkpoint_id=self.one(self.checkpoints)))

    def look(self) -> None:
        method = self.rng.choice(
            [
                "q_status",
                "q_wait",
                "q_result",
                "q_events",
                "q_get_telemetry",
                "q_get_mapping",
                "q_program",
                "q_cancel",
                "q_label",
                "q_delete",
                "q_rollback",
            ]
        )
        params: dict[str, Any] = {"job_id": self.one(self.jobs)}
        if method in ("q_wait", "q_events") and self.rng.random() < 0.5:
            params["timeout_ms"] = self.rng.choice((0, 30, 2000))
        if method == "q_rollback":
            params["epoch"] = self.rng.randrange(2)
        self.ask(method, **params)

    def save(self) -> None:
        if self.rng.random() < 0.6:
            made = self.ask("q_checkpoint", job_id=self.one(self.jobs))
            if made is not None and not isinstance(made, QmkError):
                self.checkpoints.append(made.checkpoint_id)
        else:
            self.ask("q_migrate", job_id=self.one(self.jobs), region=self.rng.choice(self.regions))

    def resources(self) -> None:
        method = self.rng.choice(("q_query_resources", "alone", "q_estimate", "q_get_telemetry"))
        if method == "alone":
            self.system.ask(self.who, "q_query_resources")
        elif method == "q_estimate":
            self.ask(method, program(self.rng.randrange(12)), shots=10)
        else:
            self.ask(method)

    def qubits(self) -> None:
        if self.rng.random() < 0.6:
            made = self.ask("q_alloc", n=self.rng.choice((1, 3, 12)))
            self.handles += [] if isinstance(made, QmkError) else made.handles
        else:
            self.ask("q_release", handles=[self.one(self.handles)])

    def rights(self) -> None:
        if self.rng.random() < 0.7:
            rights = self.rng.sample(["CAP_STATUS", "CAP_RESULT", "CAP_SUBMIT", "CAP_ALLOC"], 2)
            jobs = [self.one(self.jobs)] if self.rng.random() < 0.5 else None
            uses = self.rng.choice((None, 1))
            made = self.ask("q_delegate", capability=self.one(self.capabilities), rights=rights, jobs=jobs, uses=uses)
            if not isinstance(made, QmkError):
                self.capabilities.append(made.capability)
        else:
            self.ask("q_revoke", capability=self.one(self.capabilities))

    def link(self) -> None:
        chance = self.rng.random()
        if chance < 0.5:
            made = self.ask("q_open_chan", peers=[self.who, self.who], fidelity=0.9, entanglements_max=5)
            if not isinstance(made, QmkError):
                self.channels.append(made.channel)
        else:
            method = self.rng.choice(("q_chan_status", "q_close_chan", "q_open_chan"))
            self.ask(method, channel=self.one(self.channels))

    def act(self) -> None:
        acts = (self.submit, self.look, self.save, self.again, self.resources, self.qubits, self.rights, self.link)
        if not self.sessions or self.rng.random() < (0.02 if len(self.sessions) > 2 else 0.1):
            self.open()
        elif self.rng.random() < 0.04 and len(self.sessions) > 1:
            gone = self.sessions.pop()
            self.system.ask(self.who, "q_close_session", session_id=gone.session_id)
        else:
            weights = (7, 8, 3, 2, 2, 2.5, 2, 2)
            self.rng.choices(acts, weights)[0]()


class Rogue(Tenant):
    """Bob: all of the above, and worse."""

    def __init__(self, system: System, rng: Random, alice: Tenant) -> None:
        super().__init__(system, BOB, rng, False)
        self.alice = alice
        self.regions = ("r0", "r1", "r7")

    def act(self) -> None:
        if not self.sessions or self.rng.random() < 0.7:
            super().act()
        else:
            self.rng.choice((self.flood, self.propose, self.steal, self.crash, self.leave, self.forge, self.hoard))()

    def flood(self) -> None:
        for _ in range(7):
            self.note(self.ask("q_submit", program(self.rng.randrange(12)), shots=2))

    def propose(self) -> None:
        made = self.ask("q_open_chan", stream="?", peers=[BOB, ALICE], fidelity=0.9, entanglements_max=5)
        self.channels += [] if isinstance(made, QmkError) else [made.channel]

    def steal(self) -> None:
        """Everything of alice's by its very name, her session too."""
        alice = self.alice
        if alice.sessions:
            taken = alice.sessions[-1]
            self.system.ask(BOB, "q_close_session", session_id=taken.session_id)
            self.ask("q_revoke", capability=taken.root)
            self.ask("q_delegate", capability=taken.root, rights=["CAP_CANCEL"])
        for method in ("q_cancel", "q_result", "q_replay", "q_checkpoint"):
            self.ask(method, job_id=alice.jobs[-1])
        self.ask("q_restore", checkpoint_id=alice.checkpoints[-1])
        self.ask("q_close_chan", channel=alice.channels[-1])
        self.ask("q_release", handles=[alice.handles[-1]])

    def crash(self) -> None:
        made = self.ask("q_submit", program(1), shots=3)
        if not isinstance(made, QmkError):
            self.system.machine.crashing.add(made.job_id)

    def leave(self) -> None:
        self.system.host.connection_closed(CONN[BOB])

    def forge(self) -> None:
        self.open(self.token[:-2] + "AA")
        self.open(self.alice.token[:-3] + "AAA")

    def hoard(self) -> None:
        for _ in range(6):
            made = self.ask("q_open_chan", peers=[BOB, BOB], fidelity=0.9, entanglements_max=5)
            if not isinstance(made, QmkError):
                self.ask("q_close_chan", channel=made.channel)
            self.ask("q_alloc", n=5)


def run(number: int, shared: bool, with_bob: bool) -> System:
    """One life of the system. Bob acts between alice's calls, some nanoseconds beside any moment of hers."""
    system = System(shared)
    alice = Tenant(system, ALICE, Random(number), shared)
    bob = None
    if with_bob:
        system.tokens[BOB] = system.enrol(BOB, {} if shared else {"running_jobs": 1})
        bob = Rogue(system, Random(number + 10**6), alice)
    for step in range(1, STEPS + 1):
        tick_ns = BEGIN_NS + step * TICK_NS
        if bob is not None:
            for k in range(bob.rng.randrange(4)):
                system.until(max(system.machine.now_ns, tick_ns - TICK_NS // 2 + k * 1_111_111))
                bob.act()
        system.until(max(system.machine.now_ns, tick_ns))
        if shared:
            system.rest()
        alice.act()
    system.until(system.machine.now_ns + 20 * TICK_NS)
    return system


def masked(value: Any, times: bool) -> Any:
    if isinstance(value, list):
        return [masked(item, times) for item in value]
    if isinstance(value, dict):
        hidden = TIMES if times else LOAD
        return {
            name: "*" if name in hidden and not isinstance(item, bool) else masked(item, times)
            for name, item in value.items()
        }
    return value


def seen(system: System, shared: bool) -> dict[int, Any]:
    """All that alice was told, by her calls; in a machine of her own also when."""
    found: dict[int, Any] = {}
    for number, (now_ns, answer) in system.heard[ALICE].items():
        plain = answer.to_dict() if isinstance(answer, QmkError) else msgspec.to_builtins(answer)
        found[number] = (0 if shared else now_ns, masked(plain, shared))
    return found


def differences(number: int, shared: bool) -> list[str]:
    alone, beside = seen(run(number, shared, False), shared), seen(run(number, shared, True), shared)
    numbers = sorted({*alone, *beside})
    return [f"call {n}: {alone.get(n)} / {beside.get(n)}" for n in numbers if alone.get(n) != beside.get(n)]
