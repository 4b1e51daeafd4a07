"""Coroutines that never wait for an event loop, run to their end."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")


def drive(work: Coroutine[Any, Any, R]) -> R:
    """The result of a coroutine over a link that blocks, so that it is never suspended."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("a link that blocks has suspended its caller")
