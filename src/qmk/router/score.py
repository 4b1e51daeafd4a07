"""Judges one candidate at a time: what it lacks for a program, and what it would cost."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from qmk.base.units import bytes_text, seconds_text
from qmk.ir.resolver import NoLowering, Resolver
from qmk.qvm.families import OPS
from qmk.router import outputs
from qmk.router.floor import least_s
from qmk.sdk import discovery, interpreters
from qmk.sdk.engine import Capabilities, Declaration, Features, Gap

_NOISE = {
    "pauli": "random Pauli errors",
    "kraus": "error channels that are not Pauli channels",
    "analog": "evolutions with noise",
    "levels": "atoms of three levels",
    "open": "collapse operators or mixed initial states",
    "mixed": "mixed initial states",
    "subsystems": "subsystems that are not spins all alike",
    "loss": "lost atoms",
    "leak": "atoms that leave their two levels by chances that depend on the state",
}
_RANK = {"none": 0, "pauli": 1, "full": 2}


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An engine's method for one program: ``gaps`` say why it cannot run it, else what it would cost."""

    engine: str
    method: str
    chosen: bool = False
    seconds: float | None = None
    memory_bytes: int | None = None
    uncertainty: float | None = None
    """Factor by which a run may take longer, or less, than ``seconds``; both are None where nobody knows."""
    reason: str = ""
    may_fail: bool = False
    fences: bool = False
    """Whether it can stop at the program's fences."""
    gaps: list[Gap] = []

    @property
    def name(self) -> str:
        return f"{self.engine}:{self.method}" if self.method else self.engine

    @property
    def only_memory(self) -> bool:
        """Whether it can run the program but for the memory or time it would take."""
        return bool(self.gaps) and all(gap.need in ("memory", "time") for gap in self.gaps)


def candidate(
    declaration: Declaration, method: str, features: Features, shots: int, memory_bytes: int, *, forced: bool
) -> Candidate:
    """Judges one method of an engine. ``forced``: the user named this method, so an approximation is accepted, and so
    is a pessimistic bound."""
    return _candidate(declaration, method, features, shots, memory_bytes, forced, _library(declaration))


def candidates(
    declaration: Declaration,
    methods: Iterable[str],
    features: Features,
    shots: int,
    memory_bytes: int,
    *,
    forced: bool,
) -> Iterator[Candidate]:
    """Judges several methods of an engine, whose environment is examined only once."""
    library = _library(declaration)
    for method in methods:
        yield _candidate(declaration, method, features, shots, memory_bytes, forced, library)


def _candidate(
    declaration: Declaration,
    method: str,
    features: Features,
    shots: int,
    memory_bytes: int,
    forced: bool,
    library: list[tuple[str, str]],
) -> Candidate:
    can = declaration.capabilities(method)
    missing = library + _missing(can, features)
    if missing:
        gaps = [Gap(declaration.name, need, detail) for need, detail in missing]
        return Candidate(engine=declaration.name, method=method, gaps=gaps)
    cost = outputs.cost(declaration, method, _as_run(can, features), shots)
    gaps: list[Gap] = []
    if not can.exact and not forced:
        asking = f"approximate: runs only when asked for by name ({declaration.name}:{method})"
        gaps.append(Gap(declaration.name, "exactness", asking))
    elif cost.memory_bytes > memory_bytes:
        least = "more than " if cost.memory_bytes >= BEYOND_BYTES else ""
        needed = bytes_text(min(cost.memory_bytes, BEYOND_BYTES))
        detail = f"needs {least}{needed}, {bytes_text(memory_bytes)} are available"
        gaps.append(Gap(declaration.name, "memory", detail))
    elif cost.upper_bound and not forced and cost.seconds > (ATTEMPT_S if cost.may_fail else LONGEST_BOUND_S):
        detail = (
            f"may take up to {seconds_text(cost.seconds)} ({cost.note}); "
            f"to try all the same, ask for {declaration.name}:{method}"
        )
        gaps.append(Gap(declaration.name, "time", detail))
    return Candidate(
        engine=declaration.name,
        method=method,
        seconds=None if declaration.devices is not None else max(cost.seconds, least_s(features, shots)),
        uncertainty=None if declaration.devices is not None else round(declaration.doubt(method, cost), 2),
        memory_bytes=min(cost.memory_bytes, BEYOND_BYTES),
        reason=cost.note,
        may_fail=cost.may_fail,
        fences=can.fences and features.n_fences > 0,
        gaps=gaps,
    )


BEYOND_BYTES = 1 << 62
"""Larger predictions are shown as this one, since records hold 64-bit integers."""

ATTEMPT_S = 30.0
"""The longest attempt with a risk of failure that the router chooses by itself, in seconds."""

LONGEST_BOUND_S = 600.0
"""The router does not choose an engine by itself if its prediction is only an upper bound that exceeds this many
seconds."""


def _library(declaration: Declaration) -> list[tuple[str, str]]:
    """The libraries that are missing, as (need, detail)."""
    state = recently_available(declaration)
    return [] if state.ok else [("library", f"{', '.join(state.missing)} not installed: {state.hint}")]


