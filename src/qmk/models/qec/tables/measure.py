"""Rows from physical circuits: sample, decode, count which observables came out wrong."""

from __future__ import annotations

import numpy as np
import stim

from qmk.models.noise import NoiseLike, resolve
from qmk.models.qec import circuits, codes, decoders, rates
from qmk.models.qec.surgery import Floor, Idle, Measure, Merge, Patch, Prepare, Program, calibration_program, certain
from qmk.models.qec.surgery import circuit as surgery_circuit
from qmk.models.qec.surgery.calibrate import merge_ops, row_of_two
from qmk.models.qec.surgery.program import Basis, Op, timeline
from qmk.models.qec.tables.rows import Row, merge_counts, wrong

MERGES = ("merge_xx", "merge_zz", "merge_xx_tile", "merge_zz_tile")
AWAY = ("merge_xx_away", "merge_zz_away")
WALL = "merge_xz"
SURGERY = ("prepare_measure", "idle", "inject_t", *MERGES, *AWAY, WALL)
KINDS = ("memory", *SURGERY)
"""``memory``: the code's own circuit for 3 d rounds. ``prepare_measure``: a surface-code patch for one cycle; ``idle``:
for three; ``merge_*``: two patches, a cycle, the merge, a cycle, with ``_tile`` over one free tile between them. With
``_merge_away`` both are measured in the other basis as soon as the merge ends, and only its outcome is certain: nothing
later shows the checks that it was read from, so it errs more often. ``merge_xz``: X of one with Z of another over a
domain wall, seen in those bases ("X") or in the others ("Z")."""

MEMORY_ROUNDS = 3
"""Rounds of a memory circuit, over d."""

BATCH = 1 << 16


def program(kind: str, basis: Basis) -> Program:
    """The program of one kind of operation. Raises INVALID_PARAMS for a kind that has none."""
    if kind == "prepare_measure":
        return calibration_program("memory", basis)
    if kind in ("idle", "inject_t", "merge_xx", "merge_zz"):
        return calibration_program(kind, basis)
    if kind in AWAY:
        return _merge_away("X" if kind == AWAY[0] else "Z", basis)
    if kind == WALL:
        return _wall(basis)
    if kind not in MERGES:
        raise wrong(f"no operation of kind '{kind}'", f"the kinds are {', '.join(KINDS)}")
    pauli: Basis = "X" if kind == "merge_xx_tile" else "Z"
    return Program(f"{kind}_{basis}", row_of_two(pauli, 2), merge_ops(pauli, basis))


def _wall(basis: Basis) -> Program:
    bases: dict[str, Basis] = {"a": "X", "b": "Z"} if basis == "X" else {"a": "Z", "b": "X"}
    ops: tuple[Op, ...] = (
        *(Prepare(name, own) for name, own in bases.items()),
        *(Idle(name) for name in "ab"),
        Merge({"a": "X", "b": "Z"}, "product"),
        *(Idle(name) for name in "ab"),
        *(Measure(name, own, f"m_{name}") for name, own in bases.items()),
    )
    return Program(f"{WALL}_{basis}", Floor(1, 2, {"a": Patch(0, 0), "b": Patch(0, 1, turned=True)}), ops)


def _merge_away(pauli: Basis, basis: Basis) -> Program:
    other: Basis = "Z" if pauli == "X" else "X"
    if basis != pauli:
        raise wrong(f"a merge of {pauli * 2} seen in {basis}", "its outcome is certain in its own basis only")
    return Program(f"merge_{pauli.lower() * 2}_away", row_of_two(pauli), merge_ops(pauli, basis, other))


def measure(
    kind: str,
    code: str,
    noise: NoiseLike,
    basis: Basis,
    *,
    shots: int,
    max_errors: int | None = None,
    seed: int,
    decoder: str = "matching",
) -> Row:
    """A row of up to ``shots`` shots; it ends after the batch in which ``max_errors`` is reached."""
    parsed, model = codes.parse(code), resolve(noise)
    d = parsed.distance
    if kind == "memory":
        rounds = MEMORY_ROUNDS * d
        made = circuits.memory(parsed, rounds, basis, model)
        names = tuple(f"l{at}" for at in range(made.num_observables))
    else:
        if parsed.family != "surface":
            raise wrong(f"'{kind}' of a {parsed.family} code", "lattice surgery is of surface codes; measure 'memory'")
        shown = program(kind, basis)
        made = surgery_circuit(shown, d, model)
        names = tuple("+".join(parity) for parity in certain(shown))
        rounds = d * max(timed.end_cycle for timed in timeline(shown))
    errors, taken = count(made, decoder, shots, max_errors, seed)
    versions = dict(rates.versions())
    return Row(
        kind, parsed.family, d, basis, model.name, model.hash, decoder, rounds, d, names, taken, errors, seed, versions
    )


def count(
    circuit: stim.Circuit, decoder: str, shots: int, max_errors: int | None, seed: int
) -> tuple[dict[str, int], int]:
    """Shots by which observables were decoded wrongly, a 1 each, and how many shots there were."""
    chosen = decoders.get(decoder)
    compiled = chosen.compile(chosen.model(circuit))
    sampler = circuit.compile_detector_sampler(seed=seed)
    found: dict[str, int] = {}
    taken = 0
    while taken < shots:
        size = min(BATCH, shots - taken)
        dets, flips = sampler.sample(size, separate_observables=True, bit_packed=True)
        wrong_bits = np.unpackbits(flips ^ compiled.decode(dets), axis=1, bitorder="little")
        wrong_bits = wrong_bits[:, : circuit.num_observables]
        rows, counts = np.unique(wrong_bits[wrong_bits.any(axis=1)], axis=0, return_counts=True)
        keys = ["".join(map(str, row)) for row in rows.tolist()]
        found = merge_counts((found, dict(zip(keys, counts.tolist(), strict=True))))
        taken += size
        if max_errors is not None and sum(found.values()) >= max_errors:
            break
    return found, taken
