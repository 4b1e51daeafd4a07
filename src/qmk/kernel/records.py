"""Records as the journal has them: encoded once, before they are applied, so that it never lags behind the kernel.

Everything in a record came through a codec once, so this should never matter. If a defect of ours puts something into
one that no codec carries, a new job is refused, and any other record is kept with that part replaced by its text: the
live kernel and a replayed one then see the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Union, cast

import msgspec

from qmk.base.errors import INTEGER_BOUND, QmkError
from qmk.kernel.events import OfLaunch, Record, Submitted
from qmk.kernel.labels import Labelled
from qmk.kernel.objects.archive import Archived, ArchiveForgotten
from qmk.kernel.objects.refused import CallsRefused
from qmk.kernel.rewriting import ChangeRefused, Rewritten

_encode = msgspec.msgpack.Encoder().encode
_REFUSALS = (TypeError, ValueError, OverflowError, RecursionError)
"""What the codec raises: unknown types, text that is not Unicode, whole numbers beyond 64 bits, endless nesting."""
DEPTH = 16

_APART = (Rewritten, ChangeRefused, Archived, ArchiveForgotten, CallsRefused, Labelled)
"""Records that are not defined in ``events``."""
_KINDS = {*Record.__subclasses__(), *OfLaunch.__subclasses__(), *_APART} - {OfLaunch}
decode_record: Callable[[bytes], Record] = msgspec.msgpack.Decoder(Union[tuple(_KINDS)]).decode  # noqa: UP007 - it is computed
"""Reads a record of the journal."""


def encode(record: Submitted) -> bytes:
    """The record's bytes. Raises INTERNAL_ERROR when it cannot be written: the job is not to be accepted."""
    try:
        return _encode(record)
    except _REFUSALS as error:
        raise QmkError("INTERNAL_ERROR", f"a defect in QMK: the job's record cannot be written ({error})") from error


def writable(record: Record) -> tuple[Record, bytes]:
    """The record, or one that can be written in its place, and its bytes."""
    try:
        return record, _encode(record)
    except _REFUSALS:
        fields = {name: _plain(getattr(record, name), 0) for name in record.__struct_fields__}
        plain = msgspec.structs.replace(record, **fields)
        return plain, _encode(plain)


def _plain(value: Any, depth: int) -> Any:
    if depth > DEPTH:
        return "..."
    match value:
        case bool() | None | float() | bytes():
            return value
        case int():
            return value if -INTEGER_BOUND <= value < INTEGER_BOUND else float(value)
        case str():
            return value.encode(errors="replace").decode()
        case dict():
            rows = cast("dict[Any, Any]", value)
            return {_plain(str(key), depth): _plain(item, depth + 1) for key, item in rows.items()}
        case list() | tuple():
            items = [_plain(item, depth + 1) for item in cast("list[Any]", value)]
            return items if isinstance(value, list) else tuple(items)
        case _:
            return value if _can(value) else repr(value).encode(errors="replace").decode()


def _can(value: Any) -> bool:
    try:
        _encode(value)
    except _REFUSALS:
        return False
    return True
