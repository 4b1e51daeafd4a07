"""Tutorials of other frameworks with one line changed: each is a script that runs as it is, and with its marked line.

A script has a line ``# QMK: LINE`` before the one that it replaces. The script prints its numbers and saves a picture.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).with_name("scripts")
RESULTS = ROOT / "benchmarks" / "results" / "one_line.json"
MARK = re.compile(r"^( *)# QMK: (.*)\n(.*)\n", re.MULTILINE)
NUMBER = re.compile(r"-?\d+\.\d+")


class Tutorial(NamedTuple):
    """``environment``: that of ``qmk engines install`` in which it runs, "" for QMK's own, "given" for one by hand.
    ``within``: how far its printed numbers may differ, by shots and by rounding."""

    name: str
    title: str
    framework: str
    within: float
    environment: str = ""


TUTORIALS = (
    Tutorial("vqe", "VQE with gradients", "PennyLane", 1e-5),
    Tutorial("qaoa", "QAOA with EstimatorV2", "Qiskit", 2e-3),
    Tutorial("classifier", "A quantum layer in torch", "PennyLane and torch", 2e-3, "given"),
    Tutorial("supremacy", "Random circuit sampling", "Cirq", 0.1),
    Tutorial("teleportation", "Teleportation with feed-forward", "Qiskit", 0.03),
    Tutorial("walk", "A quantum walk", "Cirq", 0.5),
    Tutorial("zne", "Zero-noise extrapolation", "Mitiq and Cirq", 1e-3, "mitiq"),
    Tutorial("cavity", "An atom in a lossy cavity", "QuTiP", 2e-4),
    Tutorial("tfq", "A classifier of excitations", "TensorFlow Quantum", 2e-3, "tfq"),
    Tutorial("memory", "Error correction", "Stim and PyMatching", 0.02),
    Tutorial("rydberg", "A Rydberg sweep", "Pulser", 0.05, "given"),
    Tutorial("bosons", "Gaussian boson sampling", "Strawberry Fields", 0.12, "strawberryfields"),
)


def changed(source: str) -> tuple[str, str, str]:
    """The script with its marked line in place of the next, the line that was there, and the one that is. Raises
    ValueError for a script with another number of marks than one."""
    found = MARK.findall(source)
    if len(found) != 1:
        raise ValueError(f"{len(found)} lines are marked, not one")
    (indent, new, old) = found[0]
    return MARK.sub(lambda _: f"{indent}{new}\n", source), old.strip(), new


def original(source: str) -> str:
    """The script as its authors have it, without the mark."""
    return MARK.sub(lambda found: f"{found[3]}\n", source)


def deviation(one: str, other: str) -> float:
    """The largest difference of the numbers in two outputs that are alike but for them; infinite if they are not."""
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return float("inf")
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return max((abs(float(a) - float(b)) for a, b in pairs), default=0.0)
