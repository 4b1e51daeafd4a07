"""Refusals of a parameter."""

from __future__ import annotations

from typing import Any

from qmk.base.errors import QmkError


def wrong(field: str, message: str, help: str = "", **fields: Any) -> QmkError:
    """INVALID_PARAMS for one field; ``help`` says what to write instead."""
    return QmkError("INVALID_PARAMS", message, field=field, **fields, **({"help": help} if help else {}))
