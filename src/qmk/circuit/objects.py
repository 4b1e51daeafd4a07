"""Programs that are objects of other frameworks: found by the module of their type, read and written by adapters."""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.models.arguments import show
from qmk.sdk import discovery
from qmk.sdk.adapter import Adapter, PauliSum, cannot
from qmk.sdk.references import resolve

if TYPE_CHECKING:
    from qmk.circuit.circuit import Circuit
    from qmk.qvm.graph import Graph


def adapter_of(program: object) -> Adapter | None:
    """The adapter of an object's type or of a type that it derives from; of a function that a framework made, of an
    object that it carries as an attribute. None where there is none."""
    carried = tuple(map(type, vars(program).values())) if isinstance(program, FunctionType) else ()
    for kind in (*type(program).__mro__[:-1], *carried):
        found = discovery.adapter_for(kind.__module__.partition(".")[0])
        if found is not None:
            return found
    return None


def format_of(program: object) -> str | None:
    """The format of the text that ``read`` makes of an object, where its adapter says so."""
    adapter = adapter_of(program)
    return None if adapter is None else adapter.format or None


def read(
    program: object, params: Mapping[Any, Any] | None = None
) -> tuple[Circuit | Graph | bytes, Mapping[Any, Any] | None] | None:
    """A framework's program in a form of ours, and the parameters that are still to be set; None for an object that no
    adapter knows and that has no method ``to_qmk`` for it. Raises UNSUPPORTED naming what cannot be carried over and
    where it stands."""
    own = getattr(type(program), "to_qmk", None)
    if own is not None:
        return own(program), params
    adapter = adapter_of(program)
    if adapter is None:
        return None
    found = resolve(adapter.reader)(program, params)
    return found, None if adapter.uses_params(program) else params


def read_observable(given: object) -> PauliSum | None:
    """What a framework's object is as a sum of Pauli strings; None for an object that is not an observable there.
    Raises UNSUPPORTED naming what is not a sum of Paulis."""
    adapter = adapter_of(given)
    return resolve(adapter.observable)(given) if adapter is not None and adapter.observable else None


def write(circuit: Circuit, framework: str) -> Any:
    """The circuit as an object of ``framework``. Raises UNSUPPORTED where the framework is not installed, or naming
    what it cannot say."""
    adapter = discovery.adapters()[framework]
    try:
        writer = resolve(adapter.writer)
    except ImportError as error:
        what = f"quantum-microkernel[{adapter.extra}]" if adapter.extra else adapter.library
        raise QmkError(
            "UNSUPPORTED", f"a circuit of {framework} needs {error.name}", help=f"pip install '{what}'"
        ) from error
    return writer(circuit)


def not_a_program(framework: str, program: object, fix: str) -> QmkError:
    """The refusal of an object of a framework that is not one of its programs."""
    return cannot(framework, f"a {type(program).__name__} is not a program", show(program, 40), fix)


def readable() -> list[str]:
    """The frameworks whose programs are read."""
    return sorted(discovery.adapters())


def writable() -> list[str]:
    """The frameworks that circuits can be written for."""
    return sorted(name for name, adapter in discovery.adapters().items() if adapter.writer)
