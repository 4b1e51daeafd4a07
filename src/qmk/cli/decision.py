"""The router's decision as text: the engine chosen, what the others would have cost or lacked."""

from __future__ import annotations

from typing import Any

from qmk.base.units import bytes_text, seconds_text


def candidate_lines(candidates: list[dict[str, Any]]) -> list[str]:
    """One line a candidate, the chosen one first and marked."""
    lines: list[str] = []
    for row in candidates:
        name = " ".join(part for part in (row.get("engine", "?"), row.get("method", "")) if part)
        mark = "->" if row.get("chosen") else "  "
        lines.append(f"{mark} {name:<24} {_verdict(row)}")
    return lines


def _verdict(row: dict[str, Any]) -> str:
    gaps = row.get("gaps") or []
    if gaps:
        return "no: " + "; ".join(_gap(gap) for gap in gaps)
    parts: list[str] = []
    if row.get("seconds") is not None:
        parts.append(f"about {seconds_text(row['seconds'])}")
    if row.get("memory_bytes") is not None:
        parts.append(bytes_text(row["memory_bytes"]))
    if row.get("reason"):
        parts.append(str(row["reason"]))
    return ", ".join(parts)


def _gap(gap: Any) -> str:
    return str(gap.get("detail") or gap.get("need")) if isinstance(gap, dict) else str(gap)
