"""Counts as a bar chart in the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping

BLOCKS = " ▏▎▍▌▋▊▉█"
"""A bar's last character by eighths."""


def lines(
    counts: Mapping[str, int],
    shots: int,
    *,
    top: int = 20,
    width: int = 100,
    ascii_only: bool = False,
    with_errors: bool = False,
) -> list[str]:
    """One line an outcome: bits, bar, count, share of ``shots``, ``with_errors`` with its standard error.

    Outcomes stand by count, then by bits; past ``top`` one line says how many more there are and what they hold.
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = sorted(ordered[:top]) if len(ordered) <= min(top, 8) else ordered[:top]
    if not shown:
        return ["no outcomes"]
    labels = [_clip(bits, max(12, width - 40)) for bits, _ in shown]
    key_width = max(len(label) for label in labels)
    count_width = max(len(str(count)) for _, count in shown)
    bar_width = max(1, min(48, width - key_width - count_width - (24 if with_errors else 15)))
    largest = max(count for _, count in shown)
    out = [
        f"  {label:<{key_width}}  {_bar(count / largest, bar_width, ascii_only):<{bar_width}}"
        f"  {count:>{count_width}}  {_share(count, shots, with_errors, ascii_only)}"
        for label, (_, count) in zip(labels, shown, strict=True)
    ]
    if len(ordered) > len(shown):
        rest = sum(count for _, count in ordered[len(shown) :])
        more = len(ordered) - len(shown)
        dots = "..." if ascii_only else "…"
        out.append(f"  {dots} {more} more outcome{'s' * (more > 1)} with {rest} shots, {100 * rest / shots:.1f} %")
    return out


def _share(count: int, shots: int, with_error: bool, ascii_only: bool) -> str:
    """A share in per cent; its error is that of a binomial estimate, at least that of one shot."""
    share = count / shots
    if not with_error:
        return f"{100 * share:5.1f} %"
    error = max(math.sqrt(share * (1 - share) / shots), 1 / shots)
    return f"{100 * share:5.1f} {'+-' if ascii_only else '±'} {100 * error:.2g} %"


def _bar(share: float, width: int, ascii_only: bool) -> str:
    if ascii_only:
        return "#" * max(1, round(share * width))
    eighths = max(1, round(share * width * 8))
    full, rest = divmod(eighths, 8)
    return "█" * full + (BLOCKS[rest] if rest else "")


def _clip(bits: str, width: int) -> str:
    """Long bitstrings keep both ends: the middle says how many characters it stands for."""
    if len(bits) <= width:
        return bits or "(no bits)"
    half = (width - 10) // 2
    return f"{bits[:half]}…{len(bits) - 2 * half}…{bits[-half:]}"
