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
from qmk.kernel.objects.account import UNBOUNDED

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
    lacking = [name for name, amount in asked.items() if most[name] < amount]
    short = [f"{_text({name: asked[name]})} (the most is {_amount(name, most[name])})" for name in lacking]
    return "no slot has " + (" or ".join(short) or _text(asked) + " together")


def most_memory(slots: Iterable[Resources], asked: Resources) -> int:
    """The most bytes that a slot has of those that have what is asked for; ``UNBOUNDED`` where one has no bound."""
    return int(min(UNBOUNDED, max((slot.get(MEMORY, math.inf) for slot in slots if has(slot, asked)), default=0.0)))


def with_memory(slots: Sequence[Resources], asked: Resources, memory_bytes: int) -> Resources:
    """What is asked for, and the bytes that a launch is predicted to need where not every slot has them; as many as
    there are where none has: the prediction may be too high."""
    if all(slot.get(MEMORY, math.inf) >= memory_bytes for slot in slots):
        return asked
    least = min(memory_bytes, most_memory(slots, asked))
    return {**asked, MEMORY: max(asked.get(MEMORY, 0.0), least)}


def memory_help(slots: Sequence[Resources], asked: Resources, needed_bytes: int) -> str:
    """What would be needed for a job that needs more memory than every slot that has what it asks for."""
    if needed_bytes >= UNBOUNDED:
        return "no machine has as much; fewer qubits, or a circuit with less entanglement, take less"
    most = most_memory(slots, asked)
    slot = _text({**asked, MEMORY: needed_bytes})
    help = f"a slot of a cluster on a machine with as much takes it: qmk serve --cluster PLACE --slot {slot}"
    if not most:
        return help
    spread = f"a state is not spread over slots, though {-(-needed_bytes // most):,} such as the largest have as much"
    fewer = f"into {most} bytes fits a dense state of {math.ceil(math.log2(needed_bytes / most))} qubits less"
    return f"{help}; {spread}; {fewer}"


def _text(amounts: Resources) -> str:
    return ",".join(f"{name}={_amount(name, amount)}" for name, amount in amounts.items())


def _amount(name: str, amount: float) -> str:
    return f"{amount:.0f}" if name == MEMORY else f"{amount:g}"


def total(slots: Iterable[Resources]) -> dict[str, float]:
    """What all slots have together."""
    count: Counter[str] = Counter()
    for slot in slots:
        count.update(slot)  # type: ignore[arg-type]  # amounts are not whole
    return dict(count)
