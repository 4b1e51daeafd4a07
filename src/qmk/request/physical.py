"""Writes the noise and the device that a caller asks for into the graph of a program, however it is run."""

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
    from qmk.request.logical import Drift

    NoiseLike = NoiseModel | AtomNoise | os.PathLike[str] | str


def physical(
    graph: Graph,
    noise: NoiseLike | None = None,
    device: str | None = None,
    shots: int | None = None,
    numbered: bool = False,
) -> tuple[Graph, dict[str, Any]]:
    """``graph`` as ``device`` runs it, with ``noise``; and what a result's notes say of either.

    ``noise``: a model of errors of gates, its file or short form; for a program of evolutions an ``AtomNoise`` or the
    name of one; "device": that of the device. After a name and after "device" terms may follow, which take the place of
    its numbers (``models.atoms.short``). ``numbered``: qubits keep their numbers, by which outputs other than counts
    name them, also on a device that the program is compiled for. Raises INVALID_PARAMS for what is none, or does not
    fit the program; INVALID_GRAPH for what the device refuses.
    """
    notes: dict[str, Any] = {}
    terms = _of_device(noise)
    profile = None
    if device is not None and _is_target(device):
        graph, notes = _on_target(graph, device, terms, numbered)
        if terms is not None:
            return graph, {**notes, "noise": ",".join(["of the device", *terms])}
    elif device is not None:
        from qmk.models.atoms.on_device import device as named
        from qmk.models.atoms.on_device import on_device

        profile, configuration = named(device)
        if terms and not _evolves(graph):
            profile = _otherwise(profile, terms, str(noise))
        made = on_device(graph, profile, configuration, shots=shots)
        graph, notes["device"] = made.graph, f"{device}, {made.timeline.duration_us:.6g} us a shot"
    if terms is not None:
        graph, notes["noise"] = _noisy(graph, terms, profile)
    elif noise is not None:
        write, notes["noise"] = _writer(noise)
        graph = write(graph)
    return graph, notes


def _is_target(device: str) -> bool:
    from qmk.models.devices.names import is_target

    return is_target(device)


def _on_target(graph: Graph, device: str, terms: list[str] | None, numbered: bool) -> tuple[Graph, dict[str, Any]]:
    """The program on a device of coupled sites, compiled for it unless it is written for it, with the device's noise,
    in which ``terms`` take the place of numbers. A device of which no errors are known has none, and a note says so."""
    from qmk.models.devices import target_named
    from qmk.models.devices.age import age_note
    from qmk.models.devices.noise import noise_of, unknown
    from qmk.models.devices.on_target import misfit, on_target, sites_of
    from qmk.models.noise import NoiseModel
    from qmk.models.noise.short import adjust

    target = target_named(device)
    note = [device]
    own: dict[str, str] = {name: name for name in graph.vqs}
    if misfit(target, graph):
        from qmk.compiling.target import goal_of
        from qmk.request.compiling import compile_graph

        graph, report = compile_graph(graph, goal_of(target))
        handles = sites_of(target, graph)
        own = {name: handles[site] for name, site in zip(own, report["last"], strict=True)}
        note.append("compiled for it")
    kept = own if numbered else None
    says_nothing = terms is None and not target.facts and not target.readings
    if says_nothing:
        return on_target(target, graph, NoiseModel(), kept), {"device": ", ".join([*note, "no errors of it are known"])}
    model = noise_of(target, sites_of(target, graph))
    if terms:
        model = adjust(model, terms, ",".join([target.name, *terms]))
    note += [*([age_note(target.date)] if target.date else []), *unknown(target)]
    return on_target(target, graph, model, kept), {"device": ", ".join(note)}


def labels(noise: NoiseLike | None, device: str | None) -> dict[str, str]:
    """The notes of a result on noise and device, from the options alone."""
    notes: dict[str, str] = {} if device is None else {"device": device}
    if noise is not None:
        terms = _of_device(noise)
        notes["noise"] = _writer(noise)[1] if terms is None else ",".join(["of the device", *terms])
    return notes


