"""A host of a few lines: enough to run each call's worked example through a real kernel."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from qmk.abi.call import Call
from qmk.abi.calls import BY_NAME, q_estimate, q_query_resources
from qmk.abi.operator import OPERATOR_METHODS
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import (
    Estimate,
    Interrupt,
    Journal,
    Launch,
    QueryResources,
    Recall,
    Reply,
    ReplyError,
    ReplyProgram,
    ReplyResult,
    Route,
)
from qmk.kernel.events import CallReceived, Finished, Progressed, Recalled, Routed, Saved, Started, Submitted, Yielded
from qmk.policy.standard import STANDARD
from qmk.rpc import frame, graphs
from tests.exchanges import BELL, EXAMPLES, TIME

SECOND = 1_000_000_000
USAGE = {"engine_seconds": 0.0004, "cpu_seconds": 0.0004, "peak_rss_bytes": 61_000_000}
REASONS = [{"engine": "stabilizer", "seconds": 0.0005, "memory_bytes": 4096, "note": "Clifford"}]


class ExampleHost:
    """Plays one call's example. Time stands still at ``TIME`` but for what ``at`` adds."""

    def __init__(self) -> None:
        self.kernel = Kernel(KernelConfig(workers=2), STANDARD)
        self.ids = 0
        self.launches: list[Launch] = []
        self.answers: dict[int, Any] = {}
        self.host_part: Any = {}
        self.graphs: dict[str, bytes] = {}

    def now_ns(self, seconds: float = 0.0) -> int:
        return int((TIME + seconds) * SECOND)

    def step(self, event: Any) -> None:
        for effect in self.kernel.step(event):
            match effect:
                case Route():
                    routed = Routed(
                        now_ns=event.now_ns,
                        job=effect.job,
                        engine="stabilizer",
                        method="",
                        seconds=0.0005,
                        memory_bytes=4096,
                        reasons=REASONS,
                        fenced=True,
                    )
                    self.step(routed)
                case Journal(record=Submitted() as record):
                    self.graphs[record.job] = record.graph
                case Recall():
                    self.step(Recalled(now_ns=event.now_ns, key=effect.key, graph=self.graphs[effect.job]))
                case Interrupt():
                    self.step(self.stopped(effect, event.now_ns))
                case Launch():
                    self.launches.append(effect)
                case Reply():
                    self.answers[effect.ref] = effect.result
                case ReplyError():
                    self.answers[effect.ref] = effect.error
                case ReplyResult():
                    self.answers[effect.ref] = self.with_result(effect)
                case ReplyProgram():
                    self.answers[effect.ref] = msgspec.structs.replace(effect.reply, text=self.host_part["text"])
                case Estimate():
                    self.answers[effect.ref] = msgspec.convert(
                        {**self.host_part, "digest": effect.digest, "shots": effect.shots}, q_estimate.Reply
                    )
                case QueryResources():
                    queue = {"queued": effect.queued, "running": effect.running, "workers": effect.workers}
                    self.answers[effect.ref] = msgspec.convert(
                        {**self.host_part, "queue": queue}, q_query_resources.Reply
                    )
                case _:
                    pass

    def stopped(self, effect: Interrupt, now_ns: int) -> Saved | Yielded:
        """A launch that stands at the end of epoch 1."""
        state = {"checkpoint": effect.ref, "epoch": 1, "blob": "b" * 64, "size_bytes": 4096}
        known: dict[str, Any] = {"now_ns": now_ns, "job": effect.job, "fence": effect.fence, **state}
        return Saved(**known) if effect.kind == "save" else Yielded(**known, why=effect.why)

    def with_result(self, effect: ReplyResult) -> Any:
        """Adds what a real host has in its result store: here, what the example says."""
        part = self.host_part.get("result", self.host_part)
        stored = {name: part[name] for name in ("counts", "registers", "events")}
        known = msgspec.to_builtins(effect.result)
        known["provenance"] |= {name: part["provenance"][name] for name in ("version", "notes", "passes")}
        filled = msgspec.convert({**known, **stored}, type(effect.result))
        return filled if effect.status is None else msgspec.structs.replace(effect.status, result=filled)

    def call(self, call: Call, params: Any, seconds: float = 0.0) -> Any:
        """Sends the call as bytes through the codec; the answer as builtins (an error as its error object)."""
        (decoded,) = frame.decode(frame.request(1, call.name, params)).calls
        if decoded.error is not None:
            return decoded.error.to_dict()
        self.ids += 1
        ref = self.ids
        graph, _ = graphs.graph_of(decoded.request)
        event = CallReceived(
            now_ns=self.now_ns(seconds),
            conn=1,
            ref=ref,
            method=call.name,
            params=decoded.request,
            entropy=ref.to_bytes(16, "big"),
            graph=graph,
        )
        self.step(event)
        answer = self.answers[ref]
        return msgspec.to_builtins(answer) if isinstance(answer, msgspec.Struct) else answer.to_dict()

    def send(self, name: str, **params: Any) -> Any:
        return self.call(BY_NAME[name], params)

    def open(self) -> str:
        return self.send("q_negotiate_caps", requested=["CAP_ALLOC", "CAP_MEASURE", "CAP_LINK", "CAP_DEBUG"])[
            "session_id"
        ]

    def job(self, session: str) -> str:
        policy = {"seed": 7, "debug": True}
        return self.send("q_submit", session_id=session, graph=BELL, shots=4, policy=policy)["job_id"]

    def neighbour(self) -> None:
        """The other tenant of the examples."""
        self.ids += 1
        request = OPERATOR_METHODS["op_tenant_add"].request(tenant="bob")
        known: dict[str, Any] = {"conn": 2, "ref": self.ids, "entropy": self.ids.to_bytes(16, "big")}
        params = {"method": "op_tenant_add", "params": request, "operator": True}
        self.step(CallReceived(now_ns=self.now_ns(), **known, **params))

    def channel(self, session: str) -> str:
        self.neighbour()
        params = {**EXAMPLES["q_open_chan"][0], "session_id": session}
        return self.send("q_open_chan", **params)["channel"]

    def fenced_job(self, session: str) -> str:
        nodes = list(BELL["program"]["nodes"])
        nodes.insert(3, {"id": "fence", "op": "FENCE_EPOCH"})
        graph = {**BELL, "program": {"nodes": nodes}}
        return self.send("q_submit", session_id=session, graph=graph, shots=4, policy={"seed": 7})["job_id"]

    def run(self, upto: int | None = None) -> None:
        """The worker starts the newest launch and does ``upto`` shots, or all of them."""
        launch = self.launches[-1]
        job, fence = launch.job, launch.fence
        self.step(Started(now_ns=self.now_ns(0.5), job=job, fence=fence))
        if upto is not None:
            self.step(Progressed(now_ns=self.now_ns(1), job=job, fence=fence, shots_done=upto))
        else:
            self.step(Finished(now_ns=self.now_ns(2), job=job, fence=fence, usage=USAGE))


@pytest.fixture
def host() -> ExampleHost:
    return ExampleHost()
