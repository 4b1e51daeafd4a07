"""Devices as data: their numbers, each profile a JSON file with its sources.

A device takes analog programs, programs of gates, or both. What it says of gates is in ``machine``, where its atoms are
in ``geometry``; a device without a geometry runs no gates.
"""

from __future__ import annotations

import difflib
import functools
import os
from importlib import resources

import msgspec

from qmk.base.errors import QmkError
from qmk.models import files
from qmk.models.atoms.geometry import Geometry
from qmk.models.atoms.machine import Blockade, DeviceErrors, NativeGate, Pairs, Timing, Transport
from qmk.models.atoms.noisy import AtomNoise
from qmk.models.devices.names import snapshots


class Arrangement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on where atoms are, in um; 0 where there is none. ``radius``: of the disc about the origin that holds all
    sites."""

    sites: int = 0
    width: float = 0.0
    height: float = 0.0
    radius: float = 0.0
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


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A device. Times in us, distances in um; a bound of 0 is none.

    Analog programs: ``duration`` and ``least_duration`` of an evolution. ``drives``: uniform drives at once, at most;
    None: any number, with patterns too. ``local`` None: no local detuning. ``analog`` False: no evolutions at all.
    ``noise``: their errors, or the name of such (``noisy``), for whoever asks for noise "device"; "": none are known.
    Programs of gates: ``geometry`` None: none. ``gates``: the native ones, () for every gate of family core.
    ``transport`` None: atoms stay where they are. ``isa``: versions of instructions that it takes (``isa``).
    Both: ``shots``: least and most, (0, 0) for any number.
    """

    name: str
    doc: str
    sources: tuple[str, ...]
    arrangement: Arrangement = Arrangement()
    duration: float = 0.0
    least_duration: float = 0.0
    time_step: float = 0.0
    interval: float = 0.0
    drives: int | None = None
    amplitude: Light = Light()
    detuning: Light = Light()
    phase: Light = Light()
    local: Local | None = Local()
    shots: tuple[int, int] = (0, 0)
    analog: bool = True
    noise: AtomNoise | str = ""
    geometry: Geometry | None = None
    gates: tuple[NativeGate, ...] = ()
    interactions: tuple[Pairs, ...] = ()
    blockade: Blockade = Blockade()
    timing: Timing = Timing()
    transport: Transport | None = None
    mishaps: DeviceErrors = DeviceErrors()
    isa: tuple[str, ...] = ("2.0",)


@functools.cache
def profiles() -> dict[str, Profile]:
    """Every profile by its name."""
    folder = resources.files("qmk.models.atoms") / "profiles"
    found = sorted((item for item in folder.iterdir() if item.name.endswith(".json")), key=lambda item: item.name)
    made = [msgspec.json.decode(item.read_bytes(), type=Profile) for item in found]
    return {row.name: row for row in made}


def profile(name: str) -> Profile:
    """The profile called ``name``. Raises INVALID_PARAMS naming those there are."""
    found = profiles().get(name)
    if found is None:
        near = difflib.get_close_matches(name, (*profiles(), *snapshots()), 1)
        raise QmkError(
            "INVALID_PARAMS",
            f"there is no device '{name[:80]}'; there are {', '.join((*profiles(), *snapshots()))}",
            field="device",
            help=f"did you mean '{near[0]}'?" if near else "'qmk atoms devices' says what those of atoms are",
        )
    return found


def load(path: str | os.PathLike[str]) -> Profile:
    """A profile of one's own, from a JSON file with the fields of ``Profile``, or that of a zoned architecture as ZAC
    and mqt.qmap read it. Raises INVALID_PARAMS naming the place of what does not fit, QUOTA_EXCEEDED for too many
    sites; whether its parts fit each other, ``sound`` says."""
    from qmk.models.atoms import architecture

    data = files.read(path)
    if architecture.KEY in data:
        return architecture.from_architecture(data, str(path))
    try:
        return msgspec.json.decode(data, type=Profile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise QmkError(
            "INVALID_PARAMS",
            f"'{path}' is not a device: {error}",
            field="device",
            help="the fields are in docs/howto/devices.md",
        ) from error
