"""Policies: what may be chosen, what is good, and what an event leads to. Data, as JSON."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import msgspec

from qmk.adapting.files import decode, load, wrong
from qmk.base.decoding import THROTTLE_LOAD

Action = Literal["distance", "t", "place", "purify", "share", "slow"]
Kind = Literal["drift", "link", "decoder", "factory"]
Objective = Literal["time_per_success", "time", "qubits", "error"]
CUT = "cut"
"""The place of a program that is cut over two modules."""

Distances = Annotated[tuple[Annotated[int, msgspec.Meta(ge=3, le=25)], ...], msgspec.Meta(min_length=1, max_length=12)]
Texts = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=32)], ...], msgspec.Meta(min_length=1, max_length=8)]
Counts = Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=1000)], ...], msgspec.Meta(max_length=8)]
Levels = Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=6)], ...], msgspec.Meta(min_length=1, max_length=7)]
Stretches = Annotated[tuple[Annotated[int, msgspec.Meta(ge=1, le=16)], ...], msgspec.Meta(min_length=1, max_length=8)]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """After an event of this kind, ``actions`` are tried, each alone and all together."""

    on: Kind
    actions: Annotated[tuple[Action, ...], msgspec.Meta(min_length=1, max_length=6)]


RULES = (
    Rule("drift", ("distance", "place")),
    Rule("link", ("share", "purify", "place", "distance")),
    Rule("decoder", ("slow", "distance")),
    Rule("factory", ("t", "distance")),
)
"""Those of a policy that gives none."""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """``codes``, ``distances``, ``t``, ``factories``, ``levels``, ``shared`` and ``stretch``: what a variant may have.
    ``objective``: what is to be small, ``time_per_success`` is rounds over the chance of no logical error.
    ``target_error``: variants that err more in a shot are taken where no other can run. ``most_load`` of the decoder
    and ``most_qubits`` bound what is taken. ``gain``: by what part a change has to be better."""

    objective: Objective = "time_per_success"
    target_error: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    codes: Texts = ("surface",)
    distances: Distances = (3, 5, 7, 9)
    t: Texts = ("cultivated3", "distilled", "injected")
    factories: Counts = ()
    levels: Levels = (0, 1, 2)
    shared: Annotated[tuple[bool, ...], msgspec.Meta(min_length=1, max_length=2)] = (False, True)
    stretch: Stretches = (1,)
    most_load: Annotated[float, msgspec.Meta(gt=0, le=1)] = THROTTLE_LOAD
    most_qubits: Annotated[int, msgspec.Meta(ge=1)] | None = None
    gain: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.02
    rules: Annotated[tuple[Rule, ...], msgspec.Meta(max_length=16)] = RULES

    def __post_init__(self) -> None:
        kinds = [rule.on for rule in self.rules]
        if len(set(kinds)) < len(kinds):
            raise wrong("policy", "two rules for one kind of event", "write their actions into one rule")
        if any(d % 2 == 0 for d in self.distances):
            raise wrong("policy", "an even distance", "give odd distances, such as 3, 5, 7")

    def actions(self, kinds: set[str]) -> tuple[Action, ...]:
        """What these events lead to, in the order of the rules."""
        return tuple(dict.fromkeys(action for rule in self.rules if rule.on in kinds for action in rule.actions))

    @classmethod
    def from_json(cls, data: bytes | str) -> Policy:
        """Raises INVALID_PARAMS naming the place of what does not fit."""
        return decode(data, cls, "policy")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """From a JSON file; ``standard`` is that of no file."""
        return cls() if path == "standard" else load(path, cls, "policy")
