"""Front-end ``pytket-json``: circuits of pytket as ``Circuit.to_dict`` gives them.

What it pins. Registers keep their names and sizes, and their bits are printed as those of OpenQASM; a unit whose
register is not numbered 0, 1, ... is one by itself, ``node[5]`` as ``node_5``. Symbols are parameters. pytket writes 15
digits of an angle. Boxes without a circuit in the document need pytket: give its object.
"""

from __future__ import annotations

from qmk.frontends.pytket_json.rules import PYTKET_RULES
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Frontend, Inputs, Source, json_object

__all__ = ["FRONTEND", "PYTKET_RULES"]


def recognise(data: bytes) -> int:
    """A JSON object with the keys of a circuit of pytket."""
    head = json_object(data)
    if b'"commands"' in head and b'"implicit_permutation"' in head:
        return 99
    return 0


def parse(source: Source) -> Graph:
    from qmk.frontends.pytket_json.reader import read

    return read(source)


def inputs(source: Source) -> Inputs:
    from qmk.frontends.pytket_json.reader import inputs

    return inputs(source)


FRONTEND = Frontend("pytket-json", "Circuits of pytket in its JSON", (".tket.json",), recognise, parse, None, inputs)