def _unseen_losses(can: Capabilities, features: Features) -> frozenset[str]:
    """The parts of atom loss that the method runs as other instructions: random choices on a qubit, and conditions
    (``ir.loss``)."""
    if not (can.feed_forward == "full" and can.mid_circuit and can.reset):
        return frozenset()
    needs = {"loss": "pauli", "leak": "kraus"}
    return frozenset(kind for kind, need in needs.items() if kind in features.noise and need in can.noise)


def _as_run(can: Capabilities, features: Features) -> Features:
    """``features`` of the program that the method is given: with random choices and conditions in place of atom
    loss."""
    if features.noise.isdisjoint(("loss", "leak")) or "loss" in can.noise:
        return features
    return msgspec.structs.replace(
        features,
        noise=features.noise - {"loss", "leak"} | {"kraus" if "leak" in features.noise else "pauli"},
        n_qubits=features.n_qubits + 1,
        entangling_width=features.entangling_width + 1,
        n_ops=features.n_ops + 3 * features.n_noise,
        n_measure=features.n_measure + features.n_noise,
        n_branch=features.n_branch + features.n_noise,
        mid_circuit=True,
        has_reset=True,
        has_logic=True,
        feed_forward="full",
        native={},
    )


def _missing(can: Capabilities, features: Features) -> list[tuple[str, str]]:
    """What the program needs and the method lacks, as (need, detail)."""
    out: list[tuple[str, str]] = []
    if features.noise and (lost_noise := sorted(features.noise - can.noise - _unseen_losses(can, features))):
        source = ", which the Bell pairs of its channels may carry" if features.n_channel_ops else ""
        out.append(("noise", " and ".join(_NOISE.get(kind, kind) for kind in lost_noise) + source))
    if can.clifford and features.n_non_clifford:
        out.append(("gates", f"{features.n_non_clifford} of its gates are not Clifford gates"))
    wanted = frozenset(filter(_is_full, features.gates)) if can.clifford else features.gates
    if lost := unwritable(can.gates, wanted):
        out.append(("gates", f"cannot write {', '.join(sorted(lost))} in its own gates"))
    if can.evolves and not any("." in short for short in features.gates):
        out.append(("gates", "it is for programs with an evolution, and there is none"))
    if features.mid_circuit and not can.mid_circuit and outputs.draws(can, features):
        out.append(("mid_circuit", "a qubit is used after its measurement"))
    if features.has_reset and not can.reset:
        out.append(("reset", "a qubit is reset"))
    if _RANK[features.feed_forward] > _RANK[can.feed_forward]:
        beyond = "operations depend on measurements", "conditions go beyond Pauli gates on parities"
        out.append(("feed_forward", beyond[_RANK[can.feed_forward]]))
    width = outputs.width(can, features)
    if can.max_qubits is not None and width > can.max_qubits:
        out.append(("qubits", f"{width} qubits, at most {can.max_qubits}"))
    out += outputs.missing(can, features)
    return out


def _is_full(name: str) -> bool:
    """Whether it is the full name of an evolution or an op of light, which is not lowered."""
    return "." in name


LOOK_S = 10.0
"""For so many seconds an environment is assumed unchanged, since examining it costs more than all the rest."""

_SEEN: dict[tuple[str | None, ...], tuple[float, discovery.Available]] = {}


def recently_available(declaration: Declaration) -> discovery.Available:
    """Gives ``discovery.available`` as it was within the last ten seconds."""
    named = os.environ.get(interpreters.variable(declaration.name))
    key = (declaration.name, declaration.load, named, sys.prefix, *declaration.requires)
    now = time.monotonic()
    found = _SEEN.get(key)
    if found is None or now - found[0] > LOOK_S:
        found = _SEEN[key] = now, discovery.available(declaration)
    return found[1]


@functools.lru_cache(maxsize=1024)
def unwritable(gates: frozenset[str], wanted: frozenset[str]) -> frozenset[str]:
    """Which of the ``wanted`` gates cannot be lowered to ``gates``."""
    return frozenset(short for short in wanted if not writable(gates, short))


@functools.lru_cache(maxsize=1024)
def writable(gates: frozenset[str], short: str) -> bool:
    """Whether gate ``short`` with general arguments can be lowered to ``gates``."""
    if "." in short:  # an evolution
        return short in gates
    op = OPS[f"core.{short}"]
    args: dict[str, Any] = {p.name: 0.3 for p in op.params if p.kind == "angle"}
    qubits = op.vqs.low
    if short == "mod":
        args, qubits = {"gate": "u", "controls": 2, "params": {"theta": 0.3, "phi": 0.2, "lam": 0.1}}, 3
    elif short == "paulirot":
        args, qubits = {"paulis": "XYZ", "theta": 0.3}, 3
    try:
        Resolver(gates).pieces(op.name, args, qubits)
    except NoLowering:
        return False
    return True
