"""Variants of a program: the code, its distance, how T states are made, where patches are, how fast rounds go."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import msgspec

from qmk.adapting.policy import CUT, Action, Policy
from qmk.adapting.world import World
from qmk.base.errors import QmkError
from qmk.models.qec import codes
from qmk.models.qec.logical import Machine

MAX_VARIANTS = 500
"""Most variants that one choice looks at."""


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """``factories``: how many make T states, 0 where states are always there or are injected. ``place``: a module, or
    ``cut`` over two. ``levels``: steps of purification of a pair between those; ``shared``: whether a pair serves all
    the gates that it can. ``stretch``: how many times as long
    every round takes as it could."""

    code: str
    distance: int
    t: str = "distilled"
    factories: int = 0
    place: str = ""
    levels: int = 0
    shared: bool = False
    stretch: int = 1

    @property
    def machine(self) -> Machine:
        """Raises INVALID_PARAMS for a family or a distance that is not there."""
        family = codes.FAMILIES.get(self.code)
        if family is None:
            raise QmkError(
                "INVALID_PARAMS", f"no family of codes '{self.code}'", field="codes", help="'qmk qec codes' lists them"
            )
        return Machine(family.at_distance(self.distance), self.t, factories=self.factories)

    @classmethod
    def of(cls, machine: Machine) -> Variant:
        """Raises UNSUPPORTED for a machine with what a variant does not have."""
        made = cls(machine.code.family, machine.code.distance, machine.t, machine.factories)
        if made.machine != machine:
            raise QmkError(
                "UNSUPPORTED",
                f"a policy with the machine {machine.spec}",
                field="qec",
                help="leave its reaction, its decoder and other parameters of its code out, or the policy",
            )
        return made

    @property
    def text(self) -> str:
        """For people: the machine, and what is not as usual."""
        parts = [self.machine.spec]
        parts += [f"at {self.place}"] if self.place else []
        parts += [f"pairs purified {self.levels} times"] if self.place == CUT and self.levels else []
        parts += ["pairs shared"] if self.place == CUT and self.shared else []
        return ", ".join(parts + ([f"rounds {self.stretch} times as long"] if self.stretch > 1 else []))


def first_variants(policy: Policy, world: World, has_t: bool) -> list[Variant]:
    """What a program may start as. Raises INVALID_PARAMS for more than ``MAX_VARIANTS``."""
    makers = [(t, n) for t in policy.t for n in _counts(policy, world, t)] if has_t else [("injected", 0)]
    alone = [(place, 0, False) for place in _places(world) if place != CUT]
    cut = [(CUT, *each) for each in itertools.product(policy.levels, policy.shared)] if CUT in _places(world) else []
    axes = (policy.codes, policy.distances, makers, [*alone, *cut], policy.stretch)
    return _bound(
        Variant(code, d, t, n, place, levels, shared, stretch)
        for code, d, (t, n), (place, levels, shared), stretch in itertools.product(*axes)
    )


def other_variants(
    now: Variant, actions: tuple[Action, ...], policy: Policy, world: World, has_t: bool
) -> list[Variant]:
    """``now``, and what these actions together may make of it."""
    found = [now]
    for action in actions:
        found = list(
            dict.fromkeys(made for each in found for made in (each, *_act(each, action, policy, world, has_t)))
        )
        _bound(found)
    return found


def _act(now: Variant, action: Action, policy: Policy, world: World, has_t: bool) -> Iterator[Variant]:
    change = msgspec.structs.replace
    if action == "distance":
        yield from (change(now, distance=d) for d in policy.distances)
    elif action == "t" and has_t:
        yield from (change(now, t=t, factories=n) for t in policy.t for n in _counts(policy, world, t))
    elif action == "place":
        alone = change(now, levels=0, shared=False)
        yield from (change(now if place == CUT else alone, place=place) for place in _places(world))
    elif action == "purify" and now.place == CUT:
        yield from (change(now, levels=levels) for levels in policy.levels)
    elif action == "share" and now.place == CUT:
        yield from (change(now, shared=shared) for shared in policy.shared)
    elif action == "slow":
        yield from (change(now, stretch=stretch) for stretch in policy.stretch)


def _counts(policy: Policy, world: World, t: str) -> tuple[int, ...]:
    """How many makers of these states a variant may have: none of injected ones, and no more than work."""
    if t == "injected":
        return (0,)
    if world.units is None:
        return policy.factories or (0,)
    work = world.units.get(t, 0)
    return tuple(dict.fromkeys(min(n, work) for n in (policy.factories or (work,)) if n and work))


def _places(world: World) -> tuple[str, ...]:
    names = tuple(world.modules)
    return (*names, CUT) if world.link is not None and len(names) > 1 else names


def _bound(made: Iterator[Variant] | list[Variant]) -> list[Variant]:
    found = list(itertools.islice(made, MAX_VARIANTS + 1))
    if len(found) > MAX_VARIANTS:
        raise QmkError(
            "INVALID_PARAMS",
            f"the policy makes more than {MAX_VARIANTS} variants of the program",
            field="policy",
            help="give fewer codes, distances, factories or levels",
        )
    return found
