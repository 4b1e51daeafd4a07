"""Unrolling: frames of values, the graph under construction, the bound on steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from qmk.base.limits import LIMITS
from qmk.frontends.kirin.units import Document, Statement
from qmk.frontends.kirin.values import Either, Measured, Method, Parity, Qubit, Truth, is_list, show
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.builder import Builder
from qmk.sdk.frontend import Refused

NESTING = 48
"""The deepest nesting of calls."""


class Frame(msgspec.Struct):
    """The values of one call, by their names in the document."""

    method: Method
    values: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise Refused("KIRIN-09", f"the value {name[:40]} is used before it is defined") from None


class Run:
    """One program being unrolled. ``lossy``: measurements say whether the atom was there."""

    def __init__(self, document: Document, lossy: bool) -> None:
        self.document, self.lossy = document, lossy
        self.builder = Builder()
        self.measured: list[Measured] = []
        self.detectors: list[tuple[Parity, list[float]]] = []
        self.observables: list[Parity] = []
        self.depth = 0
        self.steps = 0
        self.where = ""
        self._attributes: dict[tuple[int, str], Any] = {}

    def step(self, frame: Frame, statement: Statement) -> None:
        self.where = f"in '{frame.method.name}', statement {statement.id[:40]}"
        self.steps += 1
        if self.steps > LIMITS.expansion_steps:
            raise Refused("KIRIN-08", f"more than {LIMITS.expansion_steps} statements are executed")

    def arg(self, frame: Frame, statement: Statement, name: str) -> Any:
        """The value of the argument ``name``, a list of values where it stands for several."""
        place = statement.slices.get(name)
        if isinstance(place, slice):
            return [frame.get(one) for one in statement.args[place]]
        if place is None or not -len(statement.args) <= place < len(statement.args):
            raise Refused("KIRIN-01", f"the statement has no argument '{name}'")
        return frame.get(statement.args[place])

    def args(self, frame: Frame, statement: Statement) -> list[Any]:
        return [frame.get(name) for name in statement.args]

    def attribute(self, statement: Statement, name: str, default: Any = None) -> Any:
        if name not in statement.attributes:
            return default
        key = (id(statement), name)
        if key not in self._attributes:
            self._attributes[key] = self.document.constant(statement.attributes[name])
        return self._attributes[key]

    def measure(self, handle: str) -> Measured:
        """Measure Z; with the event of loss where the program may lose atoms."""
        base = f"m{len(self.measured)}"
        builder = self.builder
        if not self.lossy:
            made = Measured(builder.measure(handle, base))
        else:
            made = Measured(*builder.measure_atom(handle, base, f"lost{len(self.measured)}"))
        self.measured.append(made)
        return made

    # -- branches ----------------------------------------------------------------------------------------------------

    def merge(self, chooser: lg.Bit, yes: Any, no: Any) -> Any:
        """``yes`` where ``chooser`` holds, else ``no``."""
        if type(yes) is type(no) and not is_list(yes) and yes == no:
            return yes
        if isinstance(yes, Measured) and isinstance(no, Measured):
            merge = self.builder.merge
            return Measured(merge(chooser, yes.bit, no.bit), merge(chooser, yes.lost, no.lost))
        if is_list(yes) and is_list(no) and type(yes) is type(no) and len(yes) == len(no):
            made = [self.merge(chooser, a, b) for a, b in zip(yes, no, strict=True)]
            return made if isinstance(yes, list) else tuple(made)
        if isinstance(yes, (Truth, bool)) and isinstance(no, (Truth, bool)):
            return Truth(self.builder.merge(chooser, _bit(yes), _bit(no)))
        if isinstance(yes, Either):
            return yes
        kinds = f"{show(yes)} or {show(no)}"
        return Either(f"{kinds}, as a measurement decides" if not isinstance(yes, Qubit) else "one of two qubits")


def _bit(value: Truth | bool) -> lg.Bit:
    return value.bit if isinstance(value, Truth) else lg.constant(value)


def arguments(method: Method, given: Mapping[str, Any]) -> list[Any]:
    """The values of the kernel's arguments. Raises for one that is missing, unknown or of another kind."""
    unknown = [name for name in given if name not in method.slots]
    missing = [name for name in method.slots if name not in given]
    if unknown or missing:
        what = f"is not given '{missing[0]}'" if missing else f"has no argument '{unknown[0]}'"
        has = ", ".join(method.slots) or "none"
        raise Refused("KIRIN-06", f"the kernel '{method.name}' {what}; its arguments: {has}")
    for name, value in given.items():
        rows = cast("list[Any]", value) if isinstance(value, list) else [value]
        if not all(isinstance(item, (bool, int, float)) for item in rows):
            raise Refused("KIRIN-06", f"the argument '{name}' is {show(value)}")
    return [given[name] for name in method.slots]
