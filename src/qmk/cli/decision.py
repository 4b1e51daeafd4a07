"""The router's decision as text: the engine chosen, what the others would have cost or lacked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from qmk.base.units import bytes_text, seconds_text

if TYPE_CHECKING:
    from qmk.abi.calls.q_result import Provenance


def candidate_lines(candidates: list[dict[str, Any]]) -> list[str]:
    """One line a candidate, the chosen one first and marked."""
    lines: list[str] = []
    for row in candidates:
        name = " ".join(part for part in (row.get("engine", "?"), row.get("method", "")) if part)
        mark = "->" if row.get("chosen") else "  "
        lines.append(f"{mark} {name:<24} {_verdict(row)}")
    return lines


def outcome_lines(provenance: Provenance, usage: Mapping[str, Any]) -> list[str]:
    """What became of the decision: rewrites taken, engines left, the time predicted and the time taken."""
    lines = [f"   rewritten: {text}" for text in rewrite_texts(provenance.notes.get("rewrites"))]
    lines += segment_lines(provenance.notes)
    lines += surprise_lines(provenance)
    if provenance.cached_from:
        return lines
    predicted_s, taken_s = provenance.predicted_seconds, float(usage.get("engine_seconds", 0.0))
    parts = [f"took {seconds_text(taken_s)}"]
    if predicted_s > 0:
        parts.append(f"predicted {seconds_text(predicted_s)} within a factor of {provenance.uncertainty:g}")
    if predicted_s > 0 and taken_s > 0:
        factor = taken_s / predicted_s
        parts.append(f"{factor:.2g} times the prediction")
    return [*lines, "   " + ", ".join(parts)]


def segment_lines(notes: Mapping[str, Any]) -> list[str]:
    """Says which kinds of simulator a run went through, and how much of its state was cut off."""
    rows = cast("list[dict[str, Any]]", notes.get("segments") or [])
    if not rows:
        return []
    parts = [f"{row['kind']} for {row['gates']} gates on {row['qubits']} qubits" for row in rows]
    return [f"   {', then '.join(parts)}; infidelity at most {notes.get('infidelity_bound', 0.0):.1g}"]


def surprise_lines(provenance: Provenance) -> list[str]:
    """Says what differed from the first choice."""
    lines = [f"   left {_name(row.engine, row.method)}: {row.message}" for row in provenance.fallbacks]
    if provenance.cached_from:
        lines.append(f"   not run: the result of {provenance.cached_from}, which was asked for the same")
    return lines


def shape_lines(found: dict[str, Any]) -> list[str]:
    """The native core's features of a circuit, as ``router.native.shape`` gives them."""
    if not found:
        return []
    cut = f"a bond of at most 2^{found['cut']}"
    width = "" if found["treewidth"] is None else f", treewidth at most {found['treewidth']}"
    return [
        f"light cone of {found['light_cone']} qubits, {found['width']} alive and {found['joined']} joined at a time, "
        f"{cut}{width}, Clifford for the first {found['clifford_prefix']} of {found['ops']}"
    ]


def rewrite_texts(found: Any) -> list[str]:
    """The native core's report of its rewrites, as ``ir.native_rewrites`` gives it."""
    if not isinstance(found, dict) or "ops_before" not in found:
        return []
    report = cast("dict[str, Any]", found)
    fired = cast("dict[str, int]", report.get("fired") or {})
    texts = [", ".join(f"{name} {count} times" for name, count in fired.items())] if fired else []
    texts.append(f"{report['ops_before']} operations to {report['ops_after']}")
    if report.get("order", "input") != "input":
        texts.append(f"in another order ({report['order']})")
    if "width_before" in report:
        texts.append(f"{report['width_before']} qubits alive at a time to {report['width_after']}")
    return texts


def _name(engine: str, method: str) -> str:
    return f"{engine}:{method}" if method else engine


def _verdict(row: dict[str, Any]) -> str:
    gaps: list[Any] = row.get("gaps") or []
    if gaps:
        return "no: " + "; ".join(_gap(gap) for gap in gaps)
    parts: list[str] = []
    if row.get("seconds") is not None:
        factor = row.get("uncertainty")
        doubt = f" (within x{factor:g})" if factor else ""
        parts.append(f"about {seconds_text(row['seconds'])}{doubt}")
    if row.get("memory_bytes") is not None:
        parts.append(bytes_text(row["memory_bytes"]))
    if row.get("reason"):
        parts.append(str(row["reason"]))
    return ", ".join(parts)


def _gap(gap: object) -> str:
    if not isinstance(gap, dict):
        return str(gap)
    named = cast("dict[str, object]", gap)
    return str(named.get("detail") or named.get("need"))


def change_lines(provenance: Provenance) -> list[str]:
    """Calibrations that came into force while a job on logical qubits ran."""
    lines: list[str] = []
    for row in provenance.changes:
        made = "" if row.made else " was refused"
        distance = f"distance {row.from_distance} to {row.to_distance}"
        lines.append(f"  after epoch {row.epoch}: {distance}{made}: {row.reason}")
    return lines
