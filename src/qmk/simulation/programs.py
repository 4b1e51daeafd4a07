"""Programs that clients submit, the router that takes them, and the engine that gives each its bits."""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from random import Random
from typing import Any

import msgspec

from qmk.abi.calls import q_estimate, q_query_resources
from qmk.abi.shapes import Footprint, Qec, Stage
from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host.patches import Then, Wish, Written
from qmk.host.routing import Choice
from qmk.kernel.objects.alternative import Alternative
from qmk.qvm.families import noise
from qmk.qvm.graph import Graph, Node, digest, pack, unpack
from qmk.qvm.outputs import Outputs
from qmk.sdk.kit.builder import Builder
from qmk.worker.messages import Done, Output

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
"""Uses a qubit that was never allocated."""

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
"""Physical qubits of a simulated patch."""
LOAD = 0.2
"""Of the decoder by a physical qubit, twice that once the noise has risen: two patches are decoded at a time, and one
that has grown or whose noise rose is, alone"""
DISTANCE = 3
PATCH_ID = "patch_"
"""How the ids begin of what a machine adds to a program."""
TOO_NOISY = "p=1"
"""Noise under which the simulated machine runs nothing."""


DRIFT_S = (0.0, 2.0, 5.0, 20.0, 100.0, 1000.0)
"""Seconds at which the noise of a simulated machine changes."""
CALIBRATION = msgspec.json.encode({"points": [{"time_s": time, "circuit": 1e-3} for time in DRIFT_S]}).decode()
WIDER = 5
"""The distance of every other stretch of time, with twice as many physical qubits a patch: one of two fits a region"""


def write_program(wish: Wish) -> Written:
    """The program on a machine, or the rest of one. Raises UNSUPPORTED under ``TOO_NOISY``."""
    graph, qec, rewrite = unpack(wish.packed), wish.qec, wish.rewrite
    if qec.noise == TOO_NOISY:
        raise QmkError("UNSUPPORTED", "there is no table of this noise", field="qec.noise")
    at = None if qec.began is None else DRIFT_S[max(0, bisect.bisect_right(DRIFT_S, wish.now_s - qec.began) - 1)]
    kept, distance, rounds, stages = 0, DISTANCE, list[int](), list[Stage]()
    if rewrite is not None:
        at, before = rewrite.calibrated_s, rewrite.before
        kept = [k for k, node in enumerate(graph.nodes) if node.op == "core.fence"][rewrite.epoch - 1] + 1
        odd = DRIFT_S.index(at) % 2
        distance = before.distance if rewrite.keep else WIDER if odd else DISTANCE
        rounds = before.epoch_rounds[: rewrite.epoch]
        stage = Stage(
            last_epoch=rewrite.epoch,
            distance=before.distance,
            physical_qubits=before.physical_qubits,
            noise=before.noise,
        )
        stages = [*before.stages, stage]
    name = PATCH_ID + hashlib.sha256(f"{qec.machine} {qec.noise} {at} {distance}".encode()).hexdigest()[:8]
    error = Node(name, "noise.pauli", {"px": 0.25}, graph.vqs[:1])
    rest = [node for node in graph.nodes[kept:] if node.op != error.op]
    cut = kept or 1 + next(index for index, node in enumerate(rest) if node.op == "core.h")
    rest[cut - kept : cut - kept] = [error]
    known = f"noise@{noise.FAMILY.version}"
    made = msgspec.structs.replace(
        graph,
        version="1.0",
        nodes=(*graph.nodes[:kept], *rest),
        families=(*graph.families, known) if graph.families and known not in graph.families else graph.families,
        metadata={**graph.metadata, "qec": {"machine": qec.machine}},
    )
    rounds += [2 * distance] * (1 + sum(node.op == "core.fence" for node in rest))
    return Written(made, pack(made), digest(made), _footprint(qec, len(graph.vqs), distance, rounds, at, stages))


def _footprint(
    qec: Qec, patches: int, distance: int, rounds: list[int], at: float | None, stages: list[Stage]
) -> Footprint:
    width = PATCH_QUBITS * (1 + (distance == WIDER))
    return Footprint(
        machine=qec.machine,
        noise=f"{qec.noise[:20]} {at}",
        distance=distance,
        physical_qubits=width * patches,
        patch_qubits=width,
        patches=patches,
        tiles=patches,
        factory_qubits=0,
        cycles=2 * len(rounds),
        rounds=sum(rounds),
        epoch_rounds=rounds,
        events_per_round=float(width * patches),
        decoder_load=LOAD * width * patches * (2 if at else 1),
        move_rounds=patches * distance,
        calibrated_s=at,
        stages=stages,
    )


class SimWriting:
    """Implements ``host.patches.Writing``: its answers come in turns to come, which a daemon may not live to see."""

    def __init__(self, later: Callable[[Callable[[], None]], object]) -> None:
        self._later = later

    def write(self, wish: Wish, then: Then) -> None:
        def begin() -> None:
            self._later(lambda: self._write(wish, then))

        self._later(begin)

    def _write(self, wish: Wish, then: Then) -> None:
        try:
            found = write_program(wish)
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
        *,
        tenant: str = "",
        floor: Level = "process",
        resources: Mapping[str, float] | None = None,
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

    def blocks(self, outputs: Outputs | None, choice: Choice) -> int:
        """No job is divided."""
        del outputs, choice
        return 0

    def version(self, engine: str) -> str:
        return f"{engine} 1"

    def estimate(
        self, graph: Graph, digest: str, shots: int, outputs: Outputs | None = None, *, tenant: str = ""
    ) -> Any:
        return q_estimate.Reply(digest=digest, shots=shots, logical={}, engines=[], gaps=[], chosen=ENGINE)

    def resources(self, queued: int, running: int, workers: int) -> Any:
        return q_query_resources.Reply(
            devices=[], engines=[], capacity={}, queue=q_query_resources.Queue(queued, running, workers)
        )
