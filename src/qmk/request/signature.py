"""Gives functions that take options a signature that shows each option with its default."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from qmk.request.options import CALLS, OPTIONS, RunOptions

Function = TypeVar("Function", bound=Callable[..., Any])


def takes(call: str, *own: msgspec.Struct) -> Callable[[Function], Function]:
    """Give a function whose last parameter is ``**keywords`` the signature and the documentation of a call's options,
    after those that are its ``own``. The function itself stays as it is, and costs no more to call."""

    def sign(function: Function) -> Function:
        plain = inspect.signature(function)
        rows = [(each, name) for each in own for name in each.__struct_fields__]
        options = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=getattr(defaults, name),
                annotation=type(defaults).__annotations__[name],
            )
            for defaults, name in [*rows, *((RunOptions(), name) for name in CALLS[call])]
        ]
        kept = [each for each in plain.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        function.__signature__ = plain.replace(parameters=[*kept, *options])  # type: ignore[attr-defined]
        lines = [f"    ``{name}``: {OPTIONS[name].doc}" for name in CALLS[call]]
        function.__doc__ = "\n".join([(function.__doc__ or "").rstrip(), "", *lines, "    "])
        return function

    return sign
