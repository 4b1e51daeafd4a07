"""Leaving out the detectors that cannot change a decoder's answer.

A decoder that treats the parts of an error on their own (matching, union-find) works on a graph. A component of it
that no observable touches, such as the checks of the other basis in a memory experiment, costs time and decides
nothing. Dropping its detectors leaves the noise alone, so that a seed gives the same shots.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import stim

from qmk.models.qec.decoders.interface import Decoder

Mask = npt.NDArray[np.bool_]


def thin_circuit(circuit: stim.Circuit, decoder: Decoder) -> stim.Circuit:
    """``circuit`` without the detectors that cannot change what ``decoder`` answers; the circuit itself where the
    decoder looks at errors as a whole."""
    if not decoder.by_parts:
        return circuit
    keep = touching(decoder.model(circuit))
    return circuit if keep.all() else keep_detectors(circuit, keep)


def touching(dem: stim.DetectorErrorModel) -> Mask:
    """Which detectors are joined, by parts of errors, to one that flips an observable."""
    root = list(range(dem.num_detectors))

    def find(a: int) -> int:
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        return a

    marked: list[int] = []
    lines = str(dem.without_tags().flattened()).splitlines()  # many errors share their parts: each is looked at once
    errors = (line.partition(") ")[2] for line in lines if line.startswith("error("))
    for part in {part for error in errors for part in error.split(" ^ ")}:
        detectors = [int(name[1:]) for name in part.split() if name[0] == "D"]
        for other in detectors[1:]:
            root[find(other)] = find(detectors[0])
        if "L" in part and detectors:
            marked.append(detectors[0])
    touched = {find(a) for a in marked}
    return np.fromiter((find(a) in touched for a in range(dem.num_detectors)), np.bool_, dem.num_detectors)


def keep_detectors(circuit: stim.Circuit, keep: Mask) -> stim.Circuit:
    """``circuit`` with the detectors where ``keep`` holds; in a loop, those that are kept in any of its rounds."""
    thin = stim.Circuit()
    at = 0
    for item in circuit:
        if isinstance(item, stim.CircuitRepeatBlock):
            body = item.body_copy()
            each = body.num_detectors
            inside: Mask = np.asarray(
                np.any(keep[at : at + each * item.repeat_count].reshape(item.repeat_count, each), axis=0)
            )
            thin.append(stim.CircuitRepeatBlock(item.repeat_count, keep_detectors(body, inside), tag=item.tag))
            at += each * item.repeat_count
        elif item.name == "DETECTOR":
            if keep[at]:
                thin.append(item)
            at += 1
        else:
            thin.append(item)
    return thin
