"""Machines over time with and without adaptation: the scenarios of this folder, and random ones.

    python -m benchmarks.scenarios [--random N] [--courses N] [--shots N]

Everything follows from the seeds; processor time is told, and nothing depends on it.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import msgspec

import qmk
from qmk.adapting import Event, Module, Policy, Scenario, World
from qmk.adapting.programs import Mirror
from qmk.adapting.report import Comparison, Figure, compare
from qmk.adapting.world import LinkState
from qmk.base.seeds import substream
from qmk.qvm.graph import Graph

HERE = Path(__file__).parent


def count_zeros(graph: Graph, shots: int, seed: int) -> int:
    counts = qmk.sample(graph, shots=shots, seed=seed, cache=False).counts
    return sum(count for bits, count in counts.items() if "1" not in bits)


def random_scenario(number: int) -> Scenario:
    """A program, a machine of two modules and one to three events, all drawn."""
    dice = random.Random(substream(0, "random scenario", number))
    qubits = dice.randint(2, 6)
    clifford = dice.random() < 0.5
    program = Mirror(qubits, dice.randint(3, 8), 0 if clifford else dice.randint(1, 6), star=dice.random() < 0.3)
    room = dice.choice((760, 2000, 8000))
    machine = World(
        {"A": Module("p=1e-3", room), "B": Module("p=1e-3", room)},
        {"cultivated3": 4, "cultivated5": 6},
        "event=2.5e-8,cores=1,round=1e-6",
        latency_rounds=10,
        link=LinkState(dice.choice((1.0, 2.0, 5.0)), 0.9995),
    )
    events = [_draw_event(dice, clifford) for _ in range(dice.randint(1, 3))]
    levels, stretch = (0, 1, 2, 3), (1, 2)
    policy = Policy(levels=levels, stretch=stretch, t=("cultivated3", "cultivated5", "injected"), factories=(2, 4, 6))
    return Scenario(
        name=f"random {number}", program=program, machine=machine, events=tuple(events), policy=policy, seed=number,
        jitter=0.2,
    )  # fmt: skip


def _draw_event(dice: random.Random, clifford: bool) -> Event:
    """Noise drifts in programs without T alone: cultivation is known at one strength."""
    kind = dice.choice(("drift", "link", "decoder", "factory") if clifford else ("link", "decoder", "factory"))
    at = dice.uniform(30, 400)
    if kind == "drift":
        return Event(
            at_round=at, kind="drift", module=dice.choice(("A", "B", None)), noise=dice.choice(("p=2e-3", "p=3e-3"))
        )
    if kind == "link":
        return Event(
            at_round=at, kind="link", link=LinkState(dice.choice((1.0, 5.0, 30.0)), dice.uniform(0.93, 0.9995))
        )
    if kind == "decoder":
        return Event(at_round=at, kind="decoder", decoder=f"event={dice.uniform(2e-8, 1.2e-7):.3g},cores=1,round=1e-6")
    return Event(at_round=at, kind="factory", unit="cultivated3", working=dice.randint(1, 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", type=int, default=20)
    parser.add_argument("--courses", type=int, default=8)
    parser.add_argument("--shots", type=int, default=1000)
    asked = parser.parse_args()
    begin = time.process_time()
    print("| scenario | success | adaptive | rounds | adaptive | rounds per success, adaptive over without |")
    print("|---|---|---|---|---|---|")
    named = [Scenario.load(path) for path in sorted(HERE.glob("*.json"))]
    for scenario in [*named, *map(random_scenario, range(asked.random))]:
        _print_row(compare(msgspec.structs.replace(scenario, courses=asked.courses, shots=asked.shots), count_zeros))
    print(f"{time.process_time() - begin:.0f} s of processor time")


def _print_row(found: Comparison) -> None:
    arms = (found.without, found.adaptive)
    cells = [*(_text(arm.success) for arm in arms), *(_text(arm.rounds) for arm in arms), _text(found.ratio)]
    print(f"| {found.name} | {' | '.join(cells)} |", flush=True)


def _text(figure: Figure) -> str:
    return f"{figure.value:.4g} ({figure.low:.4g} to {figure.high:.4g})"


if __name__ == "__main__":
    main()
