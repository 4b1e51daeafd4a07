"""Choices above the kernel: which variant of a program runs on a machine of logical qubits, and what changes it.

``variants``: what can be chosen. ``world``: what the machine is at a moment, and events that change it. ``profiles``:
what a variant takes, from the machine that would run it. ``policy``: rules as data. ``choice``: a decision as a pure
function of profiles, which a journal replays. ``scenarios`` and ``course``: a machine over time, with and without it.
"""

from __future__ import annotations

from qmk.adapting.choice import Considered, Decision, choose, replay
from qmk.adapting.decisions import Decider
from qmk.adapting.policy import Policy, Rule
from qmk.adapting.profiles import Profile, ProfileCache
from qmk.adapting.scenarios import Scenario
from qmk.adapting.variants import Variant
from qmk.adapting.world import Event, Module, World

__all__ = [
    "Considered",
    "Decider",
    "Decision",
    "Event",
    "Module",
    "Policy",
    "Profile",
    "ProfileCache",
    "Rule",
    "Scenario",
    "Variant",
    "World",
    "choose",
    "replay",
]  # fmt: skip
