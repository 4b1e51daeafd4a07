"""Scenario files: a program, a machine, and what happens to it, with a seed."""

from __future__ import annotations

import os
import random
from typing import Annotated

import msgspec

from qmk.adapting.files import decode, load, wrong
from qmk.adapting.policy import Policy
from qmk.adapting.programs import Mirror
from qmk.adapting.world import Event, World
from qmk.base.seeds import substream


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """``courses``: how often the machine's time is run, each with draws of its own: when an event comes, up to the part
    ``jitter`` of its round sooner or later, and which attempts of factories and links fail. ``shots``: of each."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    program: Mirror
    machine: World
    events: Annotated[tuple[Event, ...], msgspec.Meta(max_length=64)] = ()
    policy: Policy = Policy()
    seed: Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)] = 0
    courses: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 8
    shots: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1000
    jitter: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0

    def __post_init__(self) -> None:
        if not self.name.isprintable():
            raise wrong("scenario", "a name that cannot be printed", "give letters and digits")
        world = self.machine
        for event in self.events:
            world = event.on(world)

    def course_seed(self, course: int) -> int:
        return substream(self.seed, "course", course)

    def events_of(self, course: int) -> list[Event]:
        """In the order of their rounds."""
        dice = random.Random(substream(self.seed, "events", course))
        moved = [
            msgspec.structs.replace(event, at_round=event.at_round * (1 + self.jitter * dice.uniform(-1, 1)))
            for event in self.events
        ]
        return sorted(moved, key=lambda event: event.at_round)

    @classmethod
    def from_json(cls, data: bytes | str) -> Scenario:
        """Raises INVALID_PARAMS naming the place of what does not fit."""
        return decode(data, cls, "scenario")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Scenario:
        return load(path, cls, "scenario")
