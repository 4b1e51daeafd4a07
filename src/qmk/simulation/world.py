"""One run: clients, network, clock and disk round a daemon that lives, dies and starts again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from qmk.base.units import SECOND_NS
from qmk.kernel.effects import Launch
from qmk.simulation.actions import ACTIONS
from qmk.simulation.clients import Client
from qmk.simulation.daemon import Daemon, Parts
from qmk.simulation.disk import Disk
from qmk.simulation.invariants import INVARIANTS
from qmk.simulation.loans import Loans
from qmk.simulation.network import Call, Network
from qmk.simulation.operator import Operator
from qmk.simulation.plan import Action, Setup
from qmk.simulation.quiet import come_to_rest
from qmk.simulation.violation import Crash, Violation
from qmk.simulation.workers import Cluster

BEGIN_NS = 1_800_000_000 * SECOND_NS


class Outcome(NamedTuple):
    """``violation`` is None when every promise was kept. ``seen`` counts what happened; ``trace`` says it."""

    violation: Violation | None
    actions: int
    seen: Counter[str]
    trace: list[str]


class World:
    """The state of a run. ``rng`` is that of the action at hand; ``seen`` counts what happened. ``channels`` are those
    that clients told each other of, with their tenants; ``offers`` are capabilities that they told each other of.
    ``shots`` are those of the jobs that were accepted."""

    def __init__(self, setup: Setup, parts: Parts | None = None, tracing: bool = False) -> None:
        self.setup = setup
        self.parts = parts or Parts()
        self.now_ns = BEGIN_NS
        self.steps_ns = 0  # by which the clock was set, all in all
        self.rng = Random(0)
        self.seen: Counter[str] = Counter()
        self.trace: list[str] = []
        self._tracing = tracing
        self._entropy = 0
        self.key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        self.disk = Disk()
        self.journal = self.parts.journal(self.disk, setup.power)
        self.cluster = Cluster(setup.outlives)
        self.channels: dict[str, tuple[str, ...]] = {}
        self.network = Network(self._on_answer)
        self.clients = [Client(number, setup.tenants[number % len(setup.tenants)]) for number in range(setup.clients)]
        self.operator = Operator()
        self.offers: list[str] = []
        self.loans = Loans()
        self.shots: dict[str, int] = {}
        self.session_tenants: dict[str, str] = {}
        self.invariants = [kind(self) for kind in INVARIANTS]
        self.daemon = Daemon(self)

    def entropy(self, size: int) -> bytes:
        self._entropy += 1
        return self._entropy.to_bytes(size, "big")

    def say(self, what: str, text: str = "") -> None:
        """Count that something of the kind ``what`` happened, and note it when a trace is wanted."""
        self.seen[what] += 1
        if self._tracing:
            self.trace.append(f"  {(self.now_ns - BEGIN_NS) / SECOND_NS:9.3f} s  {what}{': ' if text else ''}{text}")

    def run(self, actions: Sequence[Action]) -> Outcome:
        """Try every action, then let everything come to rest."""
        count = 0
        violation = None
        try:
            self.start()
            self.operator.introduce(self)
            self.daemon.settle()
            self.deliver()
            for action in actions:
                count += 1
                self._act(action)
            come_to_rest(self)
            for invariant in self.invariants:
                invariant.on_end()
        except Violation as found:
            violation = found
        except Exception as error:
            violation = Violation("defects", f"a callback of the event loop raised {error!r}")
            violation.__cause__ = error
        if violation is not None:
            self.say("VIOLATION", str(violation))
        return Outcome(violation, count, self.seen, self.trace)

    def _act(self, action: Action) -> None:
        self.rng = Random(action.pick)
        try:
            ACTIONS[action.name].act(self, self.rng)
            self.go_on()
            while self.daemon.broken:
                self.say("the journal is broken")
                for name in self.rng.choice(((), ("call",), ("work", "call", "call"))):  # until the loop hears of it
                    ACTIONS[name].act(self, self.rng)
                    self.daemon.turn()
                self.stop()
                self.start()
        except Crash as crash:
            self.crash(crash.power)
        self.check()

    def check(self) -> None:
        for invariant in self.invariants:
            invariant.on_action_end()

    def go_on(self) -> None:
        """What goes on by itself beside any action: turns of the loop, the writing thread, answers that arrive."""
        rng, daemon = self.rng, self.daemon
        if rng.random() < 0.8:
            daemon.turn()
        if daemon.writing and rng.random() < 0.5:
            daemon.write()
        if rng.random() < 0.5:
            daemon.turn()
        self.deliver(0.8)

    def deliver(self, chance: float = 1.0) -> None:
        for call in list(self.network.arriving):
            if self.rng.random() < chance:
                self.network.arriving.remove(call)
                call.client.hears(call)

    def advance(self, duration_ns: int) -> None:
        """Let time pass; timers fire when they are due."""
        until = self.now_ns + duration_ns
        while (due := self.daemon.timers.next()) is not None and due[0] <= until:
            self.now_ns = max(self.now_ns, due[0])
            self.daemon.timers.take(due[1])
            self.say("timer", due[1])
            self.daemon.host.timer_fired(due[1])
            self.daemon.turn()
        self.now_ns = until

    def start(self) -> None:
        """A daemon starts on what is on the disk."""
        self.disk.count_anew()
        self.daemon = Daemon(self)
        self.daemon.host.recover()
        self.daemon.settle()

    def crash(self, power: bool) -> None:
        """The daemon and its workers are gone. A batch on its way to the disk got there, or did not."""
        self.say("power failure" if power else "crash")
        daemon = self.daemon
        if daemon.writing and self.rng.random() < 0.5:
            try:
                daemon.write()
            except Crash:
                self.say("crash while crashing")
        if power:
            self.disk.lose_power(self.rng)
        self.disk.fault = ""
        self._lose_daemon(power)
        self.start()

    def stop(self) -> None:
        """The daemon ends in good order: open calls are answered, promises written, then connections closed."""
        self.say("shutdown")
        self.daemon.host.shut_down()
        self.daemon.settle()
        if self.network.open:
            raise Violation("answers", f"the daemon ends without answering calls {sorted(self.network.open)}")
        self.deliver(0.9)
        self._lose_daemon(False)

    def _lose_daemon(self, power: bool) -> None:
        self.cluster.daemon_gone()
        for call in self.network.end():
            call.client.loses(call)
        for client in (*self.clients, self.operator):
            client.disconnect(daemon_gone=True)
        self.offers.clear()
        self.loans.clear()
        for invariant in self.invariants:
            invariant.on_stop(power)

    def connection(self, client: Client) -> int:
        if client.conn is None:
            client.conn = self.network.connect()
        return client.conn

    def call(self, client: Client, method: str, request: object, graph: object = None) -> Call:
        """``client`` makes a call."""
        conn = self.connection(client)
        call = self.network.call(conn, client, method, request, graph)  # type: ignore[arg-type]
        self.say(method, f"call {call.ref} of client {client.number}, {request}")
        self.daemon.host.call(conn, call.ref, method, request, call.graph, operator=client is self.operator)
        return call

    def tenant_of(self, call: Call) -> str:
        """Whom the session of a call belongs to, which may be another's than the client's."""
        return self.session_tenants.get(getattr(call.request, "session_id", ""), "")

    def on_launch(self, launch: Launch, graph: bytes) -> None:
        self.say("launch", f"{launch.job[:12]} as {launch.fence}")
        for invariant in self.invariants:
            invariant.on_launch(launch, graph)

    def _on_answer(self, call: Call) -> None:
        if call.method == "q_negotiate_caps" and call.error is None:
            self.session_tenants[call.result.session_id] = call.client.tenant.name
        if call.method == "q_delegate" and call.error is None:
            self.offers.append(call.result.capability)
        if call.method == "q_submit" and call.error is None:
            self.shots[call.result.job_id] = call.result.shots
        if call.method == "q_open_chan" and call.error is None:
            self.channels[call.result.channel] = tuple(call.result.peers)
        outcome = call.error.kind.name if call.error is not None else "ok"
        self.say(f"answer {outcome}", f"call {call.ref}: {call.error or call.result}")
        for invariant in self.invariants:
            invariant.on_answer(call)
