"""What is imported when it is needed: references of the form "module:name", and libraries that may not be there."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from qmk.base.errors import QmkError


def resolve(reference: str) -> Any:
    """What a reference names; its module is imported. Raises ImportError or AttributeError for what is not there."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


def require(module: str, what: str, install: str, **fields: Any) -> Any:
    """A module of a library that QMK does without. Raises UNSUPPORTED where it is not there: ``what`` needs it, and pip
    installs it by the name ``install``."""
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        package = module.partition(".")[0]
        message = f"{package} is not installed: {what} needs it"
        raise QmkError("UNSUPPORTED", message, package=package, help=f"pip install '{install}'", **fields) from missing


def later(reference: str) -> Callable[..., Any]:
    """The function that a reference names, imported when it is first called."""

    def call(*args: Any) -> Any:
        return resolve(reference)(*args)

    return call
