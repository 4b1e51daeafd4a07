"""Values of parameters as callers give them, and the parameters of a graph."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sized
from typing import Any, cast

from qmk.base.errors import QmkError
from qmk.ir.parameters import Expression, encode_name
from qmk.qvm.graph import Graph


def read_values(declared: Mapping[str, int | None], given: Mapping[Any, Any], whole: bool = True) -> dict[str, Any]:
    """The values of parameters by name, each a float or a list of floats. Keys are names or ``Parameter`` objects.

    Raises INVALID_PARAMS for a name that is not among ``declared``, a value that is not a finite number or list of the
    right length, and when ``whole`` for a parameter without a value."""
    found = join_elements({identifier_of(key): value for key, value in given.items()})
    for name in found:
        if name not in declared:
            raise _wrong(f"the program has no parameter {name!r}", _suggest(name, declared))
    missing = [name for name in declared if name not in found]
    if missing and whole:
        raise _wrong(
            f"no value is given for the parameter{'s' * (len(missing) > 1)} {', '.join(missing)}",
            f"give params={{{missing[0]!r}: ...}}, or bind it first",
        )
    return {name: _values(name, declared[name], value) for name, value in found.items()}


def parameters_of(graph: Graph) -> dict[str, int | None]:
    """The parameters in the arguments of a graph, as ``Expression.parameters`` gives them."""
    found: dict[str, int | None] = {}
    for node in graph.nodes:
        for value in node.args.values():
            if isinstance(value, Expression):
                found.update(value.parameters())
            elif isinstance(value, dict):
                for each in cast("dict[str, object]", value).values():
                    found.update(each.parameters() if isinstance(each, Expression) else {})
    return found


_ELEMENT = re.compile(r"(.+)\[(\d{1,6})\]", re.DOTALL)


def resolve(value: Any, values: dict[str, Any]) -> Any:
    """A number, or the value of an expression, also those in lists and objects."""
    if isinstance(value, Expression):
        return value.at(values)
    return map_leaves(value, lambda each: resolve(each, values)) if isinstance(value, (dict, list)) else value


def map_leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    """A value with what stands in its lists and objects changed."""
    if isinstance(value, dict):
        return {name: map_leaves(each, change) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [map_leaves(each, change) for each in cast("list[Any]", value)]
    return change(value)


def affine_parameters(graph: Graph) -> tuple[dict[str, tuple[int, ...]], bool]:
    """The shapes of a graph's parameters by name, and whether each stands in affine functions alone."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, size in parameters_of(graph).items():
        shapes[name] = () if size is None else (size,)
    values = (value for node in graph.nodes for value in leaves(node.args))
    return shapes, all(value.is_affine for value in values if isinstance(value, Expression))


def leaves(value: Any) -> Iterator[Any]:
    """The values in lists and objects, such as the numbers of a waveform."""
    if isinstance(value, (dict, list)):
        inside = cast("dict[str, Any]", value).values() if isinstance(value, dict) else cast("list[Any]", value)
        for each in inside:
            yield from leaves(each)
    else:
        yield value


def name_of(key: object) -> Any:
    """The name of a parameter that is given by itself, also one of another framework; any other key as it is."""
    name = key if isinstance(key, str) else getattr(key, "name", None)
    return name if isinstance(name, str) else key


def identifier_of(key: object) -> Any:
    """``name_of`` as an identifier, which is how circuits have names of other frameworks; ``w[2]`` keeps its
    brackets."""
    name = name_of(key)
    if not isinstance(name, str) or name.isidentifier():
        return name
    element = _ELEMENT.fullmatch(name)
    return encode_name(name) if element is None else f"{encode_name(element[1])}[{element[2]}]"


def join_elements(given: Mapping[Any, Any], join: Callable[[list[Any]], Any] = list) -> dict[Any, Any]:
    """The values with those of ``w[0]``, ``w[1]`` and so on, where all are there, made one of ``w`` by ``join``."""
    elements: dict[str, dict[int, Any]] = {}
    found: dict[Any, Any] = {}
    for name, value in given.items():
        match = _ELEMENT.fullmatch(name) if isinstance(name, str) and name.endswith("]") else None
        if match is None:
            found[name] = value
        else:
            elements.setdefault(match[1], {})[int(match[2])] = value
    for name, values in elements.items():
        if name in found or values.keys() != set(range(len(values))):
            found |= {f"{name}[{k}]": value for k, value in values.items()}
        else:
            found[name] = join([values[k] for k in range(len(values))])
    return found


def _values(name: str, size: int | None, value: Any) -> float | list[float]:
    try:
        if size is None:
            found = [float(value)]
        else:
            found = [float(each) for each in value]
            if len(found) != size:
                raise _wrong(f"'{name}' has {size} values, and {len(found)} are given", f"give a list of {size}")
    except QmkError:
        raise
    except Exception:  # a caller's own class may raise anything
        what = "a number" if size is None else f"a list of {size} numbers"
        many = "; many values at once are points=" if size is None and isinstance(value, Sized) else ""
        raise _wrong(f"the value of '{name}' is not {what}", f"give {what}{many}") from None
    if not all(map(math.isfinite, found)):
        raise _wrong(f"the value of '{name}' is not finite", "give finite numbers")
    return found[0] if size is None else found


def _suggest(name: object, declared: Mapping[str, int | None]) -> str:
    import difflib

    near = difflib.get_close_matches(str(name), declared, 1)
    known = f"it has {', '.join(declared)}" if declared else "it has none"
    return f"did you mean '{near[0]}'? {known}" if near else known


def _wrong(what: str, fix: str) -> QmkError:
    return QmkError("INVALID_PARAMS", what, field="params", help=fix)
