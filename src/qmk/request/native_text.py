"""Reads flat OpenQASM and Stim text as circuits of the native core, at its speed.

What the native readers take means what the front ends say it means; they decline all else, and every error. Whoever
gets None reads the text by its front end, which also says what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

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
        return qmk_native.read_qasm(text, inputs=_flatten(text, params) if params else None)
    except (qmk_native.Declined, TypeError) as declined:
        other = format is None and not params and declined.args[-1].startswith(_NOT_QASM)
        return read(text, "stim") if other and _is_stim(text) else None


def _flatten(text: str | bytes, params: Mapping[str, Any]) -> dict[str, Any]:
    """Each parameter as the flat text of a circuit spells it, and each element of a vector by itself; no other text
    that has a vector is read here."""
    from qmk.circuit.flat import spell_element, spell_input

    found: dict[str, Any] = {}
    for given, value in params.items():
        name, spelt = given, spell_input(given)
        if spelt != given and isinstance(text, bytes) and spelt.encode() in text:
            name = spelt
        if isinstance(value, list) and all(type(each) is float for each in cast("list[Any]", value)):
            found |= {spell_element(name, at): each for at, each in enumerate(cast("list[float]", value))}
        else:
            found[name] = value
    return found


def _is_stim(text: str | bytes) -> bool:
    from qmk.frontends import recognise

    head = text[:HEAD]
    return recognise(head.encode() if isinstance(head, str) else head) == "stim"
