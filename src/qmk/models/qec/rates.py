"""Logical error rates by sampling a physical circuit and decoding it.

The same circuit, decoder, shots, limit of errors and seed give the same counts on any number of workers: shots fall
into batches that depend on these alone, each batch has a seed of its own, and counts are taken in the batches' order.
Stim's samples depend on its version and on the width of the machine's vector unit; ``provenance`` names the version.
"""

from __future__ import annotations

import functools
import hashlib
import time
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata

import stim

from qmk.base.errors import QmkError
from qmk.models.qec import batches, decoders
from qmk.models.qec.batches import Batch
from qmk.models.qec.decoders import Decoder
from qmk.models.qec.intervals import clopper_pearson
from qmk.models.qec.processes import MAX_WORKERS
from qmk.models.qec.sampling_processes import Pool
from qmk.models.qec.sampling_worker import Job
from qmk.models.qec.thin import thin_circuit, touching
from qmk.models.stim_text import to_text

LIBRARIES = ("stim", "pymatching", "ldpc", "tesseract-decoder", "chromobius")

MAX_DETECTORS = 2_000_000
"""Most detectors of a circuit that is to be sampled and decoded."""


@dataclass(frozen=True)
class Rate:
    """Counted logical errors. ``errors_any``: shots in which some observable was decoded wrongly; ``errors``: the same
    by observable. ``cpu_s``: CPU seconds of all processes, with compiling and with batches that were not needed."""

    shots: int
    errors_any: int
    errors: tuple[int, ...]
    cpu_s: float
    provenance: Mapping[str, str | int]

    @property
    def per_shot(self) -> float:
        """Shots with an error in any observable, over all shots."""
        return self.errors_any / self.shots

    def per_round(self, rounds: float) -> float:
        """The error of one round: ``any_per_round`` for several observables, ``flip_per_round`` for one."""
        return self._in_round(self.per_shot, rounds)

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Bounds of ``per_shot`` (Clopper and Pearson)."""
        return clopper_pearson(self.errors_any, self.shots, confidence)

    def interval_per_round(self, rounds: float, confidence: float = 0.95) -> tuple[float, float]:
        """Bounds of ``per_round``."""
        low, high = self.interval(confidence)
        return self._in_round(low, rounds), self._in_round(high, rounds)

    def _in_round(self, per_shot: float, rounds: float) -> float:
        if rounds <= 0:
            raise QmkError("INVALID_PARAMS", f"rounds: {rounds:g} is not above 0", field="rounds")
        if len(self.errors) > 1:
            return any_per_round(per_shot, rounds)
        return flip_per_round(per_shot, rounds)


def flip_per_round(per_shot: float, rounds: float) -> float:
    """The chance q of a flip in a round such that an odd number of flips in ``rounds`` has chance ``per_shot``:
    (1 - (1 - 2 P)^(1/r)) / 2, as 1 - 2 P is the product of the rounds' 1 - 2 q. At most 1/2."""
    return (1 - max(0.0, 1 - 2 * per_shot) ** (1 / rounds)) / 2


def any_per_round(per_shot: float, rounds: float) -> float:
    """The chance q of an error in a round such that at least one in ``rounds`` has chance ``per_shot``:
    1 - (1 - P)^(1/r). The unit of a block's error, any of k observables."""
    return 1 - (1 - per_shot) ** (1 / rounds)


