"""Objectives as functions of other libraries' arrays, with their derivatives told to these libraries. None of them is
needed by QMK, or imported before it is asked for."""

from __future__ import annotations

from qmk.base.errors import QmkError


def refuse_second() -> QmkError:
    """The refusal of a derivative of a derivative."""
    return QmkError(
        "UNSUPPORTED",
        "a value has first derivatives only",
        help="take differences of gradients, or qmk.metric_tensor for the curvature of states",
    )
