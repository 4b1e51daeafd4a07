"""How well a code remembers: memory experiments in both bases, over distances and error rates.

``any`` counts a shot once if one or more of the k logical qubits fail. Units stand in the names: ``per_shot`` of all
rounds, ``per_round`` of one round of syndrome extraction, ``per_cycle`` of d rounds. ``block_per_round`` is the sum
over both bases: a memory of Z alone leaves out half of what goes wrong.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qmk.base.errors import QmkError
from qmk.base.seeds import substream
from qmk.models.noise import NoiseLike, NoiseModel, resolve
from qmk.models.qec import circuits, decoders, rates
from qmk.models.qec.code import Code
from qmk.models.qec.rates import Rate

DECODER = {
    "shyps": "relay(solutions=2,legs=30,scale=0.5)",
    "bicycle": "bp_lsd",
    "color": "chromobius",
    "honeycomb": "correlated",
}
"""The default decoder of each family for which it is not matching."""


@dataclass(frozen=True)
class Memory:
    """One code under one noise with one decoder; ``bases`` holds a rate of each basis that was run."""

    code: Code
    noise: str
    noise_hash: str
    decoder: str
    rounds: int
    bases: dict[str, Rate]
    p: float | None = None

    @property
    def per_round(self) -> dict[str, float]:
        return {basis: rate.per_round(self.rounds) for basis, rate in self.bases.items()}

    @property
    def block_per_round(self) -> float:
        """The sum over the bases that were run."""
        return sum(self.per_round.values())

    @property
    def bounds_per_round(self) -> tuple[float, float]:
        """95 % bounds of ``block_per_round``, the errors of the bases added in squares."""
        low = high = 0.0
        for basis, rate in self.bases.items():
            below, above = rate.interval_per_round(self.rounds)
            low += (self.per_round[basis] - below) ** 2
            high += (above - self.per_round[basis]) ** 2
        return max(0.0, self.block_per_round - math.sqrt(low)), self.block_per_round + math.sqrt(high)

    def as_dict(self) -> dict[str, object]:
        """JSON-compatible data."""
        code, rounds = self.code, self.rounds
        bases = {
            basis: {
                "shots": rate.shots,
                "errors_any": rate.errors_any,
                "errors": list(rate.errors),
                "any_per_shot": rate.per_shot,
                "any_per_round": rate.per_round(rounds),
                "any_per_round_95": list(rate.interval_per_round(rounds)),
                "cpu_s": rate.cpu_s,
                "provenance": dict(rate.provenance),
            }
            for basis, rate in self.bases.items()
        }
        return {
            "code": code.spec,
            "n": code.n,
            "k": code.k,
            "distance": code.distance,
            "physical_qubits": code.physical_qubits,
            "noise": self.noise,
            "noise_hash": self.noise_hash,
            "p": self.p,
            "decoder": self.decoder,
            "rounds": rounds,
            "bases": bases,
            "block_per_round": self.block_per_round,
            "block_per_round_95": list(self.bounds_per_round),
            "block_per_cycle": in_rounds(self.block_per_round, code.distance),
        }


def in_rounds(per_round: float, rounds: int) -> float:
    """At least one error in so many rounds."""
    return 1 - (1 - min(1.0, per_round)) ** rounds


def default_decoder(code: Code, model: NoiseModel | None = None) -> str:
    """Of this code under this noise: matching makes no use of heralds, so that it is ``correlated`` with erasure."""
    chosen = DECODER.get(code.family, "matching")
    return "correlated" if chosen == "matching" and model is not None and model.erasure else chosen


def measure_memory(
    code: Code,
    noise: NoiseLike,
    *,
    shots: int,
    seed: int,
    decoder: str | None = None,
    rounds: int | None = None,
    bases: Iterable[str] = ("X", "Z"),
    max_errors: int | None = None,
    workers: int = 1,
    p: float | None = None,
) -> Memory:
    """Memory of ``rounds`` rounds (three times the distance if not given) in each of ``bases``. Belief propagation
    decodes the detectors of one basis, the others those of both. Raises INVALID_PARAMS."""
    model = resolve(noise)
    chosen = decoders.get(decoder or default_decoder(code, model))
    count = 3 * code.distance if rounds is None else rounds
    if not (wanted := tuple(bases)):
        raise QmkError("INVALID_PARAMS", "bases: none is given", field="bases", help="give X, Z or both")
    found: dict[str, Rate] = {}
    for basis in wanted:
        circuit = circuits.memory(code, count, basis, model, both=not chosen.one_basis)
        own = substream(seed, code.spec, basis, model.hash, count)
        found[basis] = rates.measure(circuit, chosen, shots=shots, max_errors=max_errors, seed=own, workers=workers)
    return Memory(code, model.name or "noise", model.hash, chosen.spec, count, found, p)


def noise_at(template: str, p: float) -> str:
    """``circuit`` is ``circuit=p``; in any other text the word P stands for p."""
    if re.fullmatch(r"\w+", template):
        return f"{template}={p:.6g}"
    if not re.search(r"\bP\b", template):
        raise QmkError(
            "INVALID_PARAMS",
            f"the noise '{template}' has no P",
            field="noise",
            help="name a preset, such as circuit, or write P where its probability stands: biased=P:100",
        )
    return re.sub(r"\bP\b", f"{p:.6g}", template)


@dataclass(frozen=True)
class Threshold:
    """``crossings``: (lower distance, higher distance, p) where the curves of neighbouring distances cross.
    ``pseudo``: by distance, the p at which the block fails as often as k bare qubits that fail with p each in a round.
    ``best``: by p, the distance of the lowest error."""

    points: tuple[Memory, ...]
    crossings: tuple[tuple[int, int, float], ...]
    pseudo: dict[int, float]
    best: dict[float, int]

    def curve(self, distance: int) -> list[Memory]:
        return [point for point in self.points if point.code.distance == distance]

    def suppression(self) -> list[tuple[float, int, int, float]]:
        """(p, lower distance, higher distance, Lambda): how many times lower the error of the higher one is."""
        rows: list[tuple[float, int, int, float]] = []
        for low, high in _neighbours({point.code.distance for point in self.points}):
            for a, b in zip(self.curve(low), self.curve(high), strict=True):
                if a.p is not None and a.block_per_round and b.block_per_round:
                    rows.append((a.p, low, high, a.block_per_round / b.block_per_round))
        return rows


def threshold(points: Sequence[Memory]) -> Threshold:
    """What follows from memories of one family at several distances and the same values of ``p``."""
    by_distance: dict[int, list[tuple[float, float]]] = {}
    for point in points:
        assert point.p is not None, "points of a threshold know their p"
        by_distance.setdefault(point.code.distance, []).append((point.p, point.block_per_round))
    crossings: list[tuple[int, int, float]] = []
    for low, high in _neighbours(by_distance):
        pairs = zip(by_distance[low], by_distance[high], strict=True)
        ratios = [(p, math.log(b / a)) for (p, a), (_, b) in pairs if a > 0 and b > 0]
        if (place := crossing(ratios)) is not None:
            crossings.append((low, high, place))
    pseudo: dict[int, float] = {}
    ks = {point.code.distance: point.code.k for point in points}
    for distance, curve in by_distance.items():
        ratios = [(p, math.log(e / in_rounds(p, ks[distance]))) for p, e in curve if e > 0]
        if (place := crossing(ratios)) is not None:
            pseudo[distance] = place
    best: dict[float, int] = {}
    for p in sorted({p for curve in by_distance.values() for p, _ in curve}):
        best[p] = min(by_distance, key=lambda d: dict(by_distance[d])[p])
    return Threshold(tuple(points), tuple(crossings), pseudo, best)


def crossing(ratios: Sequence[tuple[float, float]]) -> float | None:
    """The first p at which the logarithm of a ratio rises through 0, by interpolation in log p."""
    for (p, a), (q, b) in itertools.pairwise(ratios):
        if a <= 0 < b:
            return math.exp(math.log(p) + (math.log(q) - math.log(p)) * (-a) / (b - a))
    return None


def _neighbours(distances: Iterable[int]) -> list[tuple[int, int]]:
    ordered = sorted(distances)
    return list(itertools.pairwise(ordered))
