"""Results as objects of other frameworks: a module each, found by the framework's name, with ``FORMS``, the functions
that make one, by their names, the first the usual one.

A bit of a framework is that of its own index in its own register: registers stand in the order of their declaration,
which OpenQASM prints from right to left. Without per-shot events shots are listed by outcome. The bit of a lost
atom is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import numpy as np

from qmk.sdk.adapter import cannot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qmk.qvm.outputs import Values


class Group(Protocol):
    """A register of counts; ``places`` are those of its bits among all printed ones."""

    @property
    def name(self) -> str: ...
    @property
    def places(self) -> tuple[int, ...]: ...
    @property
    def descending(self) -> bool: ...


class Measured(Protocol):
    """``qmk.Result`` as converters see it."""

    counts: Any
    shots: int
    seed: int
    engine: str
    job_id: str
    values: Values | None
    densities: list[Any]

    @property
    def has_events(self) -> bool: ...
    def bits(self, register: str | None = None) -> NDArray[np.uint8]: ...


def registers(result: Measured) -> dict[str, NDArray[np.uint8]]:
    """The shots of each register in the order of declaration: shape (shots, bits), column k is bit k."""
    groups: list[Group] = [group for group in result.counts.groups if group.places]
    printed = _bits_as_printed(result)
    if all(group.descending for group in groups):
        groups.reverse()
    return {
        group.name or "bits": printed[:, list(reversed(group.places) if group.descending else group.places)]
        for group in groups
    }


def _bits_as_printed(result: Measured) -> NDArray[np.uint8]:
    if result.has_events:
        return result.bits()
    keys = [key.replace(" ", "") for key in result.counts]
    rows = np.array([[digit == "1" for digit in key] for key in keys], np.uint8).reshape(len(keys), -1)
    return np.repeat(rows, list(result.counts.values()), axis=0)


def all_bits(result: Measured) -> NDArray[np.uint8]:
    """The bits of all registers in the order of declaration, shape (shots, bits)."""
    return np.hstack([np.zeros((result.shots, 0), np.uint8), *registers(result).values()])


def require_counts(result: Measured, framework: str) -> None:
    """Raises UNSUPPORTED for a result without counts."""
    if not result.counts:
        refuse(framework, "there are no counts", "ask for counts too, or for another form of the result")


def states_of(result: Measured) -> list[NDArray[np.complex128]]:
    """The state vector at each point, the first qubit highest. Empty where none was asked for."""
    points = [] if result.values is None else result.values.points
    return [np.frombuffer(point.state, "<c16") for point in points if point.state]


def expectations_of(result: Measured, framework: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and errors, of shape (points, observables). Raises UNSUPPORTED where there are none."""
    points = [] if result.values is None else result.values.points
    if not points or not points[0].expectations:
        refuse(framework, "there are no expectation values", "ask for them with outputs=qmk.outputs(..., expect=...)")
    rows = [[(found.value, found.error) for found in point.expectations] for point in points]
    made = np.array(rows, np.float64)
    return made[..., 0], made[..., 1]


def the_state(result: Measured, framework: str) -> NDArray[np.complex128]:
    """The one state vector. Raises UNSUPPORTED for none and for several."""
    return _the_only(states_of(result), framework, "states")


def the_density(result: Measured, framework: str) -> Any:
    """The one density matrix, the first qubit highest. Raises UNSUPPORTED for none and for several."""
    return _the_only(result.densities, framework, "density matrices").array


def _the_only(states: Sequence[Any], framework: str, what: str) -> Any:
    if len(states) != 1:
        refuse(framework, f"there are {len(states)} {what}, not one", "take them from result.values")
    return states[0]


def refuse(framework: str, what: str, fix: str) -> NoReturn:
    """Raises UNSUPPORTED for a part of a result that a framework's result has no place for, or that is not there."""
    raise cannot(framework, what, "the result", fix)
