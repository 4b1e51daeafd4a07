"""``lazy``: a property that is computed when it is first read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class lazy(Generic[T]):  # it is used as a decorator, as property is
    """A property that is computed when it is first read, and kept in the object then.

    ``functools.cached_property`` of Python 3.11 holds one lock for all objects of a class while it computes: threads
    wait for each other's programs, and a process that is forked meanwhile waits for ever. This one has no lock; two
    threads that read one object's property at once may both compute it, and get equal values.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    if TYPE_CHECKING:

        @overload
        def __get__(self, obj: None, owner: type | None = None) -> Self: ...
        @overload
        def __get__(self, obj: object, owner: type | None = None) -> T: ...
        def __set__(self, obj: object, value: T) -> None: ...

    def __get__(self, obj: object, owner: type | None = None) -> Self | T:
        if obj is None:
            return self
        found = obj.__dict__[self._name] = self._compute(obj)
        return found
