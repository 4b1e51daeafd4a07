"""``python -m benchmarks.router.fuzz --programs 2000``: random programs on every engine and method that accepts them.

Programs with measurements on the way, feed-forward, event logic, resets and noise (error channels, and the random
Pauli errors of Bell pairs), of 2 to 6 qubits, each from its seed. What a method accepts is what the router would send
it: no gap by its declaration. Counts are compared with the exact distribution by ``sdk.kit.statistics``, whose bounds
are set so that a whole run raises a false alarm with probability at most ``FALSE_ALARM``. A method that is predicted to
take long runs fewer shots (Aer's extended stabilizer: tenths of a second for each bit), or not at all, which is
counted. A disagreement names the seed; ``--seed N --programs 1`` repeats it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from random import Random

import msgspec

from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Node
from qmk.qvm.verify import verify
from qmk.router.features import features
from qmk.router.score import candidate
from qmk.sdk import discovery
from qmk.sdk.kit.engine_kit import APPROXIMATE
from qmk.sdk.kit.programs import Case
from qmk.sdk.kit.random_programs import random_case
from qmk.sdk.kit.statistics import check
from qmk.worker.runner import Runner

FALSE_ALARM = 1e-6
MEMORY_BYTES = 4 << 30
PATIENCE_S = 0.5
"""predicted seconds of one run from which on it has fewer shots"""
FEWEST = 10
"""shots that every run has"""
LONGEST_S = 10.0
"""predicted seconds from which on a method is not run even so"""
NOISY = 0.2
"""part of the programs that use a channel, whose pairs have errors"""
ERRING = 0.4
"""part of the others, if small, that have error channels"""

ERRORS: tuple[tuple[str, int, dict[str, float]], ...] = (
    ("pauli", 1, {"px": 0.1, "pz": 0.2}),
    ("pauli2", 2, {"pxz": 0.1, "pyi": 0.1, "pzz": 0.05}),
    ("depolarize", 1, {"p": 0.2}),
    ("depolarize", 2, {"p": 0.3}),
    ("amplitude_damping", 1, {"gamma": 0.3}),
    ("phase_damping", 1, {"lam": 0.4}),
)


def program(seed: int) -> Case:
    """The program of a seed; three of four have measurements on the way."""
    dice = Random(seed)
    noisy = dice.random() < NOISY  # a channel splits the exact distribution 64 ways: such programs are smaller
    qubits = dice.randrange(2, 5 if noisy else 7)
    nodes = dice.randrange(4, 12 if noisy else 30)
    clifford, dynamic = dice.random() < 0.4, dice.random() < 0.75
    case = random_case(seed, clifford=clifford, dynamic=dynamic, qubits=qubits, nodes=nodes)
    if noisy:
        return with_channel(case, dice)
    return with_errors(case, dice) if qubits < 5 and dice.random() < ERRING else case


def with_errors(case: Case, dice: Random) -> Case:
    """``case`` with one or two error channels somewhere."""
    graph = case.graph
    nodes = list(graph.nodes)
    for k in range(dice.choice((1, 2))):
        name, size, args = dice.choice(ERRORS)
        if size <= len(graph.vqs):
            at = dice.randrange(1, len(nodes) - len(graph.vqs) + 1)
            qubits = tuple(dice.sample(graph.vqs, size))
            nodes.insert(at, Node(f"error{k}", f"noise.{name}", dict(args), qubits))
    changed = msgspec.structs.replace(graph, nodes=tuple(nodes), families=(*graph.families, "noise"))
    return Case(f"{case.name} with error channels", changed, case.needs, case.clifford)


def with_channel(case: Case, dice: Random) -> Case:
    """``case`` with one use of a channel of imperfect pairs between two of its qubits, somewhere."""
    graph = case.graph
    at = dice.randrange(1, len(graph.nodes) - len(graph.vqs) + 1)
    ends = tuple(dice.sample(graph.vqs, 2))
    args = {"raw": dice.choice((0.7, 0.85, 0.95))}
    use = {"semantic": dice.choice(("teleport", "swap"))}
    nodes = (
        Node("open_c", "channel.open", args, ends, ("c",)),
        Node("use_c", "channel.use", use, (), ("c",)),
        Node("close_c", "channel.close", {}, (), ("c",)),
    )
    changed = msgspec.structs.replace(
        graph,
        nodes=(*graph.nodes[:at], *nodes, *graph.nodes[at:]),
        chs=("c",),
        families=(*graph.families, "channel"),
    )
    return Case(f"{case.name} with a channel", changed, case.needs, case.clifford)


class Fuzz:
    """``only``: engines, or methods as "aer:statevector", to run; all where empty."""

    def __init__(self, shots: int, programs: int, only: list[str]) -> None:
        self.shots = shots
        known = discovery.engines()
        self.methods = [
            (found, method)
            for name, found in known.items()
            for method in found.methods
            if not only or name in only or f"{name}:{method}" in only
        ]
        self.runners = {found.name: Runner(found) for found, _ in self.methods}
        self.rate = FALSE_ALARM / max(1, programs * len(self.methods))
        self.compared: Counter[str] = Counter()
        self.drawn: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.disagreements: list[str] = []
        self.invalid = 0

    def run(self, seed: int) -> None:
        case = program(seed)
        if verify(case.graph).error() is not None:
            self.invalid += 1  # such as a random Pauli product that is the identity
            return
        known = features(case.graph)
        exact = exact_distribution(lower(case.graph, ALL_GATES))
        for declaration, method in self.methods:
            name = f"{declaration.name}:{method}" if method else declaration.name
            found = candidate(declaration, method, known, self.shots, MEMORY_BYTES, forced=True)
            if found.gaps:
                continue
            predicted = max(found.seconds or 0.0, PATIENCE_S)
            shots = max(FEWEST, int(self.shots * PATIENCE_S / predicted))
            if predicted * shots / self.shots > LONGEST_S:
                self.refused[f"{name}: predicted to take more than {LONGEST_S:g} s"] += 1
                continue
            begun = time.process_time()
            try:
                done = self.runners[declaration.name].execute(case.graph, method, shots, seed + 1, keep_events=False)
            except QmkError as refused:
                self.refused[f"{name}: {refused.message[:80]}"] += 1
                continue
            self.seconds[name] += time.process_time() - begun
            self.compared[name] += 1
            self.drawn[name] += shots
            slack = 0.0 if declaration.methods[method].exact else APPROXIMATE
            wrong = check(done.counts, exact, self.rate, slack)
            if wrong:
                self.disagreements.append(f"seed {seed}, {name}: {wrong} ({case.name})")
                print(self.disagreements[-1], file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.router.fuzz", description=__doc__)
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1, help="of the first program")
    parser.add_argument("--shots", type=int, default=500)
    parser.add_argument(
        "--engines", default="", help="engines, or methods such as aer:statevector, by comma; all where empty"
    )
    arguments = parser.parse_args()
    fuzz = Fuzz(arguments.shots, arguments.programs, [name for name in arguments.engines.split(",") if name])
    for seed in range(arguments.seed, arguments.seed + arguments.programs):
        fuzz.run(seed)
    print(f"{'engine':<28}{'programs':>9}{'shots':>9}{'CPU s':>9}")
    for name, count in sorted(fuzz.compared.items()):
        print(f"{name:<28}{count:>9}{fuzz.drawn[name]:>9}{fuzz.seconds[name]:>9.1f}")
    for why, count in fuzz.refused.most_common():
        print(f"refused {count} times: {why}")
    total = sum(fuzz.compared.values())
    programs = arguments.programs - fuzz.invalid
    print(f"{programs} programs, {len(fuzz.compared)} methods of engines, {total} comparisons, "
          f"{len(fuzz.disagreements)} disagreements (false alarm of the whole run: {FALSE_ALARM:g})")  # fmt: skip
    sys.exit(1 if fuzz.disagreements else 0)


if __name__ == "__main__":
    main()
