"""What one operation at one distance suffers: its channel, from the rows of its calibration circuits.

A flip named X is one that measuring Z sees. Everything is a theta (``angles``), so that parts are subtracted and added
exactly. Preparing and measuring show only together, as ``ends``, which may be below 0: the rounds next to a perfect
boundary err less than those inside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import msgspec
import numpy as np

from qmk.base.errors import QmkError
from qmk.models.noise import NoiseLike
from qmk.models.qec.tables.angles import Floats, theta, thetas
from qmk.models.qec.tables.fit import FITTED, LEAST_DISTANCE, Fit, fit, points, strength
from qmk.models.qec.tables.rows import Row, Table

Basis = Literal["X", "Z"]
BASES: tuple[Basis, Basis] = ("X", "Z")
IDLE_CYCLES = 3
"""Cycles in a row named 'idle'."""
NEEDED = (
    *((kind, basis) for kind in ("prepare_measure", "idle", "merge_xx", "merge_zz", "merge_xx_tile", "merge_zz_tile")
      for basis in BASES),
    ("merge_xx_away", "X"),
    ("merge_zz_away", "Z"),
)  # fmt: skip
"""Rows of surgery that a distance must have for any of its rows to be used."""
VOLUME_ERROR = 0.1
"""Relative error of operations charged by their volume: what counted gates of surface codes differ from it at d = 3, 5,
7."""


@dataclass(frozen=True)
class MergeChannel:
    """Of a joint measurement of Paulis P, in theta. ``before`` and ``after``: on each patch, a flip that P sees, before
    and after the outcome; ``outcome``: the outcome alone is wrong; ``other``: flips of the kind P, of all patches."""

    before: float
    after: float
    outcome: float
    other: float


@dataclass(frozen=True)
class Channels:
    """Of a patch, by flip: ``cycle`` in one code cycle of waiting, ``ends`` of preparing and measuring together,
    ``inject`` of an injected state beyond its first cycle. Merges by Pauli: ``merge``; ``tile`` is what a free tile of
    their route adds; ``away`` how much more the outcome errs for each patch that is measured in the other basis as soon
    as the merge ends, or is prepared in it as the merge begins, which is the same backwards in time. ``source`` says
    how it came to be: from rows of distance ``counted_d``, times ``factor``; ``relative_sd`` is the error of the model
    that this rests on, common to all but injection."""

    d: int
    cycle: dict[Basis, float]
    ends: dict[Basis, float]
    inject: dict[Basis, float] | None
    merge: dict[Basis, MergeChannel]
    tile: dict[Basis, MergeChannel]
    away: dict[Basis, float]
    source: str
    relative_sd: float
    wall: MergeChannel | None = None
    """The channel of a merge of X with Z, if there are rows of it."""
    counted_d: int = 0
    factor: float = 1.0

    def scale(self, factor: float) -> Channels:
        """Everything but injection, times ``factor``."""

        def all_of(rates: dict[Basis, float]) -> dict[Basis, float]:
            return {basis: rate * factor for basis, rate in rates.items()}

        def merge(m: MergeChannel) -> MergeChannel:
            return MergeChannel(m.before * factor, m.after * factor, m.outcome * factor, m.other * factor)

        def merges(rates: dict[Basis, MergeChannel]) -> dict[Basis, MergeChannel]:
            return {basis: merge(m) for basis, m in rates.items()}

        return replace(
            self,
            cycle=all_of(self.cycle),
            ends=all_of(self.ends),
            merge=merges(self.merge),
            tile=merges(self.tile),
            away=all_of(self.away),
            wall=None if self.wall is None else merge(self.wall),
        )


def channels(table: Table, family: str, d: int, noise: NoiseLike, decoder: str = "matching") -> Channels:
    """The channels at distance ``d`` under exactly this noise model: counted where there are rows of it, else by the
    fit from the largest distance that has all rows of surgery and is on its line, or has memory. Raises UNSUPPORTED for
    another noise model, more than two steps beyond it, above half the threshold, or a family that has no such law."""
    rows = table.of(noise, family, decoder)
    idle, memory = rows.distances("idle"), rows.distances("memory")
    whole = [known for known in idle if not missing(rows, known)]
    measured = whole if whole and whole[-1] >= LEAST_DISTANCE else memory or whole
    if d in whole or d in measured:
        return channels_from_counts(rows, d)
    if not measured:
        raise QmkError(
            "UNSUPPORTED",
            f"the table has no distance of {family} codes with rows 'memory' in both bases"
            + "".join(f", and at distance {known} lacks {' and '.join(missing(rows, known))}" for known in idle[-1:]),
            field="table",
            help="measure X and Z: neither stands for the other",
        )
    if family not in FITTED:
        raise QmkError(
            "UNSUPPORTED",
            f"{family} codes have no law by which errors fall with distance, and distance {d} was not measured",
            field="code",
            help=f"measured distances: {', '.join(map(str, measured))}",
        )
    p = strength(rows.rows[0])
    if p is None:
        raise QmkError(
            "UNSUPPORTED",
            f"distance {d} was not measured under this noise model, and only 'p=P' is fitted",
            field="code",
            help=f"measured distances: {', '.join(map(str, measured))}",
        )
    law = fit(points(table, family, decoder))
    return extrapolate(channels_from_counts(rows, measured[-1]), law, d, p)


def missing(rows: Table, d: int) -> list[str]:
    """The rows of surgery that this distance lacks."""
    return [f"'{kind}' in {basis}" for kind, basis in NEEDED if rows.row(kind, d, basis) is None]


def extrapolate(base: Channels, law: Fit, d: int, p: float) -> Channels:
    """Everything but injection scales as the fit says from the distance of ``base`` to ``d``. The fit is of a round;
    operations are of cycles, which have as many rounds as the distance."""
    per_round, spread = law.ratio(base.d, d, p)
    factor = per_round * d / base.d
    source = f"fitted: distance {base.d} {base.source}, {(d - base.d) // 2} steps beyond"
    made = replace(base.scale(factor), d=d, source=source, factor=factor)
    return replace(made, relative_sd=math.hypot(spread, base.relative_sd))


def redrawn(rows: Table, known: Channels, dice: np.random.Generator) -> Channels:
    """``known`` as it might be: its counts and the error of its model drawn anew. ``rows`` are those of its noise
    model. Raises as ``channels_from_counts`` does."""
    own = Table(tuple(row for row in rows.rows if row.d == known.counted_d))
    spread = math.exp(known.relative_sd * float(dice.normal()))
    made = channels_from_counts(draw_table(own, dice), known.counted_d).scale(known.factor * spread)
    return replace(made, d=known.d, source=known.source, factor=known.factor, relative_sd=known.relative_sd)


def channels_from_counts(rows: Table, d: int) -> Channels:
    """From the rows of this distance, all of one noise model. Without rows of surgery: waiting from memory, merges as
    much as their patches would suffer in the same time. Raises UNSUPPORTED where an operation errs so often that what
    was counted is a coin."""
    if missing(rows, d):
        return _from_memory(rows, d)
    cycle: dict[Basis, float] = {}
    ends: dict[Basis, float] = {}
    inject: dict[Basis, float] = {}
    for flip, basis in _flips_and_bases():
        long, short = (_total(_need(rows, kind, d, basis)) for kind in ("idle", "prepare_measure"))
        cycle[flip] = max(0.0, (long - short) / (IDLE_CYCLES - 1))
        ends[flip] = short - cycle[flip]
        injected = rows.row("inject_t", d, basis)
        if injected is not None:
            inject[flip] = max(0.0, _total(injected) - cycle[flip] - ends[flip] / 2)
    made = Channels(d, cycle, ends, inject if len(inject) == 2 else None, {}, {}, {}, "counted", 0.0, counted_d=d)
    merge = {pauli: _merge(rows, made, pauli, "") for pauli in BASES}
    far = {pauli: _merge(rows, made, pauli, "_tile") for pauli in BASES}
    tile = {pauli: _subtract(far[pauli], merge[pauli]) for pauli in BASES}
    away = {pauli: _away_rate(rows, made, merge[pauli], pauli) for pauli in BASES}
    return replace(made, merge=merge, tile=tile, away=away, wall=_wall(rows, made))


def _flips_and_bases() -> tuple[tuple[Basis, Basis], ...]:
    """Pairs (flip, basis that sees it)."""
    return (("X", "Z"), ("Z", "X"))


def _need(rows: Table, kind: str, d: int, basis: str) -> Row:
    row = rows.row(kind, d, basis)
    if row is None:
        raise QmkError("UNSUPPORTED", f"the table has no row '{kind}' in {basis} at distance {d}", field="code")
    return row


def _total(row: Row) -> float:
    """The strength theta of one observable."""
    return float(_thetas(row, 1)[1])


def _thetas(row: Row, wide: int) -> Floats:
    """By mechanism. Raises UNSUPPORTED where a parity of what was counted is a coin, and no rate follows from it."""
    if len(row.observables) != wide:
        raise QmkError("INVALID_PARAMS", f"row '{row.kind}' has other observables than its circuit", field="table")
    found = thetas(row.errors, row.shots, wide)
    if not np.isfinite(found).all():
        raise _coin(row)
    return found


def _coin(row: Row) -> QmkError:
    return QmkError(
        "UNSUPPORTED",
        f"'{row.kind}' in {row.basis} at distance {row.d} under {row.noise} comes out like a coin",
        field="noise",
        help="there is no logical qubit left: take less noise",
    )


def _from_memory(rows: Table, d: int) -> Channels:
    cycle: dict[Basis, float] = {}
    for flip, basis in _flips_and_bases():
        row = _need(rows, "memory", d, basis)
        if row.any_per_shot >= 0.5:
            raise _coin(row)
        cycle[flip] = theta(row.any_per_shot) / row.rounds * d
    none: dict[Basis, float] = {"X": 0.0, "Z": 0.0}
    merge: dict[Basis, MergeChannel] = {}
    tile: dict[Basis, MergeChannel] = {}
    for flip, pauli in _flips_and_bases():
        other: Basis = pauli
        merge[pauli] = MergeChannel(cycle[flip] / 2, cycle[flip] / 2, cycle[flip], 2 * cycle[other])
        tile[pauli] = MergeChannel(0.0, 0.0, cycle[flip], cycle[other])
    source = "counted memory, operations by their volume"
    return Channels(d, cycle, none, None, merge, tile, none, source, VOLUME_ERROR, counted_d=d)


def _merge(rows: Table, known: Channels, pauli: Basis, suffix: str) -> MergeChannel:
    """The flips that P sees, by where they show: outcome and patch (before), patch (after), outcome alone; both patches
    together are one of them twice."""
    kind = f"merge_{pauli.lower() * 2}{suffix}"
    flip: Basis = "X" if pauli == "Z" else "Z"
    same, crossed = _need(rows, kind, known.d, pauli), _need(rows, kind, known.d, flip)
    outside = known.cycle[flip] + known.ends[flip] / 2
    other = _total(crossed) - 4 * known.cycle[pauli] - 2 * known.ends[pauli]
    return _solve_merge(same, outside, other)


def _solve_merge(same: Row, outside: float, other: float) -> MergeChannel:
    """``outside``: what waiting on either side of the merge adds to a flip before or after it."""
    found = _thetas(same, 3)
    product, a, b = 1, 2, 4
    before = (found[product | a] + found[product | b]) / 2 + found[product | a | b] - outside
    after = (found[a] + found[b]) / 2 + found[a | b] - outside
    return MergeChannel(float(before), float(after), float(found[product]), other)


def _wall(rows: Table, known: Channels) -> MergeChannel | None:
    """Of X of one patch with Z of another."""
    same, crossed = (rows.row("merge_xz", known.d, basis) for basis in BASES)
    if same is None or crossed is None:
        return None
    cycles, ends = sum(known.cycle.values()), sum(known.ends.values())
    return _solve_merge(same, cycles / 2 + ends / 4, _total(crossed) - 2 * cycles - ends)


def _away_rate(rows: Table, known: Channels, near: MergeChannel, pauli: Basis) -> float:
    flip: Basis = "X" if pauli == "Z" else "Z"
    total = _total(_need(rows, f"merge_{pauli.lower() * 2}_away", known.d, pauli))
    seen = 2 * (known.cycle[flip] + known.ends[flip] / 2 + near.before) + near.outcome
    return max(0.0, (total - seen) / 2)


def _subtract(far: MergeChannel, near: MergeChannel) -> MergeChannel:
    """What a tile adds; patches suffer what they suffer."""
    return MergeChannel(0.0, 0.0, max(0.0, far.outcome - near.outcome), max(0.0, far.other - near.other))


def draw_table(table: Table, dice: np.random.Generator) -> Table:
    """A table as it might be: every count from its posterior, a gamma whose prior is Jeffreys' for the row as a whole
    and is shared among its patterns (one for each would add half a count to every pattern that never came). Rounded.
    For error bars of what follows from a table."""
    rows: list[Row] = []
    for row in table.rows:
        wide = len(row.observables)
        patterns = [format(m, f"0{wide}b") for m in range(1, 1 << wide)]
        prior = 0.5 / len(patterns)
        counts = {key: round(float(dice.gamma(row.errors.get(key, 0) + prior))) for key in patterns}
        scale = max(1.0, sum(counts.values()) / row.shots)
        errors = {key: int(n / scale) for key, n in counts.items() if n}
        rows.append(msgspec.structs.replace(row, errors=errors))
    return Table(tuple(rows))
