"""``qmk.on_device`` gives a program as a device of neutral atoms runs it, to look at or to save."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qmk.request.program import ProgramLike, to_graph

if TYPE_CHECKING:
    from qmk.models.atoms import Profile
    from qmk.models.atoms.on_device import OnDevice


def on_device(
    program: ProgramLike,
    device: str | Profile,
    *,
    configuration: str = "",
    isa: str = "",
    shots: int | None = None,
    format: str | None = None,
    params: Mapping[str, Any] | None = None,
) -> OnDevice:
    """``program`` in the native gates of ``device``, with waits, moves and noise (``graph``), and when what happens
    (``timeline``; times in us).

    ``device``: a ``Profile``, NAME, NAME:CONFIGURATION, or the path of its JSON file. ``isa``: also keep to this
    version of the instructions, such as "1.1". Raises ``QmkError``: INVALID_GRAPH with every broken rule (ATOM-nn),
    INVALID_PARAMS for a device that is not there.
    """
    from qmk.models.atoms import on_device as devices

    profile, named = devices.device(device) if isinstance(device, str) else (device, "")
    return devices.on_device(to_graph(program, format, params), profile, configuration or named, isa, shots)
