"""The jobs that the crash benchmark submits, and what is compared of their results."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

import qmk
from qmk.qvm.graph import Graph, Node


@dataclass(frozen=True)
class Kind:
    """One sort of job: ``weight`` of every so many."""

    name: str
    graph: Graph
    shots: int
    engine: str
    weight: int
    rows: bool = True
    """every shot is kept, read back and compared; else the counts are"""

    def wishes(self, seed: int) -> dict[str, Any]:
        return {"shots": self.shots, "seed": seed, "engine": self.engine, "keep_events": self.rows, "cache": False}


@dataclass(frozen=True)
class Accepted:
    key: str
    job: str
    kind: Kind
    seed: int


@dataclass
class Outage:
    """A fault, and when the service was back after it."""

    what: str
    fault_s: float
    back_s: float = 0.0
    recovery_s: float | None = None
    """from then on until the last client was served whose submit had waited; None where nobody had"""


@dataclass
class Report:
    """What came of it. ``lost``, ``doubled`` and ``wrong`` are to stay empty; each names a job and what happened."""

    jobs: int = 0
    finished: int = 0
    outages: list[Outage] = field(default_factory=list[Outage])
    kills: Counter[str] = field(default_factory=Counter[str])
    rerun: int = 0
    refused: int = 0
    seconds: float = 0.0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    def _times(self, what: str) -> str:
        """How long it was away after faults of a kind, and how much longer its clients noticed it."""
        own = [each for each in self.outages if each.what == what and each.back_s]
        away = _median_and_most([each.back_s - each.fault_s for each in own])
        late = _median_and_most([each.recovery_s for each in own if each.recovery_s is not None])
        return f"  {what}: away {away}; clients that waited were served after it was back: {late}"

    def text(self) -> str:
        killed = ", ".join(f"{what} {count}" for what, count in sorted(self.kills.items()))
        lines = [
            f"{self.kills.total()} faults ({killed}), {self.jobs} jobs accepted, {self.finished} waited for to their "
        ]
        lines[0] += f"end, {self.rerun} run again, "
        lines[0] += f"{self.refused} submits refused for want of disk and sent again, {self.seconds:.0f} s"
        lines += [f"lost {len(self.lost)}, doubled {len(self.doubled)}, wrong {len(self.wrong)}"]
        lines += [self._times(what) for what in sorted(self.kills)]
        return "\n".join([*lines, *(f"  {row}" for row in [*self.lost, *self.doubled, *self.wrong][:20])])


def _median_and_most(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    p99 = quantiles(seconds, n=100, method="inclusive")[98] if len(seconds) > 1 else seconds[0]
    return f"median {median(seconds):.2f} s, p99 {p99:.2f} s, at most {max(seconds):.2f} s ({len(seconds)})"


Seen = tuple[dict[str, int], str]


def seen(result: qmk.Result) -> Seen:
    """Counts, and a digest of every shot."""
    digest = hashlib.sha256()
    for row in result.rows() if result.has_events else ():
        digest.update(row.encode())
    return result.counts, digest.hexdigest()


def program(n_qubits: int, rounds: int) -> Graph:
    """A GHZ state of ``n_qubits``, after ``rounds`` of gates that cancel, measured."""
    qubits = tuple(f"q{i}" for i in range(n_qubits))
    nodes = [Node("a", "core.alloc", {"n": n_qubits}, qubits, caps=("CAP_ALLOC",)), Node("h", "core.h", {}, ("q0",))]
    nodes += [Node(f"x{i}", "core.x", {}, (qubits[-1],)) for i in range(2 * rounds)]
    nodes += [Node(f"c{i}", "core.cnot", {}, (qubits[i - 1], qubits[i])) for i in range(1, n_qubits)]
    nodes += [Node(f"m{i}", "core.mz", {}, (qubit,), produces=(f"e{i}",)) for i, qubit in enumerate(qubits)]
    nodes.append(Node("f", "core.free", {}, qubits))
    events = tuple(f"e{i}" for i in range(n_qubits))
    return Graph(nodes=tuple(nodes), vqs=qubits, events=events, caps=("CAP_ALLOC",))


KINDS = (
    Kind("small", program(2, 0), 100, "stabilizer", 12),
    Kind("wide", program(20, 3), 500, "stabilizer", 4),
    Kind("other engine", program(3, 40), 1500, "reference", 3),
    Kind("slow", program(16, 500), 500_000, "stabilizer", 4, rows=False),
    Kind("large result", program(60, 1), 20_000, "stabilizer", 1),
    Kind("large graph", program(4, 1500), 50, "stabilizer", 1),
)
