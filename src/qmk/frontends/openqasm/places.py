"""What assignments write to: variables, elements of arrays, bits of registers and integers, slices of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from qmk.frontends.openqasm.evaluate import Evaluator
from qmk.frontends.openqasm.scope import Variable
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.tree import Expr, Index, Name
from qmk.frontends.openqasm.values import (
    BIT,
    INTEGERS,
    Type,
    Value,
    angle_bits,
    bits_angle,
    bits_of,
    element_type,
    number_of,
)


class Place(msgspec.Struct):
    """Something an assignment can write: its type, how to read and write it, and a label for measured events."""

    type: Type
    read: Callable[[], Any]
    write: Callable[[Any], None]
    labels: tuple[str, ...]


class Places(Evaluator):
    """Places."""

    def place(self, node: Expr) -> Place:
        """Where an assignment to ``node`` writes."""
        if isinstance(node, Name):
            symbol = self.find(node.name, node.pos)
            if not isinstance(symbol, Variable) or symbol.type.kind == "qubit":
                raise Refusal("type", node.pos, f"'{node.name}' is not a classical variable")
            if symbol.constant:
                word = "an input" if symbol.storage == "input" else "constant"
                raise Refusal("scope", node.pos, f"'{node.name}' is {word} and cannot be assigned")
            return self.variable_place(symbol, node.pos)
        if isinstance(node, Index):
            if isinstance(node.base, Name) and len(node.items) == 1:
                symbol = self.find(node.base.name, node.base.pos)
                bits = symbol.register() if isinstance(symbol, Variable) else None
                if isinstance(symbol, Variable) and bits is not None and not symbol.constant:
                    where = self.positions(node.items[0], len(bits), node.pos)
                    chosen = (where,) if isinstance(where, int) else tuple(where)
                    kind = BIT if isinstance(where, int) else Type("bit", len(chosen))
                    return self._bits_place(kind, tuple((symbol, at) for at in chosen))
            place = self.place(node.base)
            for k, item in enumerate(node.items):
                place = self._inner(place, item, node.pos, k == len(node.items) - 1)
            return place
        raise Refusal("type", node.pos, "only variables and their elements can be assigned")

    def variable_place(self, variable: Variable, pos: int) -> Place:
        if variable.type.kind == "bit":
            return self._bits_place(variable.type, self.references(variable))
        return Place(
            variable.type,
            lambda: self.read(variable, pos).data,
            lambda data: self.store(variable, data),
            (variable.name,),
        )

    def references(self, variable: Variable) -> tuple[tuple[Variable, int], ...]:
        """The bits behind a bit, register or alias."""
        if variable.refs is not None:
            return variable.refs
        if (bits := variable.register()) is not None:
            return tuple((variable, at) for at in range(len(bits)))
        return ((variable, -1),)

    def _bits_place(self, kind: Type, refs: tuple[tuple[Variable, int], ...]) -> Place:
        def read() -> Any:
            bits = tuple(ref.data if at < 0 else ref.data[at] for ref, at in refs)
            return bits if kind.size is not None else bits[0]

        def write(data: Any) -> None:
            for (target, at), bit in zip(refs, data if kind.size is not None else (data,), strict=True):
                self.store_bit(target, at, bit)

        return Place(kind, read, write, tuple(ref.name if at < 0 else f"{ref.name}_{at}" for ref, at in refs))

    def _inner(self, outer: Place, item: Expr, pos: int, last: bool) -> Place:
        """The place of ``outer[item]``."""
        kind = outer.type
        if kind.kind == "array":
            where = self.positions(item, kind.dims[0], pos)
            inner = element_type(kind)
            if not isinstance(where, int):
                self._slice_last(last, pos)
                inner = Type("array", None, (len(where), *kind.dims[1:]), kind.base)
            return self._element(outer, where, inner, list, tuple, outer.labels)
        if kind.kind == "bit" and kind.size is not None:
            where = self.positions(item, kind.size, pos)
            chosen = [where] if isinstance(where, int) else where
            labels = tuple(outer.labels[k] for k in chosen)
            inner = Type("bit") if isinstance(where, int) else Type("bit", len(where))
            return self._element(outer, where, inner, list, tuple, labels)
        if kind.kind in INTEGERS:
            where = self.positions(item, kind.width, pos)
            inner = Type("bit") if isinstance(where, int) else Type("bit", len(where))
            return self._element(
                outer, where, inner, lambda data: list(bits_of(Value(kind, data), kind.width)),
                lambda bits: number_of(tuple(bits), kind), outer.labels,
            )  # fmt: skip
        if kind.kind == "angle" and kind.size is not None:
            size = kind.size
            where = self.positions(item, size, pos)
            inner = Type("bit") if isinstance(where, int) else Type("bit", len(where))
            return self._element(
                outer, where, inner, lambda data: list(angle_bits(Value(kind, data), self.logic)),
                lambda bits: bits_angle(tuple(bits), size), outer.labels,
            )  # fmt: skip
        raise Refusal("index", pos, f"a value of type {kind.text()} has no index that can be assigned")

    def _element(
        self,
        outer: Place,
        where: int | list[int],
        inner: Type,
        unpack: Callable[[Any], list[Any]],
        pack: Callable[[list[Any]], Any],
        labels: tuple[str, ...],
    ) -> Place:
        def read() -> Any:
            items = unpack(outer.read())
            return items[where] if isinstance(where, int) else tuple(items[k] for k in where)

        def write(data: Any) -> None:
            items = unpack(outer.read())
            if isinstance(where, int):
                items[where] = data
            else:
                for k, item in zip(where, data, strict=True):
                    items[k] = item
            outer.write(pack(items))

        return Place(inner, read, write, labels)