def _of_device(noise: NoiseLike | None) -> list[str] | None:
    """The terms after "device"; None if another noise is asked for."""
    if not isinstance(noise, str):
        return None
    from qmk.models.noise.short import OF_DEVICE, base_of

    base, terms = base_of(noise)
    return terms if base == OF_DEVICE else None


def _evolves(graph: Graph) -> bool:
    return any(node.op.startswith("analog.") for node in graph.nodes)


def _otherwise(profile: Profile, terms: list[str], whole: str) -> Profile:
    """A device of gates with other error rates."""
    from qmk.models.atoms.short import adjusted_device

    return adjusted_device(profile, terms, whole)


def _noisy(graph: Graph, terms: list[str], profile: Profile | None) -> tuple[Graph, str]:
    """The errors of a device, with ``terms`` in place of some of them."""
    found = _of(profile, graph, bool(terms))
    if found is None:
        return graph, ",".join(["of the device", *terms])
    from qmk.models.atoms import atom_noises, noisy
    from qmk.models.atoms.short import adjust

    errors = atom_noises()[found] if isinstance(found, str) else found
    errors = adjust(errors, terms, ",".join([errors.name, *terms])) if terms else errors
    return noisy(graph, errors), errors.name


def read_once(noise: NoiseLike | Drift | None) -> NoiseLike | Drift | None:
    """The noise of a batch, read for all of its entries where it is a text or a file."""
    if isinstance(noise, str):
        return noise if _of_device(noise) is not None else read_noise(noise)
    return read_noise(noise) if isinstance(noise, os.PathLike) else noise


def has_wrong_readings(noise: NoiseLike | Drift) -> bool:
    """Whether it is one noise of gates with errors of the read-out."""
    if not isinstance(noise, (str, os.PathLike)):
        return bool(getattr(noise, "readout", ()))
    return _of_device(noise) is None and bool(getattr(read_noise(noise), "readout", ()))


def read_noise(noise: NoiseLike) -> NoiseModel | AtomNoise:
    """The errors that a model, a file or a text other than "device" names. A text is noise of atoms if it names a
    preset of atoms or a term of evolutions; any other is noise of gates."""
    from qmk.models.noise import NoiseModel, resolve

    if not isinstance(noise, (NoiseModel, os.PathLike)):
        from qmk.models.atoms import AtomNoise
        from qmk.models.atoms.short import atom_noise

        errors = atom_noise(noise) if isinstance(noise, str) else noise
        if isinstance(errors, AtomNoise):
            return errors
    return resolve(noise)


def _writer(noise: NoiseLike) -> tuple[Callable[[Graph], Graph], str]:
    """The function that writes the noise into a graph, and the label of the noise."""
    from qmk.models.noise import NoiseModel, apply

    model = read_noise(noise)
    if isinstance(model, NoiseModel):
        return functools.partial(apply, model), model.label
    from qmk.models.atoms import noisy

    return functools.partial(noisy, errors=model), model.name


def _of(profile: Profile | None, graph: Graph, changed: bool) -> AtomNoise | str | None:
    """The noise of a device, None where its gates have it already. ``changed``: with numbers of the caller's own."""
    if profile is None:
        raise QmkError(
            "INVALID_PARAMS", "the noise of a device, and no device", field="noise", help="name the device, or a model"
        )
    from qmk.models.atoms.machine import DeviceErrors

    evolves = _evolves(graph)
    if (profile.noise == "") if evolves else (profile.mishaps == DeviceErrors() and not changed):
        what = "evolutions" if evolves else "gates"
        text = f"device '{profile.name}' says nothing of errors of {what}"
        raise QmkError("INVALID_PARAMS", text, field="noise", help="name a model, or leave the noise out")
    return profile.noise if evolves else None
