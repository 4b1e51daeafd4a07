"""One peer in a process of its own: reads requests as JSON lines, answers with seconds and counts.

Started as ``python -m benchmarks.router.child PEER DESCRIPTOR`` (where the answers go) in the peer's environment, with
one thread for every library.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from importlib import metadata
from types import ModuleType
from typing import Any

DISTRIBUTIONS = {
    "aer": "qiskit-aer", "ddsim": "mqt.ddsim", "lightning": "pennylane-lightning", "maestro": "qoro-maestro",
    "qsim": "qsimcirq",
}  # fmt: skip
ADDRESS_SPACE_BYTES = 14 << 30


def main(peer: str, descriptor: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    answers = open(descriptor, "w", buffering=1)  # noqa: SIM115 - lives as long as the process; libraries print on the others
    module = importlib.import_module(f"benchmarks.router.{'qmk' if peer == 'qmk' else f'peers.{peer}'}")
    reads = sorted(getattr(module, "READS", ()))
    version = metadata.version(DISTRIBUTIONS.get(peer, peer)) if peer != "qmk" else ""
    print(json.dumps({"methods": list(module.METHODS), "reads": reads, "version": version}), file=answers)
    for line in sys.stdin:
        print(json.dumps(_answer(module, json.loads(line))), file=answers)


def _answer(module: ModuleType, request: dict[str, Any]) -> dict[str, Any]:
    with open(request["path"]) as file:
        text = file.read()
    shots, method = request["shots"], request["method"]
    try:
        if request["warm"]:
            _timed(lambda: module.sample(text, min(shots, 10), method))
        times: list[tuple[float, float]] = []
        counts: dict[str, int] = {}
        while len(times) < request["repeats"] and sum(cpu for cpu, _ in times) < request["enough_s"]:
            taken, counts = _timed(lambda: module.sample(text, shots, method))
            times.append(taken)
        found = _canonical(module, _checked(module, request, text, min(c for c, _ in times)) or counts, text)
    except MemoryError:
        return {"error": "out of memory"}
    except Exception as refused:  # whatever a peer raises is its answer
        return {"error": f"{type(refused).__name__}: {refused}"[:300]}
    out = {
        "cpu_s": min(c for c, _ in times),
        "wall_s": min(w for _, w in times),
        "repeats": len(times),
        "counts": found,
    }
    if explain := getattr(module, "explain", None):
        out["notes"] = explain(text, shots, method)
    return out


def _checked(module: ModuleType, request: dict[str, Any], text: str, cpu_s: float) -> dict[str, int]:
    """Counts for the comparison, of more shots, off the clock; none where the shots would take too long."""
    shots = request["check_shots"]
    if shots <= request["shots"] or cpu_s * shots / request["shots"] > request["check_s"]:
        return {}
    return module.sample(text, shots, request["method"])


def _canonical(module: ModuleType, counts: dict[str, int], text: str) -> dict[str, int]:
    return module.canonical({str(key): int(number) for key, number in counts.items()}, text)


def _timed(work: Callable[[], dict[str, int]]) -> tuple[tuple[float, float], dict[str, int]]:
    cpu, wall = time.process_time(), time.perf_counter()
    counts = work()
    return (time.process_time() - cpu, time.perf_counter() - wall), counts


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
