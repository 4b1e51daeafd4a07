"""The router: which engine runs a program, and why not the others.

Hard filters first (libraries, gates, mid-circuit features, qubits, memory), then the least predicted time. The native
core comes first where it is done at once by its own prediction, whatever others would take. An attempt that may fail
comes after everything that cannot; a method that cannot stop at the fences of a program after those that can. Nothing
is run and nothing heavy imported: the daemon calls this for every program.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from qmk.base.errors import QmkError
from qmk.base.units import bytes_text
from qmk.ir.prediction import is_short
from qmk.router.outputs import after_exact
from qmk.router.score import Candidate, candidates
from qmk.sdk import discovery
from qmk.sdk.engine import Cost, Declaration, Features, Gap

__all__ = ["Candidate", "Decision", "choose", "explain"]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The choice, its predicted cost, and every candidate: the chosen one first, then by time, then those with gaps."""

    engine: str
    method: str
    cost: Cost
    candidates: list[Candidate]


def choose(
    features: Features,
    shots: int,
    *,
    engine: str | None = None,
    memory_bytes: int,
    less_bytes: Mapping[str, int] = {},
    declarations: Mapping[str, Declaration] | None = None,
) -> Decision:
    """Choose for a program of these features. ``engine`` forces one by name ("aer") or with its method
    ("aer:density_matrix"), the only way to reach an approximate one. ``less_bytes``: engines for which there is less
    memory than ``memory_bytes``.

    Raises ``QmkError`` RESOURCE_EXHAUSTED {needed_bytes, available_bytes, qubits, nearest, gaps} when only memory or
    time is missing, else UNSUPPORTED {gaps}; ``nearest`` is the engine that would need the least memory.
    """
    found = _candidates(features, shots, engine, memory_bytes, declarations, less_bytes)
    known = discovery.engines() if declarations is None else declarations
    fenced = features.n_fences > 0
    prompt = [c.seconds or 0.0 for c in found if not (c.gaps or c.may_fail or known[c.engine].beyond_s)]
    soonest = min(prompt, default=float("inf")) if features.observed is None else float("inf")
    at_once = is_at_once(features, shots, memory_bytes)
    fit = sorted(
        (c for c in found if not c.gaps),
        key=lambda c: (
            at_once and c.name != "native:auto",
            c.may_fail,
            after_exact(known[c.engine].capabilities(c.method), features, c.seconds or 0.0),
            fenced and not known[c.engine].capabilities(c.method).fences,
            known[c.engine].beyond_s >= soonest,
            c.seconds or 0.0,
        ),
    )
    if not fit:
        raise _refusal(found, features, engine, memory_bytes)
    best = msgspec.structs.replace(fit[0], chosen=True)
    cost = Cost(seconds=best.seconds or 0.0, memory_bytes=best.memory_bytes or 0, note=best.reason)
    rest = sorted((c for c in found if c.gaps), key=lambda c: c.name)
    return Decision(engine=best.engine, method=best.method, cost=cost, candidates=[best, *fit[1:], *rest])


def is_at_once(features: Features, shots: int, memory_bytes: int) -> bool:
    """Whether the native core runs these shots before another engine would be chosen. A program with fences is left to
    an engine that can stop at them, values beyond counts to one that has them exactly."""
    found = features.native.get("auto")
    return not (features.n_fences or features.observed) and is_short(found, shots, memory_bytes)


def explain(
    features: Features,
    shots: int,
    *,
    engine: str | None = None,
    memory_bytes: int,
    declarations: Mapping[str, Declaration] | None = None,
) -> list[Candidate]:
    """Every candidate with its cost or gaps, also when none can run the program; never raises for a gap."""
    try:
        return choose(features, shots, engine=engine, memory_bytes=memory_bytes, declarations=declarations).candidates
    except QmkError as refused:
        if refused.kind.name not in ("UNSUPPORTED", "RESOURCE_EXHAUSTED") or "gaps" not in refused.fields:
            raise
        return _candidates(features, shots, engine, memory_bytes, declarations)


