"""Programs that clients submit, the router that takes them, and the engine that gives each its bits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

import msgspec

from qmk.abi.calls import q_estimate, q_query_resources
from qmk.abi.shapes import Footprint, Qec
from qmk.base.errors import QmkError
from qmk.host.patches import Then, Written
from qmk.host.routing import Choice
from qmk.kernel.objects.alternative import Alternative
from qmk.qvm.families import noise
from qmk.qvm.graph import Graph, Node, digest, pack, unpack
from qmk.qvm.outputs import Outputs
from qmk.sdk.kit.builder import Builder
from qmk.sdk.messages import Done, Output

ENGINE = "simulated"
OTHERS = ("second", "third")


def _program(name: str, qubits: int, fences: int) -> Graph:
    handles = tuple(f"q{number}" for number in range(qubits))
    fence = tuple(Node(f"f{number}", "core.fence") for number in range(fences))
    return Graph(
        nodes=(
            Node("a", "core.alloc", vqs=handles),
            Node("h", "core.h", vqs=handles[:1]),
            *fence,
            Node("m", "core.mz", vqs=handles[:1], produces=("m",)),
            Node("d", "core.free", vqs=handles),
        ),
        vqs=handles,
        events=("m",),
        metadata={"name": name},
    )


GOOD = tuple(
    _program(name, qubits, fences) for name, qubits, fences in (("one", 1, 0), ("fenced", 2, 2), ("wide", 5, 1))
)
WRONG = Graph(nodes=(Node("h", "core.h", vqs=("q",)),), vqs=("q",))
"""uses a qubit that was never allocated"""

CHANNEL = "c"
"""Name of the channel in a program that joins two tenants' qubits."""


@cache
def joint_program(peer: str) -> Graph:
    """Teleports to a qubit of ``peer``, in the second of three epochs."""
    builder = Builder()
    builder.alloc(1)
    builder.alloc(1)
    builder.nodes[1].args["tenant_id"] = peer
    builder.op("h", 0).op("fence").channel(0, 1, CHANNEL).use(name=CHANNEL).close(CHANNEL).op("fence")
    builder.measure(1, event="m")
    return msgspec.structs.replace(builder.graph(), caps=("CAP_ALLOC", "CAP_LINK"))


def draw_program(rng: Random) -> Graph:
    return rng.choice(GOOD) if rng.random() < 0.95 else WRONG


def memory_bytes(graph: Graph) -> int:
    return 40 << len(graph.vqs)


def events_of(digest: str, seed: int, shots: int) -> bytes:
    """One bit a shot, packed one a byte: what the seed and the program decide, and nothing else."""
    stream = hashlib.shake_256(f"{digest} {seed}".encode()).digest(shots)
    return bytes(octet & 0x80 for octet in stream)


def counts_of(digest: str, seed: int, shots: int) -> dict[str, int]:
    ones = sum(octet >> 7 for octet in events_of(digest, seed, shots))
    return {bit: count for bit, count in (("0", shots - ones), ("1", ones)) if count}


def done_of(fence: int, digest: str, seed: int, shots: int, keep_events: bool) -> Done:
    """A worker's answer."""
    return Done(
        fence=fence,
        counts=counts_of(digest, seed, shots),
        registers=[Output("c", ("m",))],
        event_names=["m"] if keep_events else [],
        event_widths=[1] if keep_events else [],
        event_bits=events_of(digest, seed, shots) if keep_events else b"",
        shots=shots,
        prepare_s=0.25,
        run_s=0.5,
        cpu_s=0.5,
        peak_rss_bytes=1000,
        notes={},
    )


def _alternative(name: str, shots: int, needed: int, fenced: bool) -> Alternative:
    return Alternative(
        engine=name,
        method="m",
        seconds=0.03 * shots,
        memory_bytes=needed // 2,
        uncertainty=2.0,
        fenced=fenced and name == "second",
        may_fail=name == "third",
    )


