"""One course of a scenario: a program on the machine's clock, epoch by epoch, with or without decisions.

What is true comes into force at the next fence: the rest of the program is written anew under it, as a daemon does for
a calibration, whether or not anything is decided. So both courses are charged alike, and differ by decisions alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from qmk.adapting.choice import Decision
from qmk.adapting.decisions import Decider
from qmk.adapting.profiles import Past, ProfileCache, Written, write
from qmk.adapting.scenarios import Scenario
from qmk.adapting.variants import Variant
from qmk.adapting.world import Event, World
from qmk.models.qec.logical.drifting import flips_of
from qmk.models.qec.logical.patches import end_of_epoch
from qmk.qvm.graph import Graph


@dataclass(frozen=True)
class Course:
    """``graph``: the program as it ran, with every error that it suffered. ``rounds``: until the last answer of the
    decoder. ``expected_success``: the chance that nothing flips."""

    graph: Graph
    rounds: float
    expected_success: float
    variants: tuple[Variant, ...]
    decisions: tuple[Decision, ...]


def run_course(scenario: Scenario, number: int, adapt: bool, cache: ProfileCache | None = None) -> Course:
    """Course ``number`` of a scenario. Raises what ``Decider.start`` raises, and UNSUPPORTED where the program comes
    under noise at which its variant cannot be written."""
    machine = _Machine(scenario, number, Decider(scenario.policy, cache))
    return machine.run(adapt)


class _Machine:
    def __init__(self, scenario: Scenario, number: int, decider: Decider) -> None:
        self.world: World = scenario.machine
        self.decider = decider
        self.due = scenario.events_of(number)
        self.seed = scenario.course_seed(number)
        self.graph = scenario.program.graph(scenario.seed)
        self.epochs = sum(node.op == "core.fence" for node in self.graph.nodes) + 1
        self.rounds = 0.0

    def run(self, adapt: bool) -> Course:
        variant = self.decider.start(self.graph, self.world)
        used_variants = [variant]
        written, since = self._write(variant, Past(seed=self.seed)), 0
        for epoch in range(self.epochs):
            events = self._take_events()
            if events:
                past = self._past(epoch, variant, written, since)
                if adapt and epoch:
                    variant = self.decider.react(self.graph, self.world, past, events)
                    used_variants += [variant] if variant != used_variants[-1] else []
                written, since = self._write(variant, past), epoch
            self.rounds += written.rounds_of(written.used.epoch_cycles[epoch - since])
        if written.backlog is not None:
            end = written.backlog.after(written.used.cycles * written.d)
            self.rounds += (end.behind_rounds + end.latency_rounds) * written.stretch
        return Course(
            self.graph,
            self.rounds,
            Past(flips=flips_of(self.graph.nodes)).success,
            tuple(used_variants),
            tuple(self.decider.decisions),
        )

    def _write(self, variant: Variant, past: Past) -> Written:
        written = write(self.graph, variant, self.world, past)
        self.graph = written.graph
        return written

    def _past(self, epoch: int, variant: Variant, written: Written, since: int) -> Past:
        behind = 0.0
        if written.backlog is not None:
            done = sum(written.used.epoch_cycles[: epoch - since]) * written.d
            behind = written.backlog.behind(done) * written.stretch
        flips = flips_of(self.graph.nodes[: end_of_epoch(self.graph, epoch)])
        return Past(epoch, variant if epoch else None, self.rounds, flips, behind, self.seed)

    def _take_events(self) -> tuple[Event, ...]:
        taken: list[Event] = []
        while self.due and self.due[0].at_round <= self.rounds:
            taken.append(self.due.pop(0))
            self.world = taken[-1].on(self.world)
        return tuple(taken)
