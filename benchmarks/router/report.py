"""Tables of a run: every fixed engine, and QMK, against the best peer of each circuit (the "oracle")."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

QMK = "qmk"
RUN = "qmk:run"
"""``qmk.run``, beside ``qmk.sample``, which is ``QMK``"""
HALVES = 400
LONG_S = 0.1
Row = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """CPU seconds of an engine on a circuit; None when it gave no right answer, with the reason, and the CPU seconds
    that it had when it was stopped, if it was."""

    seconds: float | None
    why: str = ""
    wall_s: float | None = None
    stopped_s: float | None = None


def cells(rows: Iterable[Row]) -> dict[str, dict[str, Cell]]:
    """``[circuit][engine]``. A wrong answer counts as none."""
    table: dict[str, dict[str, Cell]] = {}
    for row in rows:
        wrong = row.get("disagrees")
        seconds = None if "error" in row or wrong else row["cpu_s"]
        table.setdefault(row["circuit"], {})[row["engine"]] = Cell(
            seconds,
            row.get("error") or wrong or "",
            None if seconds is None else row.get("wall_s"),
            row.get("stopped_s"),
        )
    return table


def oracle(engines: dict[str, Cell]) -> tuple[str, float] | None:
    """The fastest peer and its seconds."""
    solved = [(cell.seconds, name) for name, cell in engines.items() if not _ours(name) and cell.seconds is not None]
    return min(solved)[::-1] if solved else None


def _ours(name: str) -> bool:
    return name == QMK or name.startswith(QMK + ":")


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def show(rows: Sequence[Row]) -> str:
    table = cells(rows)
    parts = [_circuits(table), _engines(table), _summary(table, rows)]
    if any(_ours(name) and name not in (QMK, RUN) for engines in table.values() for name in engines):
        parts.append(_rewrites(table))
    return "\n\n".join("\n".join(part) for part in parts)


def _circuits(table: dict[str, dict[str, Cell]]) -> Iterable[str]:
    yield f"{'circuit':<42}{'best peer':<28}{'peer ms':>10}{'QMK ms':>10}{'ratio':>8}  note"
    for name, engines in sorted(table.items()):
        best, ours = oracle(engines), engines.get(QMK, Cell(None, "not run"))
        peer = f"{best[0]:<28}{1e3 * best[1]:>10.2f}" if best else f"{'none':<28}{'':>10}"
        mine = f"{1e3 * ours.seconds:>10.2f}" if ours.seconds is not None else f"{'-':>10}"
        ratio = f"{ours.seconds / best[1]:>8.2f}" if best and ours.seconds is not None else f"{'':>8}"
        yield f"{name:<42}{peer}{mine}{ratio}  {ours.why[:60]}"


def _engines(table: dict[str, dict[str, Cell]]) -> Iterable[str]:
    yield f"{'engine':<28}{'solved':>8}{'best on':>9}{'slowdown':>10}{'stopped':>10}{'>=100ms':>10}"
    for row in engine_figures(table):
        means = f"{row['slowdown']:>10.2f}{row['with_unsolved']:>10.2f}{row['slowdown_long']:>10.2f}"
        yield f"{row['engine']:<28}{row['solved']:>5}/{len(table):<3}{row['best_on']:>8}{means}"


def engine_figures(table: dict[str, dict[str, Cell]]) -> Iterable[Row]:
    """Each engine against the oracle: circuits solved, and geometric means of its slowdown where it solved the circuit,
    with the time it had in place of what it did not, and where the oracle takes long."""
    for engine in sorted({name for engines in table.values() for name in engines}):
        ratios, penal, long, solved, best_on = [], [], [], 0, 0
        for engines in table.values():
            best = oracle(engines)
            cell = engines.get(engine, Cell(None))
            solved += cell.seconds is not None
            if best is None:
                continue
            if cell.seconds is None:
                if cell.stopped_s is not None:  # at least this: what it had by then, and no more
                    penal.append(max(1.0, cell.stopped_s / best[1]))
                continue
            ratio = cell.seconds / best[1]
            ratios.append(ratio)
            penal.append(ratio)
            best_on += best[0] == engine
            if best[1] >= LONG_S:
                long.append(ratio)
        yield {
            "engine": engine, "solved": solved, "best_on": best_on, "slowdown": geometric_mean(ratios),
            "with_unsolved": geometric_mean(penal), "slowdown_long": geometric_mean(long),
        }  # fmt: skip


def figures(rows: Sequence[Row]) -> dict[str, Any]:
    """What the page about speed shows: the number of ``circuits``, a ``summary`` by face, ``rows``, one an engine."""
    table = cells(rows)
    summary: dict[str, Any] = {}
    for face, engine, unit in (("sample", QMK, "seconds"), ("run", RUN, "wall_s")):
        ratios: list[tuple[float, str, float]] = []
        for name, engines in table.items():
            ours = getattr(engines.get(engine, Cell(None)), unit)
            theirs = [getattr(cell, unit) for peer, cell in engines.items() if not _ours(peer)]
            if ours is not None and (known := [value for value in theirs if value is not None]):
                ratios.append((ours / min(known), name, ours))
        if ratios:
            worst, circuit, seconds = max(ratios)
            summary[face] = {
                "both_solved": len(ratios),
                "ratio": geometric_mean([ratio for ratio, _, _ in ratios]),
                "halves": _halves([ratio for ratio, _, _ in ratios]),
                "worst": {"ratio": worst, "circuit": circuit, "ms": 1e3 * seconds},
                "slower_on": sum(ratio > 1 for ratio, _, _ in ratios),
                "wrong": sum(row["engine"] == engine and bool(row.get("disagrees")) for row in rows),
            }
    shown = [row for row in engine_figures(table) if not row["engine"].startswith(QMK + ":")]
    return {"circuits": len(table), "summary": summary, "rows": shown}


def _summary(table: dict[str, dict[str, Cell]], rows: Sequence[Row]) -> Iterable[str]:
    ratios: list[tuple[float, str, float]] = []
    missed, alone = [], []
    for name, engines in table.items():
        best, ours = oracle(engines), engines.get(QMK, Cell(None)).seconds
        if best and ours is not None:
            ratios.append((ours / best[1], name, ours))
        elif best:
            missed.append(name)
        elif ours is not None:
            alone.append(name)
    long = [ratio for ratio, name, _ in ratios if (found := oracle(table[name])) and found[1] >= LONG_S]
    behind = [
        f"{name} {ratio:.2f}x" for ratio, name, ours in sorted(ratios, reverse=True) if ratio > 1.5 and ours > 0.02
    ]
    wrong = [f"{row['engine']} on {row['circuit']}" for row in rows if row.get("disagrees")]
    mean = geometric_mean([ratio for ratio, _, _ in ratios])
    yield f"QMK / best peer, geometric mean over {len(ratios)} circuits: {mean:.3f}"
    yield f"  over random halves of them: {_halves([ratio for ratio, _, _ in ratios])}"
    yield f"  where the best peer takes at least {1e3 * LONG_S:.0f} ms ({len(long)}): {geometric_mean(long):.3f}"
    yield f"  more than 1.5 x behind and over 20 ms: {', '.join(behind) or 'none'}"
    yield from _run(table)
    yield f"solved by a peer and not by QMK: {', '.join(missed) or 'none'}"
    yield f"solved by QMK and by no peer: {', '.join(alone) or 'none'}"
    yield f"wrong answers: {', '.join(wrong) or 'none'}"


def _run(table: dict[str, dict[str, Cell]]) -> Iterable[str]:
    """``qmk.run`` against the best peer by wall time, and against ``qmk.sample``."""
    against, beside = [], []
    for name, engines in table.items():
        run, sample = engines.get(RUN, Cell(None)).wall_s, engines.get(QMK, Cell(None)).wall_s
        peers = [cell.wall_s for other, cell in engines.items() if not _ours(other) and cell.wall_s is not None]
        if run is not None and peers:
            against.append((run / min(peers), name))
        if run is not None and sample is not None:
            beside.append(run / sample)
    if not beside:
        return
    slower = [f"{name} {ratio:.2f}x" for ratio, name in sorted(against, reverse=True) if ratio > 1]
    ratios = [ratio for ratio, _ in against]
    yield f"qmk.run / best peer, wall time, geometric mean over {len(against)} circuits: {geometric_mean(ratios):.3f}"
    yield f"  over random halves of them: {_halves(ratios)}; slower on {len(slower)}: {', '.join(slower) or 'none'}"
    yield f"qmk.run / qmk.sample, wall time, over {len(beside)} circuits: {geometric_mean(beside):.2f}"


def _halves(ratios: Sequence[float]) -> str:
    """The range of the geometric mean over random halves, without the outermost fortieth at each end."""
    rng = random.Random(1)
    size = len(ratios) // 2
    if size < 1:
        return "too few circuits"
    means = sorted(geometric_mean(rng.sample(list(ratios), size)) for _ in range(HALVES))
    return f"{means[HALVES // 40]:.3f} to {means[-1 - HALVES // 40]:.3f}"


def _rewrites(table: dict[str, dict[str, Cell]]) -> Iterable[str]:
    """What each rewrite gains: time without it over time with it; for the first row, of QMK as it comes."""
    yield f"{'without':<28}{'both':>8}{'gain':>8}{'most':>8}  {'only with':<12}on"
    for name in sorted({name for engines in table.values() for name in engines if name.startswith(f"{QMK}:")}):
        whole = QMK if name == f"{QMK}:as_written" else f"{QMK}:rewritten"
        if name == whole or not ("without" in name or whole == QMK):
            continue
        both, alone = [], 0
        for circuit, engines in table.items():
            with_it, without = (engines.get(key, Cell(None)).seconds for key in (whole, name))
            if with_it is not None and without is not None:
                both.append((without / with_it, circuit))
            alone += with_it is not None and without is None
        most = max(both, default=(math.nan, ""))
        label = name.partition(":")[2].removeprefix("without_").replace("as_written", "any rewrite")
        yield (
            f"{label:<28}{len(both):>8}{geometric_mean([gain for gain, _ in both]):>8.2f}{most[0]:>8.1f}"
            f"  {alone:<12}{most[1]}"
        )
