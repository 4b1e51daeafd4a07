"""Front-end ``pytket-json``: circuits of pytket as ``Circuit.to_dict`` gives them.

What it pins. Registers keep their names and sizes, and their bits are printed as those of OpenQASM; a unit whose
register is not numbered 0, 1, ... is one by itself, ``node[5]`` as ``node_5``. Symbols are parameters. pytket writes 15
digits of an angle. Boxes without a circuit in the document need pytket: give its object.
"""

from __future__ import annotations

from qmk.frontends.pytket_json.rules import PYTKET_RULES
from qmk.sdk.frontend import Frontend, json_object
from qmk.sdk.references import later

__all__ = ["FRONTEND", "PYTKET_RULES"]


def recognise(data: bytes) -> int:
    """A JSON object with the keys of a circuit of pytket."""
    head = json_object(data)
    if b'"commands"' in head and b'"implicit_permutation"' in head:
        return 99
    return 0


FRONTEND = Frontend(
    "pytket-json",
    "Circuits of pytket in its JSON",
    (".tket.json",),
    recognise,
    later("qmk.frontends.pytket_json.reader:read"),
    inputs=later("qmk.frontends.pytket_json.reader:inputs"),
)
