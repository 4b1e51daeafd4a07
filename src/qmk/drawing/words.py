"""Conditions and angles as short texts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from qmk.qvm.graph import Guard

NO_NAMES: Mapping[str, str] = MappingProxyType({})


def guard_text(guard: Guard, nested: bool = False, names: Mapping[str, str] = NO_NAMES) -> str:
    """``m0``, ``!m0``, ``m0=2``, ``(a & (b | c))``."""
    if guard.type == "eq":
        event = names.get(guard.event, guard.event)
        return {0: f"!{event}", 1: event}.get(guard.value, f"{event}={guard.value}")
    sign = " & " if guard.type == "and" else " | "
    text = sign.join(guard_text(condition, True, names) for condition in guard.conditions)
    return f"({text})" if nested else text


def angle_text(value: Any) -> str:
    """``0.7853...`` -> ``π/4``: small fractions of π exactly, else four significant digits."""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return str(value)
    for denominator in (1, 2, 3, 4, 6, 8, 16, 32):
        numerator = value * denominator / math.pi
        nearest = round(numerator)
        if nearest and abs(numerator - nearest) < 1e-9 and abs(nearest) <= 64:
            sign = "-" if nearest < 0 else ""
            times = "" if abs(nearest) == 1 else str(abs(nearest))
            return f"{sign}{times}π" + (f"/{denominator}" if denominator > 1 else "")
    return f"{value:.4g}"
