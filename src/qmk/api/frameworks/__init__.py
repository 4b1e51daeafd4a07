"""Objectives as functions of other libraries' arrays, with their derivatives told to these libraries. None of them is
needed by QMK, or imported before it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

from qmk.base.errors import QmkError


def require(module: str, package: str) -> Any:
    """The module of another library. Raises UNSUPPORTED where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        raise QmkError(
            "UNSUPPORTED", f"{package} is not installed", package=package, help=f"pip install {package}"
        ) from missing


def refuse_second() -> QmkError:
    """The refusal of a derivative of a derivative."""
    return QmkError(
        "UNSUPPORTED",
        "a value has first derivatives only",
        help="take differences of gradients, or qmk.metric_tensor for the curvature of states",
    )
