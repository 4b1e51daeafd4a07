"""``qmk.on_device`` gives a program as a device of neutral atoms runs it, to look at or to save."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from qmk.base.limits import LIMITS
from qmk.request import arguments
from qmk.request.program import ProgramLike, to_graph

if TYPE_CHECKING:
    from qmk.models.atoms import Profile
    from qmk.models.atoms.on_device import OnDevice
    from qmk.models.devices import Target


def on_device(
    program: ProgramLike,
    device: str | Profile,
    *,
    configuration: str = "",
    isa: str = "",
    shots: int | None = None,
    format: str | None = None,
    params: Mapping[Any, Any] | None = None,
) -> OnDevice:
    """``program`` in the native gates of ``device``, with waits, moves and noise (``graph``), and when what happens
    (``timeline``; times in us).

    ``device``: a ``Profile``, NAME, NAME:CONFIGURATION, or the path of its JSON file. ``isa``: also keep to this
    version of the instructions, such as "1.1". Raises ``QmkError``: INVALID_GRAPH with every broken rule (ATOM-nn),
    INVALID_PARAMS for a device that is not there.
    """
    from qmk.models.atoms import on_device as devices

    profile, named = device_of(device)
    arguments.text("configuration", configuration)
    arguments.text("isa", isa)
    if shots is not None:
        shots = arguments.whole("shots", shots, 1, LIMITS.shots)
    return devices.on_device(to_graph(program, format, params), profile, configuration or named, isa, shots)


def device_of(device: str | Profile) -> tuple[Profile, str]:
    """The profile and the configuration that a caller names. Raises INVALID_PARAMS."""
    from qmk.models.atoms import Profile
    from qmk.models.atoms import on_device as devices

    if not isinstance(cast("object", device), (str, Profile)):
        raise arguments.refuse("device", device, "a name, a file or a Profile", "'qmk atoms devices' lists the names")
    return devices.device(device) if isinstance(device, str) else (device, "")


def device_target(device: str | Profile) -> Target:
    """What ``device`` says of its gates, errors and times, as a device of coupled sites: a target by its name or file,
    or a device of atoms as ``device_of`` takes it. Raises INVALID_PARAMS for another name, UNSUPPORTED for a device
    that runs no gates."""
    from qmk.models.atoms.coupled import coupled_target
    from qmk.models.devices.names import SHAPES, is_target, target_named

    if isinstance(device, str) and (is_target(device) or device.partition(":")[0] in SHAPES):
        return target_named(device)
    return coupled_target(*device_of(device))


def device_names() -> list[str]:
    """The devices that come with QMK and run gates: those with a calibration, then those of atoms."""
    from qmk.models.atoms.profile import profiles
    from qmk.models.devices.names import snapshots

    return [*snapshots(), *(name for name, profile in profiles().items() if profile.geometry is not None)]
