"""References of the form "module:name" to what a plug-in brings."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def resolve(reference: str) -> Any:
    """What a reference names; its module is imported. Raises ImportError or AttributeError for what is not there."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


def later(reference: str) -> Callable[..., Any]:
    """The function that a reference names, imported when it is first called."""

    def call(*args: Any) -> Any:
        return resolve(reference)(*args)

    return call
