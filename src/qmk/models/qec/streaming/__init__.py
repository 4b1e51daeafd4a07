"""Decoding while rounds come in: windows that slide over the circuit (``windows``), for any decoder (``sliding``)."""

from __future__ import annotations

from qmk.models.qec.streaming.sliding import Sliding, sliding
from qmk.models.qec.streaming.windows import Span, Window, rounds_of, spans, window_of

__all__ = ["Sliding", "Span", "Window", "rounds_of", "sliding", "spans", "window_of"]
