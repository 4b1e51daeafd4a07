"""Reads flat OpenQASM and Stim text as circuits of the native core, at its speed.

What the native readers take means what the front ends say it means; they decline all else, and every error. Whoever
gets None reads the text by its front end, which also says what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qmk_native import Circuit

FORMATS = ("qasm2", "qasm3", "stim")
"""Formats that the native core reads."""

HEAD = 8192
"""How many characters are searched to recognise a text as Stim's."""

_NOT_QASM = "neither OpenQASM"
"""The native reader's reason begins like this if the text is in another language."""


def read(text: str | bytes, format: str | None = None, params: Mapping[str, Any] | None = None) -> Circuit | None:
    """The circuit of ``text`` in ``format`` (recognised where None); None for what a front end must read."""
    import qmk_native

    try:
        if format == "stim":
            return None if params else qmk_native.read_stim(text)
        return qmk_native.read_qasm(text, inputs=params or None)
    except (qmk_native.Declined, TypeError) as declined:
        other = format is None and not params and declined.args[-1].startswith(_NOT_QASM)
        return read(text, "stim") if other and _is_stim(text) else None


def _is_stim(text: str | bytes) -> bool:
    from qmk.frontends import recognise

    head = text[:HEAD]
    return recognise(head.encode() if isinstance(head, str) else head) == "stim"
