"""The noise of a device, from the numbers of its calibration.

A gate of average gate error ``e`` (1 minus the average gate fidelity) and duration ``t`` errs as a depolarizing channel
and then relaxation of each of its qubits for ``t``, the former as strong as is needed for both together to have error
``e``. Between their gates qubits relax for as long as they wait, and readings are wrong with the chances measured.
Relaxation is towards |0>. No term is left out silently: what a calibration does not say is said by ``unknown``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from qmk.models.devices.target import WRITTEN_AS, NativeGate, Site, Target, wrong
from qmk.models.noise import Depolarize, GateRule, NoiseModel, Readout, Relaxation
from qmk.models.noise.model import Time


def noise_of(target: Target, handles: Sequence[str] = ()) -> NoiseModel:
    """The noise of ``target`` for programs whose qubit ``handles[k]`` is site k ("": no qubit is), by default ``q0``,
    ``q1``, ...

    Raises INVALID_PARAMS where there are more handles than sites, and where the target says nothing of any error."""
    names = list(handles) or [f"q{site}" for site in range(target.sites)]
    if len(names) > target.sites:
        raise wrong(
            f"target '{target.name}' has {target.sites} sites", f"give at most as many handles, not {len(names)}"
        )
    if not target.facts and not target.readings:
        raise wrong(f"target '{target.name}' says nothing of errors", "give facts or readings, or a noise model")
    rules: list[GateRule] = []
    times: list[Time] = []
    for fact in target.facts_in_every_order():
        if max(fact.sites) >= len(names) or not all(names[site] for site in fact.sites):
            continue
        operands = tuple(names[site] for site in fact.sites)
        written = WRITTEN_AS.get(fact.name, fact.name)
        chance = depolarizing(target, fact)
        if chance > 0:
            rules.append(GateRule((Depolarize(chance),), gates=(written,), operands=operands))
        if fact.duration_s:
            times.append(Time(written, operands, fact.duration_s))
    known = [(name, site) for name, site in zip(names, target.readings, strict=False) if name]
    times += [Time(kind, (name,), site.readout_s) for name, site in known if site.readout_s for kind in _READING]
    relaxation = [Relaxation(*_times(site), qubits=(name,)) for name, site in known if site.t1_s or site.t2_s]
    return NoiseModel(
        name=target.name,
        gates=tuple(rules),
        readout=tuple(rule for name, site in known if (rule := _readout(site, name)) is not None),
        relaxation=tuple(relaxation) if any(time.seconds for time in times) else (),
        times=tuple(times),
    )


_READING = ("measure", "reset")
"""What takes as long as a reading: a device resets a qubit by reading it, where it says nothing else."""


def _times(site: Site) -> tuple[float | None, float | None]:
    """T1 and T2, which is at most 2 T1: what was measured beyond is an error of the measurement."""
    if site.t1_s is None or site.t2_s is None:
        return site.t1_s, site.t2_s
    return site.t1_s, min(site.t2_s, 2 * site.t1_s)


def _readout(site: Site, name: str) -> Readout | None:
    either = site.readout_error or 0.0
    p01, p10 = (either if chance is None else chance for chance in (site.p01, site.p10))
    return Readout(p01, p10, (name,)) if p01 or p10 else None


def relaxed_fidelity(site: Site, seconds: float) -> float:
    """Entanglement fidelity of relaxation for ``seconds``: the mean of the diagonal (1, x, x, z) of its Pauli transfer
    matrix, x = exp(-t/T2), z = exp(-t/T1) (Horodecki, Phys. Rev. A 60, 1888 (1999))."""
    t1, t2 = _times(site)
    decay = 1.0 if t1 is None else math.exp(-seconds / t1)
    coherence = math.sqrt(decay) if t2 is None else math.exp(-seconds / t2)
    return (1 + 2 * coherence + decay) / 4


def depolarizing(target: Target, fact: NativeGate) -> float:
    """The chance of a Pauli error on a gate's sites that, with their relaxation meanwhile, makes its average error.

    0 where relaxation alone explains it or more. With dimension d, the entanglement fidelity wanted is
    ((d + 1)(1 - e) - 1) / d; a depolarizing channel that replaces the state by the mixed one with chance q brings F to
    (1 - q) F + q / d^2, and is a Pauli error with chance q (1 - 1/d^2)."""
    if not fact.error:
        return 0.0
    d = 2 ** len(fact.sites)
    before = 1.0
    for site in fact.sites:
        before *= relaxed_fidelity(target.readings[site], fact.duration_s or 0.0) if target.readings else 1.0
    wanted = ((d + 1) * (1 - min(fact.error, d / (d + 1))) - 1) / d
    if wanted >= before:
        return 0.0
    replaced = (before - wanted) / (before - 1 / d**2)
    return min(replaced * (1 - 1 / d**2), 1.0)


def unknown(target: Target) -> list[str]:
    """What the calibration does not say, as sentences for a result's notes: gates without an error, sites without
    T1, T2 or a reading's error."""
    pairs = {frozenset(fact.sites) for fact in target.facts if len(fact.sites) == 2 and fact.error is not None}
    single = {fact.sites[0] for fact in target.facts if len(fact.sites) == 1 and fact.error is not None}
    usable = target.usable()
    readings = target.readings or (Site(),) * target.sites
    counts = {
        "pairs without the error of a gate": sum(frozenset(pair) not in pairs for pair in target.pairs()),
        "sites without the error of a gate": sum(site not in single for site in usable),
        "sites without T1": sum(readings[site].t1_s is None for site in usable),
        "sites without T2": sum(readings[site].t2_s is None for site in usable),
        "sites without the error of a reading": sum(_readout(readings[site], "") is None for site in usable),
    }
    return [f"{count} {what}" for what, count in counts.items() if count]
