"""Programs as callers have them: a graph, a circuit, a file, source text, or an object of another framework."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from qmk.base.errors import QmkError
from qmk.qvm.graph import Graph
from qmk.request import arguments
from qmk.sdk.frontend import Inputs

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from qmk.circuit.circuit import Circuit
    from qmk.request.framework_types import FrameworkObject
    from qmk.request.options import RunOptions

ProgramLike: TypeAlias = "Graph | Circuit | os.PathLike[str] | str | bytes | FrameworkObject"
_MARKS_OF_TEXT = ("\n", "{", ";", "\r")


def own(program: ProgramLike, params: Mapping[Any, Any] | None = None) -> tuple[ProgramLike, Mapping[Any, Any] | None]:
    """An object of another framework in a form of ours, all else as it is, and the parameters that are still to be set.
    Whoever looks at a program several times does this first. Raises UNSUPPORTED naming what cannot be carried over."""
    if isinstance(program, (str, bytes, Graph, os.PathLike)):
        return program, params
    if is_circuit(program):
        return program, params
    from qmk.circuit import objects

    found = objects.read(program, params)
    return (program, params) if found is None else found


def is_circuit(program: object) -> TypeIs[Circuit]:
    """Whether a program is a ``qmk.Circuit``. Nothing is one before that class is imported, so that programs of other
    frameworks do not wait for it."""
    module = sys.modules.get("qmk.circuit.circuit")
    return module is not None and isinstance(program, module.Circuit)


def own_with(program: ProgramLike, options: RunOptions) -> tuple[ProgramLike, RunOptions]:
    """``own``, with the parameters of a run's options and the format of the text that an object became."""
    found, params = own(program, options.params)
    if found is not program and isinstance(found, bytes) and options.format is None:
        from qmk.circuit import objects

        options = options.replace(format=objects.format_of(program))
    return found, options if params is options.params else options.replace(params=params)


def own_once(program: ProgramLike) -> ProgramLike:
    """``own`` for what is read once for many values of its parameters; what is read anew for each stays as it is."""
    return program if is_function(program) else own(program)[0]


def is_function(program: ProgramLike) -> bool:
    """Whether an object of another framework is a program only with values of its arguments."""
    if isinstance(program, (str, bytes, Graph, os.PathLike)):
        return False
    from qmk.circuit import objects

    adapter = objects.adapter_of(program)
    return adapter is not None and adapter.uses_params(program)


def to_graph(program: ProgramLike, format: str | None = None, params: Mapping[Any, Any] | None = None) -> Graph:
    """The program as a graph, that of a circuit with ``params`` as its parameters. A ``str`` is source text when it
    holds a line break, a brace or a semicolon, else the path of a file; ``bytes`` are text, a ``Path`` is a file.

    Raises INVALID_GRAPH with findings when the source is wrong, INVALID_PARAMS when there is no such file or when
    ``format`` or ``params`` are given with a graph, UNSUPPORTED when no front-end knows the format.
    """
    if params is not None:
        params = arguments.mapping("params", params)
    program, params = own(program, params)
    if isinstance(program, Graph):
        if format is not None or params:
            raise QmkError("INVALID_PARAMS", "format and params apply to source text, not to a graph", field="params")
        return program
    circuit = circuit_of(program)
    if circuit is not None:
        if format is not None:
            raise QmkError("INVALID_PARAMS", "format applies to source text, not to a circuit", field="format")
        return circuit.to_graph(params)
    from qmk import frontends

    if format is not None:
        arguments.text("format", format)
    data, path = source(program)
    return frontends.load(data, path=path, format=format, params=params or None).graph


def circuit_of(program: ProgramLike) -> Circuit | None:
    """The program if it is a ``qmk.Circuit``, or becomes one; None for a graph, text and a path, and for a function of
    another framework, which is a circuit for each set of arguments."""
    if is_function(program):
        return None
    found = own(program)[0]
    if isinstance(found, (str, bytes, Graph, os.PathLike)):
        return None
    return found if is_circuit(found) else None


def inputs_of(program: ProgramLike, format: str | None = None) -> Inputs | None:
    """The inputs that a program declares; None where only values for them tell which there are. A graph has none."""
    if is_function(program):
        return None
    program = own(program)[0]
    if isinstance(program, Graph):
        return Inputs({}, only_angles=True)
    circuit = circuit_of(program)
    if circuit is not None:
        return circuit.inputs
    from qmk import frontends

    data, path = source(program)
    return frontends.inputs(data, path=path, format=format)


def source(program: ProgramLike) -> tuple[bytes, str]:
    """The source text, and the path of its file ("" where there is none). Raises INVALID_PARAMS for what has none."""
    program = own(program)[0]
    text = source_text(program)
    if text is not None:
        return text, ""
    if not isinstance(program, (str, os.PathLike)):
        fix = "give a Circuit, a Graph, source text, the path of a file, or a circuit of a framework that QMK reads"
        raise arguments.refuse("program", program, "a program or the path of one", fix)
    path = os.fsdecode(program)
    from qmk.frontends import read_file

    return read_file(path), path


def source_text(program: ProgramLike) -> bytes | None:
    """The source text where it is given as such; None for all else."""
    if isinstance(program, bytes):
        return program
    if isinstance(program, str) and any(mark in program for mark in _MARKS_OF_TEXT):
        return program.encode(errors="surrogatepass")  # the reader says where it is not UTF-8
    return None