def _candidates(
    features: Features,
    shots: int,
    engine: str | None,
    memory_bytes: int,
    declarations: Mapping[str, Declaration] | None,
    less_bytes: Mapping[str, int] = {},
) -> list[Candidate]:
    known = discovery.engines() if declarations is None else declarations
    name, _, method = (engine or "").partition(":")
    if name and name not in known:
        raise QmkError(
            "UNSUPPORTED",
            discovery.why_missing("engines", name, known),
            engine=name,
            engines=sorted(known),
        )
    if name and not method and known[name].devices is not None:
        raise QmkError(
            "UNSUPPORTED",
            f"engine '{name}' runs on devices of a provider, and none is named",
            engine=name,
            help=f"name one: {name}:DEVICE",
        )
    if method and not known[name].has_method(method):
        methods = [f"{name}:{m}" for m in known[name].methods if m]
        raise QmkError(
            "UNSUPPORTED",
            f"engine '{name}' has no method '{method}'; "
            + (f"there are {', '.join(methods)}" if methods else "it has no methods to choose from"),
            engine=name,
            method=method,
        )
    found: list[Candidate] = []
    for declaration in [known[name]] if name else known.values():
        methods = [method] if method else declaration.methods
        room = less_bytes.get(declaration.name, memory_bytes)
        found += candidates(declaration, methods, features, shots, room, forced=bool(method))
    return found


def _refusal(found: list[Candidate], features: Features, engine: str | None, memory_bytes: int) -> QmkError:
    """Why no candidate fits, with every gap, of the nearest to fitting first; the least memory that would do where
    memory is all that is missing."""
    gaps: list[Gap] = [Gap(c.name, gap.need, gap.detail) for c in sorted(found, key=_distance) for gap in c.gaps]
    lines = _first_of(gaps)
    what = f"engine '{engine}' cannot run this program" if engine else "no engine can run this program"
    if not any(c.only_memory for c in found):
        what += f"; {TWIRL}" if _is_for_twirling(found, features) else ""
        return QmkError("UNSUPPORTED", f"{what}: {lines}", gaps=gaps, engine=engine or "")
    short = [c for c in found if c.only_memory and any(gap.need == "memory" for gap in c.gaps)]
    if not short:
        return QmkError(
            "RESOURCE_EXHAUSTED",
            f"{what} in bearable time: {lines}",
            available_bytes=memory_bytes,
            gaps=gaps,
            retryable=False,
        )
    nearest = min(short, key=lambda c: c.memory_bytes or 0)
    needed = nearest.memory_bytes or 0
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"{what} here: its {features.n_qubits} qubits need {bytes_text(needed)}, "
        f"{bytes_text(memory_bytes)} are available; {lines}",
        needed_bytes=needed,
        available_bytes=memory_bytes,
        qubits=features.n_qubits,
        nearest=nearest.name,
        gaps=gaps,
        engine=engine or "",
        retryable=False,
    )


SHOWN_GAPS = 3
"""Most gaps in the text of an error, where there are many; its fields have all."""

TWIRL = "it runs with Pauli errors, as qmk.models.noise.pauli_twirl makes them of an error, or twirled=T1:T2"


def _distance(row: Candidate) -> tuple[int, str]:
    """How far a candidate is from running the program: one that lacks memory or time, one to install, one to ask for by
    name, one that holds too few qubits and lacks nothing else, then by the number of gaps."""
    needs = {gap.need for gap in row.gaps}
    near = [row.only_memory, needs == {"library"}, needs == {"exactness"}, needs <= {"qubits", "exactness"}]
    return near.index(True) if True in near else len(near) + len(row.gaps), row.name


def _first_of(gaps: list[Gap]) -> str:
    """The gaps as text: of many the first few that differ, and those to ask for by name together."""
    if len(gaps) <= SHOWN_GAPS:
        return "; ".join(f"{gap.engine}: {gap.detail}" for gap in gaps)
    named = [gap.engine for gap in gaps if gap.need == "exactness"]
    by_name = [f"approximate, and run only when asked for by name: {', '.join(dict.fromkeys(named))}"] if named else []
    told: dict[str, Gap] = {}
    for gap in gaps:
        if gap.need != "exactness":
            told.setdefault(gap.detail, gap)
    shown = [f"{gap.engine}: {gap.detail}" for gap in list(told.values())[: SHOWN_GAPS - len(by_name)]]
    left = len(gaps) - len(named) - len(shown)
    return "; ".join([*shown, *by_name, *([f"and {left} more reasons, in the field 'gaps'"] if left else [])])


def _is_for_twirling(found: list[Candidate], features: Features) -> bool:
    """Whether Pauli errors in place of the program's are all that a candidate needs, and none is only to be
    installed."""
    needs = [{gap.need for gap in row.gaps} for row in found]
    return set(features.noise) == {"kraus"} and {"noise"} in needs and {"library"} not in needs