PATCH_QUBITS = 2
"""physical qubits of a simulated patch"""
DISTANCE = 3
PATCH_ID = "patch_"
"""how the ids begin of what a machine adds to a program"""
TOO_NOISY = "p=1"
"""noise under which the simulated machine runs nothing"""


def written(graph: Graph, qec: Qec) -> Written:
    """The program on a machine. Raises UNSUPPORTED under ``TOO_NOISY``."""
    if qec.noise == TOO_NOISY:
        raise QmkError("UNSUPPORTED", "there is no table of this noise", field="qec.noise")
    name = PATCH_ID + hashlib.sha256(f"{qec.machine} {qec.noise}".encode()).hexdigest()[:8]
    error = Node(name, "noise.pauli", {"px": 0.25}, graph.vqs[:1])
    at = next(index for index, node in enumerate(graph.nodes) if node.op == "core.h") + 1
    nodes = (*graph.nodes[:at], error, *graph.nodes[at:])
    families = (*graph.families, f"noise@{noise.FAMILY.version}") if graph.families else ()
    made = msgspec.structs.replace(
        graph,
        version="1.0",
        nodes=nodes,
        families=families,
        metadata={**graph.metadata, "qec": {"machine": qec.machine}},
    )
    epochs = 1 + sum(node.op == "core.fence" for node in graph.nodes)
    patches = len(graph.vqs)
    footprint = Footprint(
        machine=qec.machine,
        noise=qec.noise,
        distance=DISTANCE,
        physical_qubits=PATCH_QUBITS * patches,
        patch_qubits=PATCH_QUBITS,
        patches=patches,
        tiles=patches,
        factory_qubits=0,
        cycles=2 * epochs,
        rounds=2 * epochs * DISTANCE,
        epoch_rounds=[2 * DISTANCE] * epochs,
        move_rounds=patches * DISTANCE,
    )
    return Written(made, pack(made), digest(made), footprint)


class SimWriting:
    """Implements ``host.patches.Writing``: its answers come in turns to come, which a daemon may not live to see."""

    def __init__(self, later: Callable[[Callable[[], None]], object]) -> None:
        self._later = later

    def write(self, packed: bytes, qec: Qec, owner: str, then: Then) -> None:
        def begin() -> None:
            self._later(lambda: self._write(packed, qec, then))

        self._later(begin)

    def _write(self, packed: bytes, qec: Qec, then: Then) -> None:
        try:
            found = written(unpack(packed), qec)
        except QmkError as error:
            then(None, error)
        else:
            then(found, None)


class SimRouting:
    """The router's place: engines whose declarations nobody asks for. ``memory_limit`` is that of the machine."""

    def __init__(self, memory_limit: int) -> None:
        self.memory_limit = memory_limit

    def choose(
        self,
        graph: Graph,
        digest: str,
        shots: int,
        engine: str | None,
        outputs: Outputs | None = None,
        packed: bytes = b"",
    ) -> Choice:
        if engine not in (None, ENGINE):
            raise QmkError("UNSUPPORTED", f"there is no engine '{engine}'", feature="engine", gaps=[])
        needed = memory_bytes(graph)
        if self.memory_limit and needed > self.memory_limit:
            raise QmkError("RESOURCE_EXHAUSTED", f"{needed} bytes are needed", resource="memory", asked=needed)
        fenced = any(node.op == "core.fence" for node in graph.nodes)
        others = () if engine else tuple(_alternative(name, shots, needed, fenced) for name in OTHERS)
        seconds = 0.02 * shots
        return Choice(ENGINE, "", seconds, needed, [{"engine": ENGINE}], fenced, 3.0, others, self.version(ENGINE))

    def version(self, engine: str) -> str:
        return f"{engine} 1"

    def estimate(self, graph: Graph, digest: str, shots: int, outputs: Outputs | None = None) -> Any:
        return q_estimate.Reply(digest=digest, shots=shots, logical={}, engines=[], gaps=[], chosen=ENGINE)

    def resources(self, queued: int, running: int, workers: int) -> Any:
        return q_query_resources.Reply(
            devices=[], engines=[], capacity={}, queue=q_query_resources.Queue(queued, running, workers)
        )
