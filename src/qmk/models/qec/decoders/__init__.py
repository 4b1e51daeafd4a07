"""Decoders behind one interface: ``get("matching").compile(dem).decode(dets)``.

A name may carry options, as in ``tesseract(beam=5)``, and a window, as in ``matching@5+5``: commit 5 rounds, look 5
ahead (``streaming``). Libraries are imported when a decoder is compiled.
"""

from __future__ import annotations

import dataclasses
import re

from qmk.base.errors import QmkError
from qmk.models.qec.decoders.interface import Bits, Compiled, Decoder
from qmk.models.qec.decoders.linear import BP_LSD, BP_OSD, UNION_FIND
from qmk.models.qec.decoders.matching import CORRELATED, MATCHING
from qmk.models.qec.decoders.relay import RELAY
from qmk.models.qec.decoders.search import CHROMOBIUS, TESSERACT

_ROWS = (MATCHING, CORRELATED, UNION_FIND, BP_OSD, BP_LSD, RELAY, TESSERACT, CHROMOBIUS)
DECODERS: dict[str, Decoder] = {row.name: row for row in _ROWS}

MOST_OPTION = 1_000_001
_SPEC = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*(?:@\s*(\d{1,6})\s*\+\s*(\d{1,6})\s*)?")


def get(name: str) -> Decoder:
    """The decoder of this name, with options in brackets and window. Raises INVALID_PARAMS where there is none such."""
    found = _SPEC.fullmatch(name)
    if found is None or found[1] not in DECODERS:
        raise QmkError(
            "INVALID_PARAMS", f"decoder: no '{name}'; there are {', '.join(sorted(DECODERS))}", field="decoder"
        )
    decoder = DECODERS[found[1]]
    given = dict(_option(decoder, text) for text in (found[2] or "").split(",") if text.strip())
    decoder = dataclasses.replace(decoder, options={**decoder.options, **given})
    if found[3] is None:
        return decoder
    from qmk.models.qec.streaming import sliding

    return sliding(decoder, commit=int(found[3]), buffer=int(found[4]))


def _option(decoder: Decoder, text: str) -> tuple[str, float]:
    key, _, value = (part.strip() for part in text.partition("="))
    try:
        number = float(value)
    except ValueError:
        number = None
    if key not in decoder.options or number is None:
        known = ", ".join(f"{name}={value:g}" for name, value in decoder.options.items()) or "none"
        raise QmkError("INVALID_PARAMS", f"decoder {decoder.name}: option '{text}'; options: {known}", field="decoder")
    least = decoder.least.get(key, 0)
    if not least <= number < MOST_OPTION or (number % 1 and isinstance(decoder.options[key], int)):
        whole = "a whole number" if isinstance(decoder.options[key], int) else "a number"
        raise QmkError(
            "INVALID_PARAMS",
            f"decoder {decoder.name}: option '{text.strip()}'",
            field="decoder",
            help=f"write {whole} from {least:g} to {MOST_OPTION - 1}",
        )
    return key, number


__all__ = ["DECODERS", "Bits", "Compiled", "Decoder", "get"]
