"""How well a code remembers on atoms that are lost, with and without the knowledge of which.

Units: ``per_shot`` of all rounds, ``per_round`` of one round of syndrome extraction, ``lost_per_shot`` atoms.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from qmk.base.errors import QmkError
from qmk.base.seeds import substream
from qmk.models.noise import NoiseLike, resolve
from qmk.models.qec import gf2, rates
from qmk.models.qec.atoms import steps, symptoms
from qmk.models.qec.atoms.decoding import LossDecoder
from qmk.models.qec.atoms.graph import FLIPPED, GONE, RECORD, WORDS, graph_of
from qmk.models.qec.atoms.steps import Check, Steps
from qmk.models.qec.code import Code
from qmk.models.qec.decoders.interface import Bits
from qmk.models.qec.rates import Rate
from qmk.qvm.verify import verify
from qmk.worker.runner import Runner

BATCH_SHOTS = 20_000

ENGINE, METHOD = "native", "tableau"


@dataclass(frozen=True, eq=False)
class Shots:
    """Arrays of 0 and 1, a row a shot: ``dets`` detection events, ``observables`` what was read of them, both against
    the circuit without errors; ``lost`` by ``Steps.lives``."""

    dets: Bits
    observables: Bits
    lost: Bits


@dataclass(frozen=True)
class AtomMemory:
    """``aware`` and ``blind``: logical errors of the same shots, decoded with the flags of lost atoms and without.
    ``rescued``: shots that only ``aware`` got right; ``spoilt``: that only ``blind`` did."""

    code: Code
    noise: str
    noise_hash: str
    basis: str
    rounds: int
    check: Check
    lost_per_shot: float
    aware: Rate
    blind: Rate
    rescued: int
    spoilt: int

    @property
    def sigmas(self) -> float:
        """By how many standard deviations knowing the losses is better, on the same shots (McNemar's test)."""
        differing = self.rescued + self.spoilt
        return (self.rescued - self.spoilt) / math.sqrt(differing) if differing else 0.0

    def as_dict(self) -> dict[str, object]:
        """JSON-compatible data."""
        found: dict[str, object] = {
            "code": self.code.spec,
            "distance": self.code.distance,
            "atoms": self.code.physical_qubits,
            "noise": self.noise,
            "noise_hash": self.noise_hash,
            "basis": self.basis,
            "rounds": self.rounds,
            "check": self.check,
            "shots": self.aware.shots,
            "lost_per_shot": self.lost_per_shot,
            "aware_over_blind_sigmas": self.sigmas,
        }
        for name, rate in (("aware", self.aware), ("blind", self.blind)):
            found[name] = {
                "errors": rate.errors_any,
                "error_per_shot": rate.per_shot,
                "error_per_round": rate.per_round(self.rounds),
                "error_per_round_95": list(rate.interval_per_round(self.rounds)),
                "cpu_s": rate.cpu_s,
                "provenance": dict(rate.provenance),
            }
        return found


def measure_memory(
    code: Code,
    noise: NoiseLike,
    *,
    shots: int,
    seed: int,
    rounds: int | None = None,
    basis: str = "Z",
    check: Check = "end",
) -> AtomMemory:
    """Memory of ``rounds`` rounds (the distance if not given) of a repetition or surface code in ``basis``.

    ``noise`` is any that circuits of codes take, with losses: "circuit=1e-3,loss=1e-2". ``check`` says when data atoms
    are looked for (``steps``). Raises INVALID_PARAMS, UNSUPPORTED for other codes and what ``steps`` refuses of losses,
    and where the native core or PyMatching is not installed.
    """
    if not 1 <= shots <= 10**7:
        raise QmkError("INVALID_PARAMS", f"shots: {shots} is not in 1..{10**7}", field="shots")
    model = resolve(noise)
    count = code.distance if rounds is None else rounds
    begin = time.process_time()
    memory = steps.memory(code, count, basis, model, check)
    counts = _count(memory, shots, substream(seed, code.spec, basis, model.hash, count, check))
    cpu_s = time.process_time() - begin
    provenance = {"engine": f"{ENGINE}:{METHOD}", "decoder": "matching", "seed": seed, **rates.versions()}
    aware, blind = (
        Rate(shots, errors, (errors,), cpu_s, {**provenance, "losses": use})
        for use, errors in (("known", counts.aware), ("ignored", counts.blind))
    )
    lost, label = counts.lost / shots, model.name or "noise"
    return AtomMemory(code, label, model.hash, basis, count, check, lost, aware, blind, counts.rescued, counts.spoilt)


@dataclass
class _Counts:
    aware: int = 0
    blind: int = 0
    rescued: int = 0
    spoilt: int = 0
    lost: int = 0


def _count(memory: Steps, shots: int, seed: int) -> _Counts:
    """Of one observable, in batches whose seeds depend on their number alone."""
    sampler, decoder, counts = Sampler(memory), LossDecoder(memory), _Counts()
    for number, start in enumerate(range(0, shots, BATCH_SHOTS)):
        seen = sampler.run(min(BATCH_SHOTS, shots - start), substream(seed, "batch", number))
        aware, blind = (
            (decoder.decode(seen.dets, seen.lost, use) ^ seen.observables).any(axis=1) for use in ("aware", "blind")
        )
        counts.aware += int(aware.sum())
        counts.blind += int(blind.sum())
        counts.rescued += int((blind & ~aware).sum())
        counts.spoilt += int((aware & ~blind).sum())
        counts.lost += int(seen.lost.sum())
    return counts


class Sampler:
    """Shots of the graph of one memory. What the coins of its preparation flip is taken out again."""

    def __init__(self, memory: Steps) -> None:
        self._graph = graph_of(memory)
        error = verify(self._graph).error()
        if error is not None:
            raise error
        self._runner = Runner(ENGINE)
        self._converter = symptoms.circuit_of(memory).compile_m2d_converter()
        self._flips = symptoms.flips(memory)

    def run(self, shots: int, seed: int) -> Shots:
        """Raises RESOURCE_EXHAUSTED where the events of so many shots are too many bytes."""
        done = self._runner.execute(self._graph, METHOD, shots, seed)
        if not done.event_bits:
            raise QmkError("RESOURCE_EXHAUSTED", str(done.notes.get("events_dropped", "no events")), help="fewer shots")
        packed = np.frombuffer(done.event_bits, np.uint8).reshape(shots, -1)
        bits = np.unpackbits(packed, axis=1, count=len(done.event_names))
        named = {word: [at for at, name in enumerate(done.event_names) if name.startswith(word)] for word in WORDS}
        records = bits[:, named[RECORD]].astype(bool)
        read = self._converter.convert(measurements=records, separate_observables=True)
        coins = bits[:, named[FLIPPED]]
        dets, observables = (
            each.astype(np.uint8) ^ gf2.times(coins, flipped) for each, flipped in zip(read, self._flips, strict=True)
        )
        return Shots(dets, observables, bits[:, named[GONE]])


def sample(memory: Steps, shots: int, seed: int) -> Shots:
    """``shots`` of ``memory`` at once."""
    return Sampler(memory).run(shots, seed)
