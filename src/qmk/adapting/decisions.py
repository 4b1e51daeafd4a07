"""Decides at the start of a program, and at a fence after events: profiles of the variants, then the choice."""

from __future__ import annotations

from collections.abc import Iterable

from qmk.adapting.choice import Considered, Decision, choose
from qmk.adapting.policy import Policy
from qmk.adapting.profiles import Past, ProfileCache
from qmk.adapting.variants import Variant, first_variants, other_variants
from qmk.adapting.world import Event, World
from qmk.base.errors import QmkError
from qmk.ir.t_count import magic
from qmk.qvm.graph import Graph


def has_t(graph: Graph) -> bool:
    """Whether a machine needs T states for it."""
    return not all(magic(node.op, node.args, len(node.vqs)).clifford for node in graph.nodes)


class Decider:
    """Keeps profiles from one decision to the next, and every decision in ``decisions``."""

    def __init__(self, policy: Policy, cache: ProfileCache | None = None) -> None:
        self.policy = policy
        self.cache = ProfileCache() if cache is None else cache
        self.decisions: list[Decision] = []

    def start(self, graph: Graph, world: World, now: Variant | None = None) -> Variant:
        """What a program runs as; ``now``: unless nothing is better. Raises INVALID_PARAMS where it can run as nothing
        that the policy allows."""
        variants = first_variants(self.policy, world, has_t(graph))
        return self._decide(graph, dict.fromkeys([*([] if now is None else [now]), *variants]), world, Past(), (), now)

    def react(self, graph: Graph, world: World, past: Past, events: tuple[Event, ...]) -> Variant:
        """What the rest of a program runs as, after these events."""
        assert past.was is not None, "a program that runs has a variant"
        actions = self.policy.actions({event.kind for event in events})
        if not actions:
            return past.was
        found = other_variants(past.was, actions, self.policy, world, has_t(graph))
        return self._decide(graph, found, world, past, tuple(event.kind for event in events), past.was)

    def _decide(
        self,
        graph: Graph,
        variants: Iterable[Variant],
        world: World,
        past: Past,
        events: tuple[str, ...],
        now: Variant | None,
    ) -> Variant:
        considered = tuple(self._consider(graph, variant, world, past) for variant in variants)
        chosen, reason = choose(considered, now, self.policy)
        self.decisions.append(
            Decision(
                at_round=past.rounds,
                epoch=past.epoch,
                events=events,
                now=now,
                considered=considered,
                chosen=chosen,
                reason=reason,
            )
        )
        return chosen

    def _consider(self, graph: Graph, variant: Variant, world: World, past: Past) -> Considered:
        try:
            return Considered(variant, self.cache.profile(graph, variant, world, past))
        except QmkError as error:
            if error.kind.name != "UNSUPPORTED":
                raise
            return Considered(variant, why=error.message)