def measure(
    circuit: stim.Circuit,
    decoder: str | Decoder = "matching",
    *,
    shots: int,
    max_errors: int | None = None,
    seed: int,
    workers: int = 1,
) -> Rate:
    """Sample up to ``shots`` shots, stop after the batch in which ``errors_any`` reaches ``max_errors``, and count.

    The decoder is given every detector that parts of errors join to an observable. One that looks at errors as a whole
    (bp_osd, bp_lsd, tesseract) gets both bases of a memory, which costs it most of its time and some failures, and a
    ``UserWarning`` says so: where it is to see one basis, make the circuit with ``circuits.memory(..., both=False)``.

    ``workers`` of 1 samples in this process, more in as many processes. Raises INVALID_PARAMS for numbers out of range
    or a circuit without observables or with nondeterministic detectors, UNSUPPORTED where the decoder does not fit.
    """
    if isinstance(decoder, str):
        decoder = decoders.get(decoder)
    _check(circuit, shots, max_errors, workers)
    schedule = batches.schedule(decoder, shots)
    begin = time.process_time()
    provenance = {"decoder": decoder.spec, "seed": seed, "circuit": digest(circuit), **versions()}
    thin = thin_circuit(circuit, decoder)
    _warn_of_other_basis(thin, decoder)
    if workers == 1:
        loop = batches.Loop(thin, decoder, seed)
        counted = _sum((loop.run(*batch) for batch in schedule), max_errors)
        return _rate(counted, time.process_time() - begin, provenance)
    with Pool(Job(to_text(thin), decoder.spec, seed), workers) as pool:
        counted = _sum(pool.batches(schedule), max_errors)
    return _rate(counted, pool.cpu_s + time.process_time() - begin, provenance)


def _warn_of_other_basis(circuit: stim.Circuit, decoder: Decoder) -> None:
    """Warns where the decoder gets detectors that one which takes errors apart would not need."""
    if decoder.by_parts:
        return
    try:
        parts = circuit.detector_error_model(decompose_errors=True, approximate_disjoint_errors=True)
    except ValueError:
        return  # errors of this code cannot be taken apart
    others = int((~touching(parts)).sum())
    if others:
        warnings.warn(
            f"{decoder.spec} looks at errors as a whole and gets {others} of {circuit.num_detectors} detectors of a "
            "basis that no observable is in: it takes longer and fails more often than on one basis, such as that of "
            "circuits.memory(..., both=False)",
            stacklevel=3,
        )


def digest(circuit: stim.Circuit) -> str:
    """SHA-256 of the circuit's text, its numbers in full."""
    return hashlib.sha256(to_text(circuit).encode()).hexdigest()


@functools.cache
def versions() -> Mapping[str, str]:
    """Versions of Stim and of the decoders' libraries that are installed."""
    found: dict[str, str] = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _check(circuit: stim.Circuit, shots: int, max_errors: int | None, workers: int) -> None:
    if not circuit.num_observables:
        raise QmkError("INVALID_PARAMS", "circuit: it has no observable; add OBSERVABLE_INCLUDE", field="circuit")
    if circuit.num_detectors > MAX_DETECTORS:
        raise QmkError(
            "INVALID_PARAMS",
            f"circuit: {circuit.num_detectors} detectors, more than {MAX_DETECTORS}, which take all memory to decode",
            field="circuit",
            help="run fewer rounds, or a smaller distance",
        )
    for name, value, most in (("shots", shots, 1 << 53), ("workers", workers, MAX_WORKERS)):
        if not 1 <= value <= most:
            raise QmkError("INVALID_PARAMS", f"{name}: {value} is not in 1..{most}", field=name)
    if max_errors is not None and max_errors < 1:
        raise QmkError("INVALID_PARAMS", f"max_errors: {max_errors} is not above 0; leave it out", field="max_errors")


def _sum(counted: Iterable[Batch], max_errors: int | None) -> list[Batch]:
    taken: list[Batch] = []
    errors_any = 0
    for batch in counted:
        taken.append(batch)
        errors_any += batch.errors_any
        if max_errors is not None and errors_any >= max_errors:
            break
    return taken


def _rate(taken: list[Batch], cpu_s: float, provenance: Mapping[str, str | int]) -> Rate:
    errors = tuple(sum(counts) for counts in zip(*(batch.errors for batch in taken), strict=True))
    return Rate(
        sum(batch.shots for batch in taken), sum(batch.errors_any for batch in taken), errors, cpu_s, provenance
    )
