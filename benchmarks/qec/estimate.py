"""``python -m benchmarks.qec.estimate [--peer PYTHON] [--items N]``: a batch of resource estimates beside the reference
implementation (qdk.estimator), in CPU seconds of one process each, from parameters to complete groups of results.

Two batches of N: "programs" are random logical counts on six kinds of qubits with random budgets, "sweep" is one
program under N parameter sets. Results are compared item by item: qubits, distance, factories, runtime. The reference
runs in the interpreter named by --peer, which needs the package ``qdk``; its times include no start of the process.
Its results come with texts for a report (reportData), ours do not: the ratio of the native call alone is printed too.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
import time
from typing import Any

from qmk.base.errors import QmkError
from qmk.models.estimate import counts as logical
from qmk.models.estimate import machine
from qmk.models.estimate.estimate import Estimate

BAR = 0.3
QUBITS = tuple(
    f"qubit_{name}" for name in ("gate_ns_e3", "gate_ns_e4", "gate_us_e3", "gate_us_e4", "maj_ns_e4", "maj_ns_e6")
)
REPEATS = 3

PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from qdk._native import physical_estimates
from qdk.estimator import LogicalCounts
cases = json.load(sys.stdin)
physical_estimates(json.dumps(cases[0][0]), json.dumps([cases[0][1]]))
best = {}
for way in ("call", "library") * 3:
    start = time.process_time()
    if way == "call":
        texts = [physical_estimates(json.dumps(counts), json.dumps([params])) for counts, params in cases]
    else:
        found = [LogicalCounts(counts).estimate(params) for counts, params in cases]
    best[way] = min(best.get(way, 1e9), time.process_time() - start)
results = [json.loads(text)[0] for text in texts]
keep = []
for each in results:
    counts = each.get("physicalCounts")
    keep.append(counts and [counts["physicalQubits"], counts["runtime"], counts["breakdown"]["numTfactories"],
        each["logicalQubit"]["codeDistance"]])
json.dump([best, keep], sys.stdout)
"""


def programs(items: int, seed: int = 5) -> list[tuple[dict[str, int], dict[str, Any]]]:
    """Random programs on random machines. Budgets above 1e-3 with 1 us gates are left out: on some of them the
    reference does not return."""
    dice = random.Random(seed)

    def spread(low: float, high: float) -> int:
        return round(math.exp(dice.uniform(math.log(low), math.log(high))))

    found: list[tuple[dict[str, int], dict[str, Any]]] = []
    while len(found) < items:
        counts = {"numQubits": spread(10, 2e4), "tCount": spread(1e3, 1e10), "measurementCount": spread(1e2, 1e6)}
        if dice.random() < 0.5:
            rotations = spread(10, 1e6)
            counts |= {"rotationCount": rotations, "rotationDepth": dice.randint(1, rotations)}
        if dice.random() < 0.4:
            counts["cczCount"] = spread(10, 1e9)
        name = dice.choice(QUBITS)
        scheme = "floquet_code" if "maj" in name and dice.random() < 0.5 else "surface_code"
        params = {"qubitParams": {"name": name}, "qecScheme": {"name": scheme}, "errorBudget": spread(1, 1e4) / 1e7}
        found.append((counts, params))
    return found


def sweep(items: int) -> list[tuple[dict[str, int], dict[str, Any]]]:
    """One program, every kind of qubits, budgets in equal steps of their logarithm."""
    counts = {"numQubits": 100, "tCount": 10**6, "rotationCount": 30100, "rotationDepth": 501, "measurementCount": 100}
    found: list[tuple[dict[str, int], dict[str, Any]]] = []
    for index in range(items):
        budget = round(10 ** (-6 + 3 * index / items), 12)
        found.append((counts, {"qubitParams": {"name": QUBITS[index % 6]}, "errorBudget": budget}))
    return found


def ours(cases: list[tuple[dict[str, int], dict[str, Any]]]) -> tuple[float, list[list[int] | None]]:
    """The least CPU seconds of three runs, each from an empty memory, and the figures."""
    best, kept = math.inf, []
    for _ in range(REPEATS):
        machine.forget()
        start = time.process_time()
        results = [_groups(counts, params) for counts, params in cases]
        best = min(best, time.process_time() - start)
        kept = [_figures(each) for each in results]
    return best, kept


def _groups(counts: dict[str, int], params: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return Estimate(logical.parse(counts), params).to_dict()
    except QmkError:
        return None


def _figures(groups: dict[str, Any] | None) -> list[int] | None:
    if groups is None:
        return None
    counts = groups["physicalCounts"]
    factories = counts["breakdown"]["numTfactories"]
    return [counts["physicalQubits"], counts["runtime"], factories, groups["logicalQubit"]["codeDistance"]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="a Python that has qdk")
    parser.add_argument("--items", type=int, default=1000)
    asked = parser.parse_args()
    missed = False
    for name, cases in (("programs", programs(asked.items)), ("sweep", sweep(asked.items))):
        seconds, figures = ours(cases)
        print(f"{name}: {asked.items} estimates in {seconds:.3f} CPU s, {1e6 * seconds / asked.items:.0f} us each")
        if asked.peer:
            missed |= not _beside(asked.peer, cases, seconds, figures)
    return int(missed)


def _beside(peer: str, cases: list[Any], seconds: float, figures: list[list[int] | None]) -> bool:
    done = subprocess.run(
        [peer, "-c", PEER], input=json.dumps(cases), stdout=subprocess.PIPE, text=True, timeout=900, check=True
    )
    best, theirs = json.loads(done.stdout)
    equal = sum(a == b for a, b in zip(theirs, figures, strict=True))
    ratio = seconds / best["library"]
    print(
        f"  reference {best['library']:.3f} CPU s, its native call alone {best['call']:.3f}; "
        f"equal {equal} of {len(cases)}"
    )
    print(f"  ratio {ratio:.2f} (bar {BAR}), to the native call {seconds / best['call']:.2f}")
    return ratio <= BAR and equal == len(cases)


if __name__ == "__main__":
    sys.exit(main())
