"""Resources of slots: what each slot of a cluster has, what a launch asks for, and which slots can run it.

Both are amounts by name. ``cpu`` (processors), ``memory`` (bytes) and ``gpu`` are known to every cluster; any other
name, such as ``qpu:ibm_torino``, is a label that the operator gives to slots.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from qmk.abi.shapes import INT_MAX
from qmk.base.errors import QmkError

Resources = Mapping[str, float]
CPU, GPU, MEMORY = "cpu", "gpu", "memory"
_SLOTS = re.compile(r"(?:([1-9][0-9]{0,3})\*)?(.+)")
_NAME = re.compile(r"[A-Za-z0-9._:/-]{1,64}")
_HELP = "write NAME=AMOUNT with commas between, such as gpu=1,cpu=4; 2*gpu=1 is two slots of this kind"


def usual(threads: int, memory_bytes: int) -> dict[str, float]:
    """What a slot has of which nothing is said: the threads of a worker, and the memory that one job may need, 0
    without bound."""
    return {CPU: threads, MEMORY: memory_bytes or math.inf}


def read_slots(texts: Sequence[str], count: int) -> list[dict[str, float]]:
    """What is said of each of ``count`` slots: ``texts`` describe the first of them, as ``--slot`` is written, and
    nothing is said of the others. Raises INVALID_PARAMS."""
    slots: list[dict[str, float]] = []
    for text in texts:
        found = _SLOTS.fullmatch(text)
        if found is None:
            raise _refusal(text, "it is empty")
        slots += [_read(text, found[2])] * int(found[1] or 1)
    if len(slots) > count:
        what = f"--slot describes {len(slots)} slots, and there are {count} (--workers)"
        raise QmkError("INVALID_PARAMS", what, field="slots", help=f"start with --workers {len(slots)} or more")
    return slots + [{}] * (count - len(slots))


def _read(text: str, kind: str) -> dict[str, float]:
    has: dict[str, float] = {}
    for part in kind.split(","):
        name, _, amount = part.strip().partition("=")
        try:
            number = float(amount)
        except ValueError:
            raise _refusal(text, f"'{amount}' is not a number") from None
        if not _NAME.fullmatch(name):
            raise _refusal(text, f"'{name}' is not the name of a resource")
        if name in has:
            raise _refusal(text, f"{name} is given twice")
        if not 0 < number < INT_MAX or (name in (CPU, MEMORY) and number % 1):
            whole = "a whole number " if name in (CPU, MEMORY) else ""
            raise _refusal(text, f"{name} is {whole}above 0 and below 2**63, not {amount}")
        has[name] = number
    return has


def _refusal(text: str, why: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"--slot '{text}': {why}", field="slots", help=_HELP)


def has(slot: Resources, asked: Resources) -> bool:
    """Whether a slot has all that is asked for."""
    return all(slot.get(name, 0.0) >= amount for name, amount in asked.items())


def missing(slots: Iterable[Resources], asked: Resources) -> str:
    """What no slot has, as the end of a sentence; empty where one slot has it all."""
    slots = list(slots)
    if not asked or any(has(slot, asked) for slot in slots):
        return ""
    most = {name: max((slot.get(name, 0.0) for slot in slots), default=0.0) for name in asked}
    short = [f"{name}={amount:g} (the most is {most[name]:g})" for name, amount in asked.items() if most[name] < amount]
    return "no slot has " + (" or ".join(short) or _text(asked) + " together")


def _text(amounts: Resources) -> str:
    return ",".join(f"{name}={amount:g}" for name, amount in amounts.items())


def total(slots: Iterable[Resources]) -> dict[str, float]:
    """What all slots have together."""
    count: Counter[str] = Counter()
    for slot in slots:
        count.update(slot)  # type: ignore[arg-type]  # amounts are not whole
    return dict(count)
