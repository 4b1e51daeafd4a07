"""Tags that change what a run gives, as Bloqade and tsim write them; plain Stim ignores them."""

from __future__ import annotations

import math
import re

from qmk.frontends.stim.gates import Step
from qmk.frontends.stim.text import Instruction

_CALL = re.compile(r"(R_X|R_Y|R_Z|U3)\(([^()]*)\)\Z")
_ANGLE = re.compile(r"\s*(theta|phi|lambda)\s*=\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*\*\s*pi\s*\Z")
_LOSS = re.compile(r"(loss|correlated_loss(?::\d+)?|leakage)\Z")
_T = {"S": "t", "S_DAG": "tdg"}
MEANT = frozenset({"I", "II", "S", "S_DAG", "I_ERROR", "II_ERROR"})
"""Instructions whose tags are never comments."""


def gate(item: Instruction) -> tuple[Step, ...] | None:
    """What a tagged S, S_DAG or I is; None where it has no tag."""
    if not item.tag:
        return None
    if item.name in _T and item.tag == "T":
        return (Step(_T[item.name]),)
    match = _CALL.match(item.tag)
    if item.name != "I" or match is None:
        raise item.refuse("STIM-06", f"the tag [{item.tag[:60]}] is not known")
    angles = _angles(item, match[2])
    names = ("theta", "phi", "lambda") if match[1] == "U3" else ("theta",)
    if set(angles) != set(names):
        raise item.refuse("STIM-06", f"[{item.tag[:60]}] needs {', '.join(names)}")
    if match[1] == "U3":
        args = {"theta": angles["theta"], "phi": angles["phi"], "lam": angles["lambda"]}
        return (Step("u", (0,), args),)
    return (Step(f"r{match[1][-1].lower()}", (0,), angles),)


def _angles(item: Instruction, text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in text.split(","):
        match = _ANGLE.match(part)
        if match is None or match[1] in found:
            raise item.refuse("STIM-06", f"'{part.strip()[:40]}' is not an angle", "write theta=0.3*pi")
        found[match[1]] = float(match[2]) * math.pi
        if not abs(found[match[1]]) < 1e9:
            raise item.refuse("STIM-06", f"'{part.strip()[:40]}' is too large")
    return found


def loss(item: Instruction) -> str:
    """ "loss", "correlated_loss" or "leakage"; "" for an I_ERROR without a tag, which does nothing."""
    if not item.tag:
        return ""
    match = _LOSS.match(item.tag)
    if match is None or item.name != "I_ERROR":
        raise item.refuse("STIM-06", f"the tag [{item.tag[:60]}] is not known")
    return match[1].partition(":")[0]
