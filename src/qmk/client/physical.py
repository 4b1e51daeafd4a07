"""Noise and devices that a caller asks for beside a program, written into its graph, whichever way it is run."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.qvm.graph import Graph

if TYPE_CHECKING:
    from qmk.models.atoms import AtomNoise, Profile
    from qmk.models.noise import NoiseModel

    NoiseLike = NoiseModel | AtomNoise | os.PathLike[str] | str

OF_DEVICE = "device"
"""as ``noise``: what goes wrong on the device"""


def physical(
    graph: Graph, noise: NoiseLike | None = None, device: str | None = None, shots: int | None = None
) -> tuple[Graph, dict[str, Any]]:
    """``graph`` as ``device`` runs it, with ``noise``; and what a result's notes say of either.

    ``noise``: a model of errors of gates, its file or short form; for a program of evolutions an ``AtomNoise`` or the
    name of one; "device": that of the device. Raises INVALID_PARAMS for what is none, or does not fit the program;
    INVALID_GRAPH for what the device refuses.
    """
    notes: dict[str, Any] = {}
    profile = None
    if device is not None:
        from qmk.models.atoms.on_device import device as named
        from qmk.models.atoms.on_device import on_device

        profile, configuration = named(device)
        made = on_device(graph, profile, configuration, shots=shots)
        graph, notes["device"] = made.graph, f"{device}, {made.timeline.duration_us:.6g} us a shot"
    if noise is not None:
        graph, notes["noise"] = _noisy(graph, noise, profile)
    return graph, notes


def labels(noise: NoiseLike | None, device: str | None) -> dict[str, str]:
    """What a result's notes say of noise and device, without the program."""
    notes: dict[str, str] = {} if device is None else {"device": device}
    if noise is not None:
        of_device = isinstance(noise, str) and noise == OF_DEVICE
        notes["noise"] = "of the device" if of_device else _writer(noise)[1]
    return notes


def _noisy(graph: Graph, noise: NoiseLike, profile: Profile | None) -> tuple[Graph, str]:
    if isinstance(noise, str) and noise == OF_DEVICE:
        found = _of(profile, graph)
        if found is None:
            return graph, "of the device"
        noise = found
    write, label = _writer(noise)
    return write(graph), label


def _writer(noise: NoiseLike) -> tuple[Callable[[Graph], Graph], str]:
    """What writes it into a graph, and its label. Only one word, or no text at all, may be noise of atoms."""
    from qmk.models.noise import NoiseModel, apply, resolve

    if noise.isidentifier() if isinstance(noise, str) else not isinstance(noise, (NoiseModel, os.PathLike)):
        from qmk.models.atoms import AtomNoise, atom_noises, noisy

        errors = atom_noises().get(noise) if isinstance(noise, str) else noise
        if isinstance(errors, AtomNoise):
            return functools.partial(noisy, errors=errors), errors.name
    model = resolve(noise)
    return functools.partial(apply, model), model.label


def _of(profile: Profile | None, graph: Graph) -> AtomNoise | str | None:
    """The noise of a device, None where its gates have it already."""
    if profile is None:
        raise QmkError(
            "INVALID_PARAMS", "the noise of a device, and no device", field="noise", help="name the device, or a model"
        )
    from qmk.models.atoms.machine import Mishaps

    evolves = any(node.op.startswith("analog.") for node in graph.nodes)
    if (profile.noise == "") if evolves else (profile.mishaps == Mishaps()):
        what = "evolutions" if evolves else "gates"
        text = f"device '{profile.name}' says nothing of errors of {what}"
        raise QmkError("INVALID_PARAMS", text, field="noise", help="name a model, or leave the noise out")
    return profile.noise if evolves else None
