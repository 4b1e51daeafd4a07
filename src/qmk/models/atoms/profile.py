"""Devices for analog programs as data: their numbers, each profile a JSON file with its sources."""

from __future__ import annotations

import functools
from importlib import resources

import msgspec

from qmk.base.errors import QmkError


class Arrangement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """um; 0 where there is no bound."""

    sites: int = 0
    width: float = 0.0
    height: float = 0.0
    spacing: float = 0.0
    row_spacing: float = 0.0
    step: float = 0.0


class Light(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field: rad/us, rad/us^2, or rad. ``low`` and ``high`` equal: no bound; ``slew`` and ``step`` 0: none.
    ``ends_at_0``: it begins and ends with 0."""

    low: float = 0.0
    high: float = 0.0
    slew: float = 0.0
    step: float = 0.0
    ends_at_0: bool = False


class Local(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Local detuning. ``sites`` that have a weight, at most, and their ``spacing``; 0: no bound."""

    field: Light = Light()
    sites: int = 0
    spacing: float = 0.0


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device. Times in us; a bound of 0 is none. ``drives``: uniform drives at once, at most; None: any number, with
    patterns too. ``local`` None: no local detuning. ``shots``: least and most, (0, 0) for any number."""

    name: str
    doc: str
    sources: tuple[str, ...]
    arrangement: Arrangement = Arrangement()
    duration: float = 0.0
    time_step: float = 0.0
    interval: float = 0.0
    drives: int | None = None
    amplitude: Light = Light()
    detuning: Light = Light()
    phase: Light = Light()
    local: Local | None = Local()
    shots: tuple[int, int] = (0, 0)


@functools.cache
def profiles() -> dict[str, Profile]:
    """Every profile by its name."""
    folder = resources.files("qmk.models.atoms") / "profiles"
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".json")), key=lambda item: item.name)
    found = [msgspec.json.decode(item.read_bytes(), type=Profile) for item in files]
    return {row.name: row for row in found}


def profile(name: str) -> Profile:
    """The profile called ``name``. Raises INVALID_PARAMS naming those there are."""
    found = profiles().get(name)
    if found is None:
        known = ", ".join(profiles())
        raise QmkError("INVALID_PARAMS", f"there is no device '{name}'; there are {known}", field="device", help=known)
    return found
